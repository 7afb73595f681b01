#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/name_pattern.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/detail/named_parameters.h>
#include <gradus/optim/training/freeze.h>

#include <algorithm>

namespace gradus {
namespace {

bool matches(std::string_view path, std::string_view pattern) {
  return detail::match_name(path, pattern).has_value();
}

std::string paths_of(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> paths;
  paths.reserve(parameters.size());
  for (const NamedParameter& target : parameters) paths.push_back(target.path);
  return fmt::format("{}", fmt::join(paths, ", "));
}

std::int64_t set_trainable(const char* name, const std::vector<NamedParameter>& parameters,
                           std::string_view pattern, bool trainable) {
  detail::check_defined(name, parameters);
  std::int64_t n = 0;
  for (const NamedParameter& target : parameters) {
    if (trainable && target.parameter.is_read_only() && matches(target.path, pattern)) {
      throw ValueError(
          fmt::format("{}: {} {} is mapped from a file, read-only: use another pattern", name,
                      target.path, target.parameter.shape().str()));
    }
  }
  for (const NamedParameter& target : parameters) {
    if (!matches(target.path, pattern)) continue;
    target.parameter.set_trainable(trainable);
    ++n;
  }
  if (n > 0) return n;
  throw ValueError(fmt::format("{}: no parameter matches '{}': the parameters are {}", name,
                               pattern, paths_of(parameters)));
}

}  // namespace

std::int64_t freeze(const std::vector<NamedParameter>& parameters, std::string_view pattern) {
  return set_trainable("freeze", parameters, pattern, false);
}

std::int64_t unfreeze(const std::vector<NamedParameter>& parameters, std::string_view pattern) {
  return set_trainable("unfreeze", parameters, pattern, true);
}

std::vector<std::vector<NamedParameter>> split_by_pattern(
    const std::vector<NamedParameter>& parameters, const std::vector<std::string>& patterns) {
  return detail::split_by_pattern("split_by_pattern", parameters, patterns);
}

std::vector<std::vector<NamedParameter>> detail::split_by_pattern(
    const char* operation, const std::vector<NamedParameter>& parameters,
    const std::vector<std::string>& patterns) {
  std::vector<std::vector<NamedParameter>> lists(patterns.size() + 1);
  for (const NamedParameter& target : parameters) {
    const auto found =
        std::find_if(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return matches(target.path, pattern); });
    lists[static_cast<std::size_t>(found - patterns.begin())].push_back(target);
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!lists[i].empty()) continue;
    throw ValueError(fmt::format("{}: no parameter is left for '{}': the parameters are {}",
                                 operation, patterns[i], paths_of(parameters)));
  }
  return lists;
}

}  // namespace gradus
