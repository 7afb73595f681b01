#pragma once
// What the pooling ops share: the checks of their arguments.
#include <gradus/framework/kernels/nn/pooling.h>
#include <gradus/framework/ops/nn/detail/sequence_lengths.h>
#include <gradus/framework/ops/nn/pooling.h>

#include <cstdint>
#include <memory>

namespace gradus::detail {

/// Windows of one size after their options were checked.
struct StridedWindows {
  /// Each throws ValueError, naming `operation`.
  static StridedWindows checked(const char* operation, std::int64_t size,
                                const MaxPool1dOptions& options);
  static StridedWindows checked(const char* operation, std::int64_t size,
                                const AvgPool1dOptions& options);

  kernels::PoolWindows windows;
  bool ceil_mode;

  /// The number of windows on so many elements, 0 or less if none fits.
  std::int64_t count_on(std::int64_t elements) const;
  /// The same for a sequence: 0 for an empty one.
  std::int64_t length_after(std::int64_t length) const;
};

/// The arguments of an op after they were checked.
struct PoolCall {
  using Ref = std::shared_ptr<const PoolCall>;
  // Each throws as the ops do.

  static Ref checked(const char* operation, const Tensor& x, const StridedWindows& windows,
                     const Tensor& lengths);
  /// So many parts of about equal size.
  static Ref checked(const char* operation, const Tensor& x, std::int64_t parts,
                     const Tensor& lengths);

  kernels::PoolWindows windows{};
  kernels::Sequences from{}, to{};
  SequenceLengths lengths = {};
};

}  // namespace gradus::detail
