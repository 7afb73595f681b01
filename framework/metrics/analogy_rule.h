#pragma once
#include <cstdint>

namespace gradus {

/// How analogies are solved, for unit vectors of words: a is to b as c is to the word x with the
/// highest score. Sources: Mikolov et al. 2013, "Linguistic regularities in continuous space word
/// representations"; Levy and Goldberg 2014, "Linguistic regularities in sparse and explicit word
/// representations".
enum class AnalogyRule : std::uint8_t {
  add,       ///< 3CosAdd: cos(x, b - a + c)
  multiply,  ///< 3CosMul: cos(x, b) cos(x, c) / (cos(x, a) + 1e-6), with cosines mapped to [0, 1]
};

}  // namespace gradus
