#pragma once
// For authors of ops: rows of a table by their ids.
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus::detail {

/// Throws Error if ids are undefined, DTypeError unless they are int64, IndexError for the first
/// one outside [0, limit).
GRADUS_API void check_ids(const char* operation, const Tensor& ids, std::int64_t limit);

/// Rows ids[k] of x, seen as a table of rows of `width` elements, as a tensor of `shape`. The ids
/// must be valid.
Tensor gather_rows(const Tensor& x, const Tensor& ids, std::int64_t width, const Shape& shape);

/// The reverse of gather_rows(): adds the rows of g into the table `sum`.
void scatter_rows(const Tensor& g, const Tensor& ids, std::int64_t width, const Tensor& sum);

}  // namespace gradus::detail
