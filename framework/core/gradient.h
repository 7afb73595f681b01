#pragma once
#include <gradus/framework/core/sparse_grad.h>
#include <gradus/framework/core/tensor.h>

#include <optional>
#include <string>
#include <utility>

namespace gradus {

/// The gradient of a leaf: nothing, a dense Tensor, or a SparseGrad.
class GRADUS_API Gradient {
 public:
  Gradient() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): an op may return either kind
  Gradient(Tensor dense) : dense_(std::move(dense)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  Gradient(SparseGrad sparse) : sparse_(std::move(sparse)) {}

  bool empty() const { return !is_dense() && !is_sparse(); }
  bool is_dense() const { return dense_.defined(); }
  bool is_sparse() const { return sparse_.has_value(); }

  /// The dense gradient. Throws AutogradError saying what is there instead.
  const Tensor& dense() const;
  /// The sparse gradient. Throws AutogradError saying what is there instead.
  const SparseGrad& sparse() const;
  /// Moves the dense gradient out. Throws as dense().
  Tensor take_dense() &&;
  /// Either kind as a dense tensor; throws AutogradError if there is no gradient.
  Tensor to_dense() const;

  /// "no gradient", "dense gradient [2, 3]" or SparseGrad::str().
  std::string str() const;

 private:
  // At most one of the two is set.
  Tensor dense_;
  std::optional<SparseGrad> sparse_;
};

}  // namespace gradus
