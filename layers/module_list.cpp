#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/layers/module_list.h>

namespace gradus::detail {

std::size_t list_position(std::int64_t index, std::size_t size) {
  const auto n = static_cast<std::int64_t>(size);
  if (index < -n || index >= n) {
    throw IndexError(fmt::format("ModuleList: index {} is outside [{}, {})", index, -n, n));
  }
  return static_cast<std::size_t>(index < 0 ? index + n : index);
}

std::int64_t list_size(std::int64_t count) {
  if (count >= 0) return count;
  throw ValueError(fmt::format("ModuleList: count is {}, it cannot be negative", count));
}

}  // namespace gradus::detail
