// Saving, loading and copying the values of a model.
#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/module/detail/module_node.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/framework/module/detail/state_problems.h>
#include <gradus/framework/module/module.h>

#include <algorithm>
#include <unordered_set>

namespace gradus {

using detail::for_each_tensor;
using detail::printable_names;
using detail::StateProblems;

namespace {

// An entry of a state dict and the tensor of the model that it belongs to.
struct Match {
  const StateEntry* entry;
  Tensor target;
  bool is_parameter;
};

bool same_memory(const Tensor& a, const Tensor& b) { return detail::data(a) == detail::data(b); }

void check_match(const std::string& path, const Tensor& target, const StateEntry& entry,
                 StateProblems& problems) {
  using Kind = StateProblems::Kind;
  const Tensor& source = entry.tensor;
  if (!source.defined()) {
    problems.add(Kind::value, path + " is undefined in the state");
  } else if (source.shape() != target.shape()) {
    problems.add(Kind::shape, fmt::format("{} is {} in the state, {} in the model", path,
                                          source.shape().str(), target.shape().str()));
  } else if (source.dtype() != target.dtype()) {
    problems.add(Kind::dtype,
                 fmt::format("{} is {} in the state, {} in the model: convert one with to()", path,
                             name(source.dtype()), name(target.dtype())));
  } else if (target.is_read_only() && !same_memory(target, source)) {
    problems.add(Kind::value,
                 fmt::format("{} is mapped from a file, read-only: leave it out of the state and "
                             "pass .strict = false",
                             path));
  } else if (detail::Access::body(target).node) {
    problems.add(Kind::value, path + " is part of a graph in the model: give it a detach()");
  } else if (entry.frozen == false && !is_floating(target.dtype())) {
    problems.add(Kind::value,
                 fmt::format("{} is trainable in the state, but {}", path, name(target.dtype())));
  }
}

// True if load() left out a tensor, which is a problem.
bool check_left_out(const std::string& path, const StateDict& state, StateProblems& problems) {
  const std::string* dtype = state.left_out.find(path);
  if (dtype == nullptr) return false;
  problems.add(StateProblems::Kind::dtype,
               fmt::format("{} is {} in its file, which gradus cannot read: convert it there", path,
                           detail::printable(*dtype)));
  return true;
}

// The tensors of the state, copied where writing one target would change the source of another: a
// state may hold the model's own tensors under each other's names.
std::vector<Tensor> sources_of(const std::vector<Match>& matches) {
  std::unordered_set<const detail::Storage*> written;
  for (const Match& match : matches) {
    written.insert(detail::Access::body(match.target).storage.get());
  }
  std::vector<Tensor> sources;
  sources.reserve(matches.size());
  for (const auto& [entry, target, is_parameter] : matches) {
    const Tensor& source = entry->tensor;
    const bool changes = !same_memory(target, source) &&
                         written.count(detail::Access::body(source).storage.get()) > 0;
    sources.push_back(changes ? source.clone() : source);
  }
  return sources;
}

// How many whole components two paths have in common, at their ends and at their beginnings.
std::int64_t likeness(std::string_view a, std::string_view b) {
  const auto common = [](auto a_begin, auto a_end, auto b_begin, auto b_end) {
    const auto [x, y] = std::mismatch(a_begin, a_end, b_begin, b_end);
    return std::count(a_begin, x, '.') + (x == a_end || y == b_end ? 1 : 0);
  };
  return common(a.begin(), a.end(), b.begin(), b.end()) +
         common(a.rbegin(), a.rend(), b.rbegin(), b.rend());
}

bool alike(const Tensor& a, const Tensor& b) {
  return a.defined() && a.shape() == b.shape() && a.dtype() == b.dtype();
}

// Takes from the names that are left the one most like `path`, if their likeness is at least
// `least` and its tensor has the same shape and dtype.
std::string take_alike(std::vector<std::string>& left, const StateDict& state,
                       const std::string& path, const Tensor& target, std::int64_t least) {
  auto best = left.end();
  for (auto candidate = left.begin(); candidate != left.end(); ++candidate) {
    const std::int64_t score = likeness(*candidate, path);
    if (score < least || !alike(state.at(*candidate), target)) continue;
    best = candidate;
    least = score + 1;
  }
  if (best == left.end()) return "";
  std::string name = std::move(*best);
  left.erase(best);
  return name;
}

// Guesses which names of the state were renamed to which of the model.
std::string renamed(const LoadResult& result, const StateDict& state, const StateDict& model) {
  constexpr std::size_t limit = 1'000'000;  // of comparisons
  if (result.missing.size() * result.unexpected.size() > limit) return "";
  std::vector<std::string> pairs, missing = result.missing, left = result.unexpected;
  for (const std::int64_t least : {1, 0}) {  // names that have nothing in common come last
    for (std::string& path : missing) {
      if (path.empty()) continue;
      const std::string name = take_alike(left, state, path, model.at(path), least);
      if (name.empty()) continue;
      pairs.push_back(fmt::format("{} -> {}", name, path));
      path.clear();
    }
  }
  return printable_names(pairs);
}

// Throws everything that is wrong if names are missing or unexpected.
void check_names(const LoadResult& result, const StateDict& state, const StateDict& model,
                 const StateProblems& mismatches) {
  if (result.missing.empty() && result.unexpected.empty()) return;
  StateProblems problems;
  problems.add(StateProblems::Kind::other,
               fmt::format("missing in the state: [{}]; unexpected in it: [{}]",
                           printable_names(result.missing), printable_names(result.unexpected)));
  const std::string pairs = renamed(result, state, model);
  if (!pairs.empty()) {
    problems.add(StateProblems::Kind::other, fmt::format("perhaps renamed: [{}]", pairs));
  }
  problems.add(mismatches);
  problems.raise(mismatches.empty() ? ": build the model that was saved, or pass .strict = false"
                                    : ": build the model that was saved");
}

}  // namespace

StateDict Module::state_dict() const {
  StateDict state;
  for_each_tensor(node(), [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    state.set(path, tensor, is_parameter ? std::optional<bool>(!tensor.trainable()) : std::nullopt);
  });
  return state;
}

LoadResult Module::load_state_dict(const StateDict& state, const LoadOptions& options) const {
  LoadResult result;
  StateProblems mismatches;
  std::vector<Match> matches;
  std::unordered_set<std::string_view> used;
  for_each_tensor(node(), [&](const std::string& path, const Tensor& tensor, bool is_parameter) {
    const StateEntry* entry = state.find(path);
    if (entry == nullptr) {
      if (!check_left_out(path, state, mismatches)) result.missing.push_back(path);
      return;
    }
    check_match(path, tensor, *entry, mismatches);
    used.insert(entry->name);
    matches.push_back({entry, tensor, is_parameter});
  });
  if (matches.empty()) detail::require_model_state(state);
  for (const StateEntry& entry : state) {
    if (used.count(entry.name) == 0) result.unexpected.push_back(entry.name);
  }
  if (options.strict) check_names(result, state, state_dict(), mismatches);
  mismatches.raise();
  const NoGradGuard no_grad;
  const std::vector<Tensor> sources = sources_of(matches);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const Match& match = matches[i];
    if (match.target.is_read_only()) continue;  // the state holds the same memory
    match.target.copy_(sources[i]);
    if (match.is_parameter && match.entry->frozen) {
      match.target.set_trainable(!*match.entry->frozen);
    }
  }
  return result;
}

StateDict snapshot(const Module& module) {
  StateDict copy;
  for (const StateEntry& entry : module.state_dict()) {
    copy.set(entry.name, entry.tensor.is_read_only() ? entry.tensor : entry.tensor.clone());
  }
  return copy;
}

void restore(const Module& module, const StateDict& state) {
  StateDict values;
  for (const StateEntry& entry : state) values.set(entry.name, entry.tensor);
  values.metadata = state.metadata;
  module.load_state_dict(values);
}

void copy_state(const Module& from, const Module& to) { restore(to, from.state_dict()); }

}  // namespace gradus
