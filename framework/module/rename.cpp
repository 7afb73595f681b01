#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/name_pattern.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/module/rename.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace gradus {
namespace {

using detail::wildcards;

// The names of the entries, then those of the tensors that were left out.
std::vector<std::string> names_of(const StateDict& state) {
  std::vector<std::string> names;
  for (const StateEntry& entry : state) names.push_back(entry.name);
  for (const auto& [name, dtype] : state.left_out) names.push_back(name);
  return names;
}

std::string wildcards_of(std::string_view pattern) {
  std::string found;
  for (const char c : pattern) {
    if (wildcards.find(c) != std::string_view::npos) found += c;
  }
  return found;
}

void check_wildcards(const std::string& from, const std::string& to) {
  if (to.empty() || wildcards_of(from) == wildcards_of(to)) return;
  throw ValueError(fmt::format(
      "rename: '{}' and '{}' have other wildcards: write the same ones in the same order", from,
      to));
}

// `to`, whose wildcards stand for `parts`.
std::string filled(std::string_view to, const std::vector<std::string_view>& parts) {
  std::string name;
  std::size_t next = 0;
  for (const char c : to) {
    if (wildcards.find(c) == std::string_view::npos) {
      name += c;
    } else {
      name += parts[next++];
    }
  }
  return name;
}

// The new name of each old one; none for those that are dropped.
std::vector<std::optional<std::string>> new_names(
    const std::vector<std::string>& old_names,
    const std::vector<std::pair<std::string, std::string>>& names) {
  std::vector<std::optional<std::string>> result;
  std::vector<bool> used(names.size());
  for (const std::string& old_name : old_names) {
    std::optional<std::string> name = old_name;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto& [from, to] = names[i];
      const auto parts = detail::match_name(old_name, from);
      if (!parts) continue;
      used[i] = true;
      name = to.empty() ? std::nullopt : std::optional(filled(to, *parts));
      if (name && name->empty()) {
        throw ValueError(fmt::format("rename: '{}' would get an empty name from '{}'",
                                     detail::printable(old_name), to));
      }
      break;
    }
    result.push_back(std::move(name));
  }
  const auto unused = std::find(used.begin(), used.end(), false);
  if (unused == used.end()) return result;
  throw ValueError(fmt::format("rename: no name is left for '{}': the names are [{}]",
                               names[static_cast<std::size_t>(unused - used.begin())].first,
                               detail::printable_names(old_names)));
}

Tensor transposed(const StateEntry& entry) {
  if (entry.tensor.dim() != 2) {
    throw ShapeError(fmt::format("transpose: {} {} has not two axes: use another pattern",
                                 detail::printable(entry.name), entry.tensor.shape().str()));
  }
  // what is mapped from a file may not be aligned
  const Tensor x = entry.tensor.is_read_only() ? entry.tensor.clone() : entry.tensor;
  Tensor y = empty({x.size(1), x.size(0)}, x.dtype());
  constexpr std::array<std::int64_t, 2> axes{1, 0};
  kernels::permute(detail::data(x), detail::raw(y), 2, x.shape().begin(), axes.data(),
                   static_cast<std::size_t>(item_size(x.dtype())));
  return y;
}

}  // namespace

StateDict rename(const StateDict& state,
                 const std::vector<std::pair<std::string, std::string>>& names) {
  for (const auto& [from, to] : names) check_wildcards(from, to);
  const std::vector<std::string> old_names = names_of(state);
  const std::vector<std::optional<std::string>> renamed = new_names(old_names, names);
  StateDict result;
  std::unordered_map<std::string_view, std::string_view> owners;
  for (std::size_t i = 0; i < renamed.size(); ++i) {
    if (!renamed[i]) continue;
    const auto [other, is_new] = owners.emplace(*renamed[i], old_names[i]);
    if (!is_new) {
      throw ValueError(
          fmt::format("rename: '{}' and '{}' would both be '{}'", detail::printable(other->second),
                      detail::printable(old_names[i]), detail::printable(*renamed[i])));
    }
    if (i < state.size()) {
      const StateEntry& entry = state.entries()[i];
      result.set(*renamed[i], entry.tensor, entry.frozen);
    } else {
      result.left_out[*renamed[i]] = state.left_out.at(old_names[i]);
    }
  }
  result.metadata = state.metadata;
  return result;
}

StateDict transpose(const StateDict& state, const std::vector<std::string>& patterns) {
  std::vector<bool> chosen(state.size());
  for (const std::string& pattern : patterns) {
    bool used = false;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      if (!detail::match_name(state.entries()[i].name, pattern)) continue;
      chosen[i] = used = true;
    }
    if (used) continue;
    throw ValueError(fmt::format("transpose: no name matches '{}': the names are [{}]", pattern,
                                 detail::printable_names(names_of(state))));
  }
  StateDict result = state;
  std::unordered_map<const detail::Body*, Tensor> done;  // tied weights are there once
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    const StateEntry& entry = state.entries()[i];
    if (!chosen[i]) continue;
    detail::check_defined("transpose", entry.name.c_str(), entry.tensor);
    Tensor& y = done[&detail::Access::body(entry.tensor)];
    if (!y.defined()) y = transposed(entry);
    result.set(entry.name, y, entry.frozen);
  }
  return result;
}

}  // namespace gradus
