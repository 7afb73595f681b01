#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

namespace gradus {

/// Parts of the given sizes along an axis. Throws IndexError, ValueError for a negative size,
/// ShapeError unless they add up to the size of the axis.
GRADUS_API std::vector<Tensor> split(const Tensor& x, std::span<const std::int64_t> sizes,
                                     std::int64_t axis = 0);
inline std::vector<Tensor> split(const Tensor& x, std::initializer_list<std::int64_t> sizes,
                                 std::int64_t axis = 0) {
  return split(x, std::span<const std::int64_t>(sizes.begin(), sizes.size()), axis);
}
/// Parts of one size along an axis, the last one smaller if it does not divide the axis; one part
/// for an empty axis. Throws IndexError, ValueError unless size > 0.
GRADUS_API std::vector<Tensor> split(const Tensor& x, std::int64_t size, std::int64_t axis = 0);

/// `chunks` parts of one size along an axis, the last one smaller if it does not divide the axis.
/// There are fewer parts if the size, rounded up, covers the axis sooner. Throws IndexError,
/// ValueError unless
/// chunks > 0.
GRADUS_API std::vector<Tensor> chunk(const Tensor& x, std::int64_t chunks, std::int64_t axis = 0);
/// The entries of an axis, each without the axis: like select() of each, but always copies.
/// Throws IndexError.
GRADUS_API std::vector<Tensor> unbind(const Tensor& x, std::int64_t axis = 0);

}  // namespace gradus
