#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/sized.h>

namespace gradus::detail {

Tensor empty_sized(const char* operation, std::string_view number,
                   std::initializer_list<std::int64_t> sizes, DType dtype) {
  // What went wrong, without the name of the function that noticed.
  const auto message = [&](const Error& error) {
    const std::string_view what = error.what();
    return fmt::format("{}: {}: {}", operation, number, what.substr(what.find(": ") + 2));
  };
  try {
    return empty(Shape(sizes), dtype);
  } catch (const ShapeError& error) {
    throw ShapeError(message(error));
  } catch (const Error& error) {
    throw Error(message(error));
  }
}

}  // namespace gradus::detail
