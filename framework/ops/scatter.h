#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// Copies of a tensor with entries overwritten or added to. Ids are int64 tensors, each checked
// before anything is written; negative ones do not count from the end. Where an id repeats, its
// sources are taken in the order of their positions, so the results are the same for any number of
// threads. Each throws IndexError, ShapeError, DTypeError.

/// A copy of x with y[.., ids[.., i, ..], ..] = src[.., i, ..] along one axis; ids has the shape of
/// x except on that axis, src that of ids. Where an id repeats the last source wins, and only that
/// source gets the gradient; what is overwritten gets none.
GRADUS_API Tensor scatter(const Tensor& x, std::int64_t axis, const Tensor& ids, const Tensor& src);
/// The same with one number for all.
GRADUS_API Tensor scatter(const Tensor& x, std::int64_t axis, const Tensor& ids, Number value);

/// A copy of x with y[.., ids[.., i, ..], ..] += src[.., i, ..]: shapes as in scatter(). For float
/// and int64 tensors.
GRADUS_API Tensor scatter_add(const Tensor& x, std::int64_t axis, const Tensor& ids,
                              const Tensor& src);

/// A copy of x with alpha * src added to the entries ids [n] of an axis: entry i of src is added to
/// entry ids[i]. src has size n on that axis and otherwise the shape of x. For float and int64
/// tensors.
GRADUS_API Tensor index_add(const Tensor& x, std::int64_t axis, const Tensor& ids,
                            const Tensor& src, Number alpha = 1);

/// A copy of x where the entries ids [n] of an axis are filled with a number.
GRADUS_API Tensor index_fill(const Tensor& x, std::int64_t axis, const Tensor& ids, Number value);

}  // namespace gradus
