#pragma once
// What backward refuses, and how it says so.
#include <gradus/framework/core/detail/node.h>

#include <cstddef>

namespace gradus::detail {

/// Throws if the leaf has another shape or dtype than when the op recorded its use.
void check_leaf(const Node& node, const Edge& edge);

/// Throws if an earlier pass freed what the op had saved.
void check_not_freed(const Node& node);

/// Throws unless the function of the op has made a contribution for input i.
void check_there(bool there, const char* op, std::size_t i);

/// Throws unless the contribution is of that dtype, and of a shape that adds up to that shape.
void check_contribution(const Gradient& contribution, const Shape& shape, DType dtype,
                        const char* op, std::size_t i);

/// Throws, naming value and place, if the contribution has a NaN or an infinity.
void check_finite(const Gradient& contribution, const char* op, std::size_t i);

}  // namespace gradus::detail
