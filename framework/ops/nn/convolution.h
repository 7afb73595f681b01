#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <variant>

namespace gradus {

// Convolutions over sequences x [B, T, channels]. Weights have PyTorch's shape.
// Each throws ShapeError for sizes that do not fit, ValueError for options that make no sense,
// IndexError for a length outside [0, T], DTypeError.

/// Padding by name: valid is none; same is as much as makes the result as long as x, with the odd
/// zero behind it.
enum class Padding { valid, same };

struct ConvolutionOptions {
  std::int64_t stride = 1;  ///< elements of x from one window to the next
  /// The zeros on both sides of a sequence: a number or a name. `same` needs a stride of 1.
  std::variant<std::int64_t, Padding> padding = 0;
  std::int64_t dilation = 1;  ///< elements of x from one tap of a window to the next
  std::int64_t groups = 1;    ///< parts of the channels, each of which is convolved on its own
  /// The length of each sequence, int64 [B]; undefined if all are T. Elements from there on count
  /// as padding, whatever x holds; the result is 0 from the end of its sequence on, which
  /// conv1d_lengths() tells.
  Tensor lengths = {};
};

/// y[b, t, o] = bias[o] + sum over c, k of weight[o, c, k] x[b, t stride + k dilation - padding,
/// c]: weight [out, channels / groups, K], bias [out] or undefined. Returns [B, T', out] with T' =
/// floor((T + padding - dilation (K - 1) - 1) / stride) + 1 for the padding of both sides. Throws
/// ShapeError as well if the window is longer than x with its padding.
GRADUS_API Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                         const ConvolutionOptions& options = {});

/// max(relu(conv1d(...)), 1) as one node, which keeps the places of the maxima alone: [B, out]. The
/// gradient goes to the first maximum of each channel, and touches nothing else. 0 for a sequence
/// that is shorter than the window.
/// Source: Kim, "Convolutional Neural Networks for Sentence Classification", 2014.
GRADUS_API Tensor conv1d_relu_max(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                  const ConvolutionOptions& options = {});

/// The lengths of what conv1d() makes of sequences of these lengths, int64 [B]: 0 for a length of 0
/// and for a sequence that is shorter than the window.
GRADUS_API Tensor conv1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                                 const ConvolutionOptions& options = {});

struct ConvolutionTransposeOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;         ///< elements that are cut off on both sides
  std::int64_t output_padding = 0;  ///< elements more at the end; below the stride or the dilation
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  Tensor lengths = {};  ///< as for conv1d()
};

/// The gradient of conv1d() for its x as an op: element x[b, t] adds its product with tap k to
/// y[b, t stride + k dilation - padding]. weight [channels, out / groups, K], bias [out] or
/// undefined. Returns [B, (T - 1) stride - 2 padding + dilation (K - 1) + output_padding + 1, out].
GRADUS_API Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                                   const ConvolutionTransposeOptions& options = {});

/// The lengths of what conv_transpose1d() makes of sequences of these lengths; 0 for 0.
GRADUS_API Tensor conv_transpose1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                                           const ConvolutionTransposeOptions& options = {});

}  // namespace gradus
