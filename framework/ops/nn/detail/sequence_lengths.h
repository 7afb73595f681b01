#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/kernels/nn/sequences.h>

#include <cstdint>
#include <functional>

namespace gradus::detail {

/// What options that are about sizes may be, so that sums of some of them still are numbers. No
/// tensor has so many elements.
inline constexpr std::int64_t largest_size = std::int64_t{1} << 58;

/// Throws ValueError unless an option is in [least, largest_size].
void check_at_least(const char* operation, const char* option, std::int64_t value,
                    std::int64_t least);

/// Throws ShapeError, naming `operation`, unless x is [batch, time, channels] and has channels.
void check_sequences(const char* operation, const Tensor& x);

/// The lengths of the sequences that an op reads, and of those that it makes of them.
class SequenceLengths {
 public:
  SequenceLengths() = default;
  SequenceLengths(const SequenceLengths&) = delete;  // sequences point into it
  SequenceLengths& operator=(const SequenceLengths&) = delete;

  /// Gives both kinds of sequences their lengths, unless all are whole. Sequences of no elements
  /// have the length 0, whatever the shape of what is made of them.
  void set(const char* operation, const Tensor& lengths,
           const std::function<std::int64_t(std::int64_t)>& length_of_result,
           kernels::Sequences& from, kernels::Sequences& to);

 private:
  Tensor from_, to_;
};

}  // namespace gradus::detail
