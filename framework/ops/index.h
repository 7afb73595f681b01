#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// Ids are int64 tensors; each is checked before anything is read: IndexError names the first one
// outside its range, and its position. Negative ids do not count from the end.

/// Entries ids [n] of one axis, in that order; an id may repeat. With ids == arange(n) the result
/// is x.
/// Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor index_select(const Tensor& x, std::int64_t axis, const Tensor& ids);

/// y[.., i, ..] = x[.., ids[.., i, ..], ..] along one axis; ids has the shape of x except on that
/// axis, and the result has the shape of ids. Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor gather(const Tensor& x, std::int64_t axis, const Tensor& ids);

/// gather(x, axis, ids) where x and ids, of the same rank, broadcast on the other axes:
/// take_along_axis(x, argsort(x, axis), axis) is x sorted. The name and arguments are NumPy's;
/// PyTorch calls it take_along_dim. Throws IndexError, ShapeError, DTypeError.
GRADUS_API Tensor take_along_axis(const Tensor& x, const Tensor& ids, std::int64_t axis);

/// A row of zeros with a single 1 for each id, for ids of any shape: ids.shape() + [classes].
/// Throws IndexError, DTypeError, ValueError if classes is negative.
GRADUS_API Tensor one_hot(const Tensor& ids, std::int64_t classes, DType dtype = DType::float32);

}  // namespace gradus
