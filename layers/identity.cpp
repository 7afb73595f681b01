#include <fmt/format.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/identity.h>

namespace gradus {

Identity::Identity() {
  set_description([] { return "Identity()"; });
}

Flatten::Flatten(std::int64_t first, std::int64_t last) : first_(first), last_(last) {
  set_description([first, last] { return fmt::format("Flatten(first={}, last={})", first, last); });
}

Tensor Flatten::operator()(const Tensor& x) const { return flatten(x, first_, last_); }

}  // namespace gradus
