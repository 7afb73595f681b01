#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

/// What ops and layers over sequences x [B, T, ...] take beside x.
struct SequenceInputs {
  /// The length of each sequence, int64 [B]; undefined if all are T. What x holds from there on has
  /// no effect.
  Tensor lengths = {};
};

}  // namespace gradus
