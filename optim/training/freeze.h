#pragma once
// Parameters chosen by patterns of their paths.
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Freezes the parameters whose path matches, or makes them trainable again, and returns how many
/// there are. In a pattern `*` stands for any characters and `?` for one: "encoder.*.bias". Throws
/// ValueError listing the paths if none matches.
GRADUS_API std::int64_t freeze(const std::vector<NamedParameter>& parameters,
                               std::string_view pattern);
GRADUS_API std::int64_t unfreeze(const std::vector<NamedParameter>& parameters,
                                 std::string_view pattern);

namespace detail {
/// split_by_pattern(), whose errors name `operation`.
GRADUS_API std::vector<std::vector<NamedParameter>> split_by_pattern(
    const char* operation, const std::vector<NamedParameter>& parameters,
    const std::vector<std::string>& patterns);
}  // namespace detail

/// Splits parameters by depth: into those whose path matches the first pattern, the next, ..., and
/// last those that match none. Each parameter is in one list, that of the first pattern it matches.
/// Throws ValueError for a pattern for which no parameter is left.
GRADUS_API std::vector<std::vector<NamedParameter>> split_by_pattern(
    const std::vector<NamedParameter>& parameters, const std::vector<std::string>& patterns);

/// Groups for an optimizer with rates by depth: layers that match patterns[i], listed from the
/// input on, get lr decay^(n - i); parameters that match none, the head, get lr itself.
/// Source: Howard and Ruder 2018, Universal language model fine-tuning, section 3.2.
template <class Group>
std::vector<Group> groups_by_depth(const std::vector<NamedParameter>& parameters,
                                   const std::vector<std::string>& patterns,
                                   decltype(Group::options) options, double decay) {
  std::vector<Group> groups;
  std::vector<std::vector<NamedParameter>> lists =
      detail::split_by_pattern("groups_by_depth", parameters, patterns);
  for (auto list = lists.rbegin(); list != lists.rend(); ++list) {
    if (!list->empty()) groups.insert(groups.begin(), Group{*list, options});
    options.lr *= decay;
  }
  return groups;
}

}  // namespace gradus
