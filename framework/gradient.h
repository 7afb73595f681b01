#pragma once
#include <gradus/framework/sparse_grad.h>
#include <gradus/framework/tensor.h>

#include <string>
#include <utility>
#include <variant>

namespace gradus {

/// What a leaf has for a gradient: nothing, a dense Tensor, or a SparseGrad.
class GRADUS_API Gradient {
 public:
  Gradient() = default;
  Gradient(Tensor dense) {  // NOLINT(google-explicit-constructor): an op may return either kind
    if (dense.defined()) value_ = std::move(dense);
  }
  Gradient(SparseGrad sparse) : value_(std::move(sparse)) {}  // NOLINT(google-explicit-constructor)

  bool empty() const { return value_.index() == 0; }
  bool is_dense() const { return value_.index() == 1; }
  bool is_sparse() const { return value_.index() == 2; }

  /// The dense gradient. Throws AutogradError saying what is there instead.
  const Tensor& dense() const;
  /// The sparse gradient. Throws AutogradError saying what is there instead.
  const SparseGrad& sparse() const;
  /// Moves the dense gradient out. Throws as dense().
  Tensor take_dense() &&;
  /// A dense tensor of either kind; throws AutogradError if there is no gradient.
  Tensor to_dense() const;

  /// "no gradient", "dense gradient [2, 3]" or SparseGrad::str().
  std::string str() const;

 private:
  std::variant<std::monostate, Tensor, SparseGrad> value_;
};

}  // namespace gradus
