#pragma once
#include <gradus/framework/module/state_dict.h>

#include <string>
#include <utility>
#include <vector>

namespace gradus {

/// The state under the names of another model. Each name that matches a pattern `from` becomes its
/// `to`; the first pattern that matches counts, and other names stay. In a pattern `*` stands for
/// any characters and `?` for one; `to` has the same wildcards in the same order, which stand for
/// the same. With an empty `to`, the tensor is left out:
///
///   rename(state, {{"bert.*", "*"}});                         // without the prefix
///   rename(state, {{"*.gamma", "*.weight"}, {"*.beta", "*.bias"}, {"*.position_ids", ""}});
///
/// Tensors are shared with the argument; their order, frozen flags and ties stay, and metadata.
/// Throws ValueError for two names that would become one, for a pattern for which no name is left,
/// for wildcards that differ and for a name that would be empty.
GRADUS_API StateDict rename(const StateDict& state,
                            const std::vector<std::pair<std::string, std::string>>& names);

/// The state with its matching matrices transposed (copied), for weights that are stored [in, out],
/// such as those of GPT-2: transpose(state, {"*.c_*.weight"}). Tied weights that are transposed
/// stay tied. Throws ValueError for a pattern that matches no name, ShapeError for a matching
/// tensor that has not two axes, Error for an undefined one.
GRADUS_API StateDict transpose(const StateDict& state, const std::vector<std::string>& patterns);

}  // namespace gradus
