#pragma once
#include <gradus/optim/detail/row_order.h>
#include <gradus/optim/optimizer.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus {

struct GRADUS_API MuonOptions {
  double lr = 1e-3;
  double weight_decay = 0.1;  ///< shrinks w by the factor 1 - lr * weight_decay
  double momentum = 0.95;
  bool nesterov = true;
  std::array<double, 3> ns_coefficients = {3.4445, -4.7750, 2.0315};
  double eps = 1e-7;  ///< the least norm that a matrix is divided by
  std::int64_t ns_steps = 5;
  /// Scale the step of a matrix [m, n] by 0.2 sqrt(max(m, n)), so that rates of AdamW fit, or by
  /// sqrt(m / n); by sqrt(max(1, m / n)) if neither is set.
  bool match_rms_adamw = false, spectral_unclamped = false;

  /// Whether the parameters of this group are updated by AdamW, with lr and weight_decay as above.
  bool adamw = false;
  std::array<double, 2> adamw_betas = {0.9, 0.999};
  double adamw_eps = 1e-8;
};

GRADUS_API OptimizerInfo optimizer_info(MuonOptions& options);
GRADUS_API void check_options(const MuonOptions& options);

/// Muon, for the matrices of hidden layers: momentum, of which the step has all singular values
/// near
/// 1. With X = u / max(|u|, eps), ns_steps times X = a X + (b A + c A^2) X with A = X X^T, and
/// (a, b, c) = ns_coefficients:
///   m = momentum m + (1 - momentum) g
///   u = momentum m + (1 - momentum) g, or m without nesterov
///   w -= lr weight_decay w + lr scale X
/// Biases, embeddings and the output layer belong into a group with `.adamw = true`, whose
/// weight_decay is 0.1 as well unless it is set:
///
///   const auto [matrices, rest] = split_for_muon(model.parameters(), {"embedding.*", "output.*"});
///   Muon optimizer({{matrices, {.lr = 0.02}},
///                   {rest, {.lr = 3e-4, .weight_decay = 0, .adamw = true}}});
///
/// Throws ShapeError in step() for a parameter outside of such groups that is no matrix. A sparse
/// gradient is an error: each step moves every row.
/// Source: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks; Liu et al.
/// 2025, Muon is scalable for LLM training (match_rms_adamw). PyTorch iterates in bfloat16, gradus
/// in the dtype of the parameter.
class GRADUS_API Muon : public OptimizerWith<MuonOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  bool uses_buffer(std::size_t buffer, std::int64_t group) const override;
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;

  detail::RowOrder order_;  // unused: no sparse gradient comes here
};

}  // namespace gradus
