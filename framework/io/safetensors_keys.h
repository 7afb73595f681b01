#pragma once

namespace gradus::detail {

// What gradus keeps in the metadata of a .safetensors file, as JSON: which tensors are frozen, and
// which names stand for the tensor of another name.
inline constexpr const char* frozen_key = "gradus.frozen";
inline constexpr const char* tied_key = "gradus.tied";

}  // namespace gradus::detail
