#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/gradient.h>

namespace gradus {

const Tensor& Gradient::dense() const {
  if (is_dense()) return dense_;
  throw AutogradError(
      fmt::format("gradient: a dense gradient was requested, but there is {}{}", str(),
                  is_sparse() ? ": use sparse() or to_dense()" : ": call backward() first"));
}

Tensor Gradient::take_dense() && {
  dense();
  return std::move(dense_);
}

const SparseGrad& Gradient::sparse() const {
  if (sparse_) return *sparse_;
  throw AutogradError(
      fmt::format("gradient: a sparse gradient was requested, but there is {}", str()));
}

Tensor Gradient::to_dense() const { return is_sparse() ? sparse().to_dense() : dense(); }

std::string Gradient::str() const {
  if (empty()) return "no gradient";
  return is_sparse() ? sparse().str() : "dense gradient " + dense().shape().str();
}

}  // namespace gradus
