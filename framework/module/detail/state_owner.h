#pragma once
#include <gradus/framework/module/state_dict.h>

#include <string_view>

/// Whose state a StateDict is, as its metadata say: a model's says nothing.
namespace gradus::detail {

/// The key under which a checkpoint lists its parts.
inline constexpr const char* checkpoint_key = "gradus.checkpoint";

/// Throws Error if the metadata say that this is a checkpoint, or the state of something that is no
/// model.
void require_model_state(const StateDict& state);

/// Throws Error saying whose state it is if the metadata lack `key`, which those of `owner` have.
/// `part` is what the owner may be called in a checkpoint.
void require_state_of(std::string_view owner, std::string_view part, const StateDict& state,
                      std::string_view key);

}  // namespace gradus::detail
