#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// What pad() puts beside an axis [a, b, c, d].
enum class PadMode {
  constant,   ///< v v | a b c d | v v
  reflect,    ///< c b | a b c d | c b
  replicate,  ///< a a | a b c d | d d
  circular,   ///< c d | a b c d | a b
};

struct PadOptions {
  PadMode mode = PadMode::constant;
  Number value = 0;  ///< of the constant
};

/// x with padding[0] entries before and padding[1] behind its last axis, padding[2] and padding[3]
/// around the one before, and so on; negative numbers cut entries off. reflect takes fewer than the
/// axis has, circular as many at most. Any dtype; float tensors carry gradients. Copies.
/// Throws ShapeError, ValueError for a list of an odd length and for a value in another mode than
/// constant, DTypeError for a value that the dtype cannot hold.
GRADUS_API Tensor pad(const Tensor& x, const std::vector<std::int64_t>& padding,
                      const PadOptions& options = {});

}  // namespace gradus
