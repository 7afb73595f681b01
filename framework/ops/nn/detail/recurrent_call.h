#pragma once
// What the recurrent ops share: checks, the products over all steps, and their derivatives.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/kernels/nn/packed_sequences.h>
#include <gradus/framework/ops/nn/recurrent.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace gradus::detail {

/// The arguments of an op after they were checked.
struct RecurrentCall {
  /// Throws as the ops do. `gates` is G.
  static RecurrentCall checked(const char* operation, std::int64_t gates, const Tensor& x,
                               const RecurrentWeights& weights, const RecurrentOptions& options);
  /// Throws unless a state is undefined or [B, width] and of the dtype of x.
  void check_state(const char* name, const Tensor& state, std::int64_t width) const;
  /// Makes `sequences`. The results are allocated before: that refuses a B or T for which there is
  /// no memory, as an x without features may have.
  void pack(const RecurrentWeights& weights, const RecurrentOptions& options);

  const char* operation;
  std::int64_t B, T;
  std::int64_t features;
  std::int64_t G, H;
  std::int64_t R;  ///< elements of h: H, or P with a projection
  DType dtype;
  std::shared_ptr<const kernels::PackedSequences> sequences = {};

  /// A tensor with uninitialised values. Throws ShapeError if it cannot be addressed.
  Tensor empty(const Shape& shape) const;
  Tensor empty_rows(std::int64_t width) const { return empty({sequences->rows(), width}); }
};

/// x W_ih^T of all elements: [rows, G H].
Tensor input_products(const RecurrentCall& call, const Tensor& x, const Tensor& weight_ih);

/// bias_ih + bias_hh, bias_hh only in its first `hidden` elements: [G H]. Undefined ones are 0.
Tensor added_biases(const RecurrentCall& call, const RecurrentWeights& weights,
                    std::int64_t hidden);

/// left^T right for left [rows, m] and right [rows, n]: the gradient of a weight [m, n].
Tensor weight_gradient(const Tensor& left, const Tensor& right);

/// What the derivatives of all recurrent ops keep.
struct RecurrentSaved {
  RecurrentSaved(const RecurrentCall& made, const Tensor& input, const RecurrentWeights& weights,
                 const Tensor& states_before)
      : call(made),
        x(input),
        weight_ih(weights.weight_ih),
        weight_hh(weights.weight_hh),
        h_before(states_before) {}

  RecurrentCall call;
  Saved x, weight_ih, weight_hh;
  Saved h_before;  // [rows, R]

  /// The gradients of x, weight_ih, weight_hh, bias_ih and bias_hh, for those of the products of
  /// the inputs and of the states, [rows, G H].
  std::vector<Gradient> gradients(const Tensor& d_input, const Tensor& d_hidden, Needs needs) const;
};

}  // namespace gradus::detail
