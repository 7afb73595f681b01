#pragma once
#include <cstdint>

namespace gradus {

/// How tags such as "B-PER" mark spans; "O" is outside of all.
enum class TagScheme : std::uint8_t {
  iob1,  ///< I in a span; B where it begins right after another one of its type
  iob2,  ///< B at each beginning, then I; also called BIO
  ioe1,  ///< I in a span; E where it ends right before another one of its type
  ioe2,  ///< I, then E at each end
  iobes  ///< B, I, E, or S for a span of one token; also called BIOES
};

}  // namespace gradus
