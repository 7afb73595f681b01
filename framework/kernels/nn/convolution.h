#pragma once
#include <gradus/framework/kernels/nn/sequences.h>

#include <cstdint>

// Convolutions over sequences. T is float or double. Elements from the end of a sequence on are not
// read, and written as 0. Nothing depends on the number of threads.
namespace gradus::kernels {

/// y[b, u, o] = bias[o] + sum over c, k of weight[o, c, k] x[b, u * stride + k * dilation -
/// padding, c], where x is 0 outside of its sequence. With groups, the channels o of group i see
/// those of x in group i only. Weights are PyTorch's: [y.C, x.C / groups, K].
struct Convolution {
  Sequences x, y;
  int64_t K, stride, padding, dilation, groups;

  int64_t inputs() const { return x.C / groups; }   ///< channels of x in a group
  int64_t outputs() const { return y.C / groups; }  ///< of y
};

/// `bias` [y.C] may be null.
template <class T>
void conv1d(const Convolution& convolution, const T* x, const T* weight, const T* bias, T* y);

/// x = bias + the transposed convolution of y: without a bias, the gradient of x for that of y.
/// `bias` [x.C] may be null.
template <class T>
void conv1d_transposed(const Convolution& convolution, const T* y, const T* weight, const T* bias,
                       T* x);

/// The gradient of the weight for that of y.
template <class T>
void conv1d_weight_gradient(const Convolution& convolution, const T* x, const T* d_y, T* d_weight);

/// sum [C] = the sum of all elements of x.
template <class T>
void sum_elements(const Sequences& sequences, const T* x, T* sum);

/// y [B, y.C] = max(0, the greatest value over time of conv1d()), without writing that down, and
/// its first place [B, y.C]. Where y is 0 the place is -1. A NaN is greater than everything.
template <class T>
void conv1d_relu_max(const Convolution& convolution, const T* x, const T* weight, const T* bias,
                     T* y, int64_t* places);

/// The gradients of x, the weight and the bias for that of y [B, y.C]; null for those that are not
/// needed. Only the elements under the maxima take part, and of those none where d_y is 0.
template <class T>
struct ConvReluMaxGradients {
  T *x, *weight, *bias;
};
template <class T>
void conv1d_relu_max_vjp(const Convolution& convolution, const T* x, const T* weight,
                         const int64_t* places, const T* d_y, const ConvReluMaxGradients<T>& to);

}  // namespace gradus::kernels
