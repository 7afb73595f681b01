#pragma once
// The checks of backward and their error messages.
#include <gradus/framework/core/detail/node.h>

#include <cstddef>

namespace gradus::detail {

/// Throws if the shape or dtype of the leaf has changed since the op recorded its use.
void check_leaf(const Node& node, const Edge& edge);

/// Throws if an earlier pass freed what the op had saved.
void check_not_freed(const Node& node);

/// Throws unless the function of the op has returned a contribution for input i.
void check_there(bool there, const char* op, std::size_t i);

/// Throws unless the contribution has the given dtype, and a shape that can be summed down to
/// `shape`.
void check_contribution(const Gradient& contribution, const Shape& shape, DType dtype,
                        const char* op, std::size_t i);

/// Throws, naming the value and its position, if the contribution has a NaN or an infinity.
void check_finite(const Gradient& contribution, const char* op, std::size_t i);

}  // namespace gradus::detail
