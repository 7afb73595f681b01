#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/sequence_inputs.h>

#include <cstdint>
#include <optional>

namespace gradus {

// Pooling over time of sequences x [B, T, channels], for float32 and float64. With lengths, each
// sequence gets what it gets alone, and a result is 0 from the end of its sequence on.
// Of several maxima the first gets the gradient; a NaN is greater than everything.
// Each throws ShapeError for sizes that do not fit, ValueError for options that make no sense,
// IndexError for a length outside [0, T], DTypeError.

struct MaxPool1dOptions {
  std::optional<std::int64_t> stride = std::nullopt;  ///< kernel_size by default
  /// Elements of -infinity on both sides, at most half as many as a window has.
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  bool ceil_mode = false;  ///< whether a last window may reach beyond the padding
  Tensor lengths = {};     ///< int64 [B]; undefined if all are T
};

struct AvgPool1dOptions {
  std::optional<std::int64_t> stride = std::nullopt;  ///< kernel_size by default
  std::int64_t padding = 0;       ///< zeros on both sides, at most half as many as a window has
  bool ceil_mode = false;         ///< whether a last window may reach beyond the padding
  bool count_include_pad = true;  ///< whether a mean divides by the zeros of the padding too
  Tensor lengths = {};            ///< int64 [B]; undefined if all are T
};

/// The greatest element of each window: [B, T', channels] with
/// T' = floor((T + 2 padding - dilation (kernel_size - 1) - 1) / stride) + 1, or ceil.
GRADUS_API Tensor max_pool1d(const Tensor& x, std::int64_t kernel_size,
                             const MaxPool1dOptions& options = {});
/// The mean of each window, with dilation 1.
GRADUS_API Tensor avg_pool1d(const Tensor& x, std::int64_t kernel_size,
                             const AvgPool1dOptions& options = {});

/// The lengths of what they make of sequences of these lengths, int64 [B]; 0 for 0.
GRADUS_API Tensor max_pool1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                                     const MaxPool1dOptions& options = {});
GRADUS_API Tensor avg_pool1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                                     const AvgPool1dOptions& options = {});

/// The greatest element, and the mean, of `output_size` parts of about equal size:
/// [B, output_size, channels]. Part i of n elements is [floor(i n / output_size),
/// ceil((i + 1) n / output_size)). 0 for a sequence of length 0.
GRADUS_API Tensor adaptive_max_pool1d(const Tensor& x, std::int64_t output_size,
                                      const SequenceInputs& inputs = {});
GRADUS_API Tensor adaptive_avg_pool1d(const Tensor& x, std::int64_t output_size,
                                      const SequenceInputs& inputs = {});

/// The greatest element, and the mean, of each sequence: [B, channels]. 0 for a length of 0.
GRADUS_API Tensor max_over_time(const Tensor& x, const SequenceInputs& inputs = {});
GRADUS_API Tensor mean_over_time(const Tensor& x, const SequenceInputs& inputs = {});

}  // namespace gradus
