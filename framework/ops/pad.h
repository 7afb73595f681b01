#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// What pad() puts around an axis [a, b, c, d].
enum class PadMode {
  constant,   ///< v v | a b c d | v v
  reflect,    ///< c b | a b c d | c b
  replicate,  ///< a a | a b c d | d d
  circular,   ///< c d | a b c d | a b
};

struct PadOptions {
  PadMode mode = PadMode::constant;
  Number value = 0;  ///< the padding of mode constant
};

/// x with padding[0] entries before and padding[1] after its last axis, padding[2] and padding[3]
/// around the axis before it, and so on; negative numbers cut entries off. reflect takes fewer
/// entries than the axis has, circular at most as many. Any dtype; float tensors carry gradients.
/// Copies.
/// Throws ShapeError, ValueError for a list of odd length and for a value in a mode other than
/// constant, DTypeError for a value that the dtype cannot hold.
GRADUS_API Tensor pad(const Tensor& x, const std::vector<std::int64_t>& padding,
                      const PadOptions& options = {});

}  // namespace gradus
