#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/identity.h>

#include <utility>

namespace gradus {

Identity::Identity() {
  set_description([] { return "Identity()"; });
}

Flatten::Flatten(std::int64_t first, std::int64_t last) : first_(first), last_(last) {
  set_description([first, last] { return fmt::format("Flatten(first={}, last={})", first, last); });
}

Tensor Flatten::operator()(const Tensor& x) const { return flatten(x, first_, last_); }

Unflatten::Unflatten(std::int64_t axis, std::vector<std::int64_t> sizes)
    : axis_(axis), sizes_(std::move(sizes)) {
  set_description([axis, sizes = sizes_] {
    return fmt::format("Unflatten(axis={}, sizes=[{}])", axis, fmt::join(sizes, ", "));
  });
}

Tensor Unflatten::operator()(const Tensor& x) const { return unflatten(x, axis_, sizes_); }

}  // namespace gradus
