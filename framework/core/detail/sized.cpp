#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/sized.h>

namespace gradus::detail {

namespace {

// What went wrong, without the name of the function that noticed.
std::string_view problem_of(const Error& error) {
  const std::string_view what = error.what();
  return what.substr(what.find(": ") + 2);
}

}  // namespace

Tensor empty_sized(const char* operation, std::string_view number,
                   std::initializer_list<std::int64_t> sizes, DType dtype) {
  const auto message = [&](const Error& error) {
    return fmt::format("{}: {}: {}", operation, number, problem_of(error));
  };
  try {
    return empty(Shape(sizes), dtype);
  } catch (const ShapeError& error) {
    throw ShapeError(message(error));
  } catch (const Error& error) {
    throw Error(message(error));
  }
}

Tensor empty_sized(const char* operation, const Shape& shape, DType dtype) {
  try {
    return empty(shape, dtype);
  } catch (const ShapeError& error) {  // which names the shape
    throw ShapeError(fmt::format("{}: {}", operation, problem_of(error)));
  } catch (const Error& error) {
    throw Error(
        fmt::format("{}: {} of {}: {}", operation, shape.str(), name(dtype), problem_of(error)));
  }
}

}  // namespace gradus::detail
