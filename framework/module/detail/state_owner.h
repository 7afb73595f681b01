#pragma once
#include <gradus/framework/module/state_dict.h>

#include <string_view>

/// Whose state a StateDict holds, as the keys in its metadata tell; a model's state has none of
/// them.
namespace gradus::detail {

/// The key under which a checkpoint lists its parts.
inline constexpr const char* checkpoint_key = "gradus.checkpoint";
/// The key of its format: a number, 1 where there is none.
inline constexpr const char* checkpoint_format_key = "gradus.checkpoint_format";

/// Throws Error if the metadata say that this is a checkpoint, or the state of something other than
/// a model.
void require_model_state(const StateDict& state);

/// Throws Error, saying whose state it is, if the metadata lack `key`, which the state of `owner`
/// has. `part` is the usual name of the owner in a checkpoint.
void require_state_of(std::string_view owner, std::string_view part, const StateDict& state,
                      std::string_view key);

}  // namespace gradus::detail
