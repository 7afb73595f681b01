#pragma once
// What the convolution ops share: the checks of their arguments.
#include <gradus/framework/kernels/nn/convolution.h>
#include <gradus/framework/ops/nn/convolution.h>
#include <gradus/framework/ops/nn/detail/sequence_lengths.h>

#include <cstdint>
#include <memory>

namespace gradus::detail {

/// How the windows of a convolution lie on a sequence, after its options were checked.
struct ConvolutionWindows {
  /// Each throws ValueError, naming `operation`.
  static ConvolutionWindows checked(const char* operation, std::int64_t K,
                                    const ConvolutionOptions& options);
  static ConvolutionWindows checked(const char* operation, std::int64_t K,
                                    const ConvolutionTransposeOptions& options);

  std::int64_t stride, dilation;
  std::int64_t span;           ///< of one window, in elements
  std::int64_t before, after;  ///< the padding; of a transposed convolution what is cut off

  /// The number of windows on a sequence with its padding; 0 for an empty sequence.
  std::int64_t count_on(std::int64_t length) const;
  /// The elements under so many windows, without what is cut off; 0 for none. Throws ShapeError.
  std::int64_t length_under(const char* operation, std::int64_t windows) const;
};

/// The arguments of an op after they were checked. `x` and `y` are those of the convolution: a
/// transposed one reads y.
struct ConvolutionCall {
  using Ref = std::shared_ptr<const ConvolutionCall>;
  /// Each throws as the ops do.
  static Ref checked(const char* operation, const Tensor& x, const Tensor& weight,
                     const Tensor& bias, const ConvolutionOptions& options);
  static Ref checked(const char* operation, const Tensor& x, const Tensor& weight,
                     const Tensor& bias, const ConvolutionTransposeOptions& options);

  /// A tensor for one side, with uninitialised values. Throws ShapeError if it cannot be addressed.
  Tensor empty(const kernels::Sequences& side) const;

  const char* operation = nullptr;
  DType dtype = DType::float32;
  kernels::Convolution shape{};
  SequenceLengths lengths = {};
};

}  // namespace gradus::detail
