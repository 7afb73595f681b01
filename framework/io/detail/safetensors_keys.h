#pragma once
#include <cstdint>

namespace gradus::detail {

// What gradus keeps in the metadata of a .safetensors file: as JSON, which tensors are frozen, and
// which names share the tensor of another name; for a checkpoint (checkpoint_key, in
// state_owner.h), its parts.
inline constexpr const char* reserved_prefix = "gradus.";
inline constexpr const char* frozen_key = "gradus.frozen";
inline constexpr const char* tied_key = "gradus.tied";

// The most bytes of a header, as in the reference implementation.
inline constexpr std::uint64_t header_limit = 100'000'000;

}  // namespace gradus::detail
