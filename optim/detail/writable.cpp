#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/optim/detail/writable.h>

namespace gradus::detail {

void require_writable_gradient(const char* operation, const NamedParameter& target) {
  const Gradient& gradient = target.parameter.grad();
  if (gradient.empty()) return;
  const Tensor values = gradient.is_dense() ? gradient.dense() : gradient.sparse().entries().rows;
  if (!values.is_read_only()) return;
  throw ValueError(fmt::format(
      "{}: the gradient of {} {} is mapped from a file, read-only: set_grad() a clone() "
      "of it",
      operation, target.path, target.parameter.shape().str()));
}

}  // namespace gradus::detail
