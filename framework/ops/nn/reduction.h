#pragma once
#include <cstdint>

namespace gradus {

/// How the losses of the elements are reduced: to their mean, to their sum, or not at all.
enum class Reduction : std::uint8_t { mean, sum, none };

}  // namespace gradus
