#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/backward_checks.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::detail {

void check_leaf(const Node& node, const Edge& edge) {
  if (!edge.leaf.defined() || Access::body(edge.leaf).leaf->generation == edge.generation) return;
  throw AutogradError(fmt::format(
      "backward of {}: a leaf that it used was resized or converted to another dtype after the "
      "forward pass and is now {} of {}: compute the loss again",
      node.name(), edge.leaf.shape().str(), name(edge.leaf.dtype())));
}

void check_not_freed(const Node& node) {
  const char* op = node.freed;
  if (op == nullptr) return;
  if (const char* failed = node.failed) {
    throw AutogradError(fmt::format(
        "backward: the graph of {} was freed by an earlier backward() that failed in {}: compute "
        "the loss again",
        op, failed));
  }
  throw AutogradError(fmt::format(
      "backward: the graph of {} was freed by an earlier backward(): add the losses and call "
      "backward() once, pass .retain_graph = true the first time, or detach() what is carried "
      "over from the previous step",
      op));
}

void check_there(bool there, const char* op, std::size_t i) {
  if (there) return;
  throw AutogradError(fmt::format(
      "backward of {}: the gradient of input {} is an undefined tensor: return zeros where it is 0",
      op, i));
}

void check_contribution(const Gradient& contribution, const Shape& shape, DType dtype,
                        const char* op, std::size_t i) {
  const Shape& got =
      contribution.is_sparse() ? contribution.sparse().shape() : contribution.dense().shape();
  const DType type =
      contribution.is_sparse() ? contribution.sparse().dtype() : contribution.dense().dtype();
  const bool fits = got == shape || (contribution.is_dense() && broadcasts_to(shape, got));
  if (!fits) {
    throw AutogradError(fmt::format("backward of {}: gradient {} for input {} of shape {}", op,
                                    got.str(), i, shape.str()));
  }
  if (type != dtype) {
    throw DTypeError(fmt::format("backward of {}: gradient of dtype {} for input {} of dtype {}",
                                 op, name(type), i, name(dtype)));
  }
}

void check_finite(const Gradient& contribution, const char* op, std::size_t i) {
  const Tensor& values =
      contribution.is_sparse() ? contribution.sparse().values() : contribution.dense();
  dispatch_float(op, values.dtype(), [&]<class T>(T) {
    const std::int64_t position = kernels::first_nonfinite(values.data<T>(), values.numel());
    if (position < 0) return;
    throw AutogradError(fmt::format(
        "backward of {}: made the first non-finite gradient: {} at element {} of the gradient {} "
        "of input {}",
        op, static_cast<double>(values.data<T>()[position]), position, values.shape().str(), i));
  });
}

}  // namespace gradus::detail
