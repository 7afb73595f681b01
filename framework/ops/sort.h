#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/reduce.h>

#include <cstdint>

namespace gradus {

// Ordering along one axis of a tensor of any dtype. -0 equals 0, and a NaN counts as the greatest
// value. Equal values keep their order: the results are the same for any number of threads.
// Each throws IndexError for an axis that x does not have; a tensor of rank 0 counts as [1].

/// The values along an axis in ascending or descending order, and the int64 places on the axis that
/// they come from. Gradients go to those places.
GRADUS_API ValuesAndIndices sort(const Tensor& x, std::int64_t axis = -1, bool descending = false);

/// The places on the axis in the order of their values, as int64: sort(x, axis,
/// descending).indices.
GRADUS_API Tensor argsort(const Tensor& x, std::int64_t axis = -1, bool descending = false);

/// The k greatest or least values along an axis and the places that they come from, to which
/// gradients go. Of equal values the first are taken. The best one comes first if `sorted`;
/// otherwise they stay in the order of their places. Throws ValueError unless 0 <= k <= size of the
/// axis.
GRADUS_API ValuesAndIndices topk(const Tensor& x, std::int64_t k, std::int64_t axis = -1,
                                 bool largest = true, bool sorted = true);

/// What unique() returns besides the values.
struct UniqueOptions {
  bool inverse = false;
  bool counts = false;
};

struct Unique {
  Tensor values;  ///< [n], ascending
  Tensor
      inverse;    ///< int64, the shape of x: x[i] is values[inverse[i]]; undefined unless asked for
  Tensor counts;  ///< int64 [n], how often each occurs in x; undefined unless asked for
};

/// The distinct elements of x, a tensor of any shape and dtype. A NaN equals nothing, so each NaN
/// is in the result; of -0 and 0 the first is. Equal elements share the gradient evenly.
GRADUS_API Unique unique(const Tensor& x, const UniqueOptions& options = {});

}  // namespace gradus
