#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/framework/module/detail/state_problems.h>
#include <gradus/optim/detail/optimizer_state.h>
#include <gradus/optim/detail/state_text.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

namespace gradus::detail {
namespace {

std::string option_key(std::int64_t group, const char* option) {
  return fmt::format("group.{}.{}", group, option);
}
std::string group_key(std::string_view path) { return fmt::format("parameter.{}.group", path); }
std::string steps_key(std::string_view path) { return fmt::format("parameter.{}.steps", path); }
std::string product_key(std::string_view path) { return fmt::format("parameter.{}.product", path); }
std::string buffer_key(std::string_view path, const char* buffer) {
  return fmt::format("{}.{}", path, buffer);
}

// The paths in a state and their groups.
std::map<std::string, std::int64_t> groups_of(const StateDict& state) {
  constexpr std::string_view before = "parameter.", after = ".group";
  std::map<std::string, std::int64_t> groups;
  for (const auto& [key, text] : state.metadata) {
    if (!key.starts_with(before) || !key.ends_with(after)) continue;
    if (key.size() < before.size() + after.size()) continue;
    groups[key.substr(before.size(), key.size() - before.size() - after.size())] =
        number_of<std::int64_t>(state, key);
  }
  return groups;
}

void check_alike(const std::string& key, const Tensor& kept, const Tensor& parameter,
                 const Shape& expected, StateProblems& problems) {
  using Kind = StateProblems::Kind;
  if (!kept.defined()) {
    problems.add(Kind::value, key + " is undefined");
  } else if (kept.shape() != expected) {
    const std::string needed =
        expected == parameter.shape() ? "" : fmt::format("{} is needed, ", expected.str());
    problems.add(Kind::shape, fmt::format("{} is {}, {}its parameter is {}", key,
                                          kept.shape().str(), needed, parameter.shape().str()));
  } else if (kept.dtype() != parameter.dtype()) {
    problems.add(Kind::dtype, fmt::format("{} is {}, its parameter is {}: convert one with to()",
                                          key, name(kept.dtype()), name(parameter.dtype())));
  }
}

}  // namespace

StateDict OptimizerState::save(const Optimizer& optimizer) {
  StateDict state;
  state.metadata["optimizer"] = optimizer.name_;
  for (std::int64_t group = 0; group < optimizer.num_groups_; ++group) {
    for (const OptionField& field : const_cast<Optimizer&>(optimizer).fields(group)) {
      state.metadata[option_key(group, field.name)] = field.text();
    }
  }
  for (const Slot& slot : optimizer.slots_) save_slot(optimizer, slot, state);
  return state;
}

std::vector<NamedParameter> OptimizerState::parameters(const Optimizer& optimizer) {
  std::vector<NamedParameter> result;
  for (const Slot& slot : optimizer.slots_) result.push_back(slot.target);
  return result;
}

void OptimizerState::save_slot(const Optimizer& optimizer, const Slot& slot, StateDict& state) {
  const std::string& path = slot.target.path;
  state.metadata[group_key(path)] = fmt::to_string(slot.group);
  state.metadata[steps_key(path)] = fmt::to_string(slot.state.steps);
  if (slot.state.product != 1) {
    state.metadata[product_key(path)] = fmt::to_string(slot.state.product);
  }
  for (std::size_t i = 0; i < optimizer.buffer_names_.size(); ++i) {
    const std::string key = buffer_key(path, optimizer.buffer_names_[i]);
    const Tensor& buffer = slot.state.buffers[i];
    if (buffer.defined()) {
      state.set(key, buffer);
    } else if (slot.state.steps > 0 && optimizer.uses_buffer(i, slot.group)) {
      state.set(key, optimizer.new_buffer(slot, i));  // of an option set since the last step
    }
  }
}

// Throws an error that lists everything that is wrong with the names and tensors of a state.
void OptimizerState::check_entries(const Optimizer& optimizer, const StateDict& state) {
  require_state_of("an optimizer", "optimizer", state, "optimizer");
  StateProblems problems;
  std::map<std::string, std::int64_t> saved = groups_of(state);
  const std::string& owner = text_of(state, "optimizer");
  const bool is_own = same_class(owner, optimizer.name_);
  if (!is_own) {
    problems.add(StateProblems::Kind::other, fmt::format("the state is that of {}, not of {}",
                                                         printable(owner), optimizer.name_));
    if (saved.empty()) problems.raise();
  }
  std::set<std::string> keys;
  std::vector<std::string> missing, moved, unexpected;
  StateProblems mismatches;
  for (const Slot& slot : optimizer.slots_) {
    const std::string& path = slot.target.path;
    const auto found = saved.find(path);
    if (found == saved.end()) {
      missing.push_back(path + " " + slot.parameter().shape().str());
      continue;
    }
    if (found->second != slot.group) {
      moved.push_back(
          fmt::format("{} ({} in the state, {} here)", path, found->second, slot.group));
    }
    saved.erase(found);
    for (std::size_t i = 0; is_own && i < optimizer.buffer_names_.size(); ++i) {
      const std::string key = buffer_key(path, optimizer.buffer_names_[i]);
      keys.insert(key);
      if (const StateEntry* entry = state.find(key)) {
        check_alike(key, entry->tensor, slot.parameter(),
                    optimizer.buffer_shape(i, slot.parameter().shape()), mismatches);
      }
    }
  }
  for (const auto& [path, group] : saved) unexpected.push_back(path);
  for (const StateEntry& entry : state.entries()) {
    if (!is_own || keys.count(entry.name) > 0) continue;
    unexpected.push_back(entry.tensor.defined() ? entry.name + " " + entry.tensor.shape().str()
                                                : entry.name);
  }
  if (missing.empty() && moved.empty() && unexpected.empty()) {
    problems.add(mismatches);
    return problems.raise();
  }
  std::string differences;
  const auto list = [&](const char* what, const std::vector<std::string>& names) {
    if (names.empty()) return;
    differences +=
        fmt::format("{}{}: [{}]", differences.empty() ? "" : "; ", what, printable_names(names));
  };
  list("missing in the state", missing);
  list("unexpected in it", unexpected);
  list("in another group", moved);
  problems.add(StateProblems::Kind::other,
               fmt::format("the state is not that of this {}: {}", optimizer.name_, differences));
  problems.add(mismatches);
  problems.raise(": give it the parameters and groups that were saved");
}

void OptimizerState::load_options(Optimizer& optimizer, const StateDict& state) {
  for (std::int64_t group = 0; group < optimizer.num_groups_; ++group) {
    for (const OptionField& field : optimizer.fields(group)) {
      const std::string key = option_key(group, field.name);
      if (field.flag != nullptr) {
        *field.flag = flag_of(state, key);
      } else if (field.count != nullptr) {
        *field.count = number_of<std::int64_t>(state, key);
      } else {
        *field.number = number_of<double>(state, key);
      }
    }
    optimizer.check_fields(group);
  }
}

Optimizer::Slot::State OptimizerState::load_slot(const Optimizer& optimizer, const Slot& slot,
                                                 const StateDict& state,
                                                 std::vector<std::string>& missing) {
  const std::string& path = slot.target.path;
  Slot::State loaded;
  loaded.steps = number_of<std::int64_t>(state, steps_key(path));
  if (loaded.steps < 0) {
    throw FormatError(fmt::format("load_state_dict: {} is {}", steps_key(path), loaded.steps));
  }
  if (state.metadata.contains(product_key(path))) {
    loaded.product = number_of<double>(state, product_key(path));
  }
  for (std::size_t i = 0; i < optimizer.buffer_names_.size(); ++i) {
    const std::string key = buffer_key(path, optimizer.buffer_names_[i]);
    const Shape shape = optimizer.buffer_shape(i, slot.parameter().shape());
    if (const StateEntry* entry = state.find(key)) {
      loaded.buffers[i] = entry->tensor.clone();
    } else if (loaded.steps > 0 && optimizer.uses_buffer(i, slot.group)) {
      missing.push_back(key + " " + shape.str());
    }
  }
  return loaded;
}

void OptimizerState::load(Optimizer& optimizer, const StateDict& state) {
  check_entries(optimizer, state);
  StateDict before;
  before.metadata = save(optimizer).metadata;
  std::vector<Slot::State> loaded;
  try {
    load_options(optimizer, state);
    std::vector<std::string> missing;
    for (const Slot& slot : optimizer.slots_) {
      loaded.push_back(load_slot(optimizer, slot, state, missing));
    }
    if (!missing.empty()) {
      throw Error(
          fmt::format("load_state_dict: missing in the state: [{}]", fmt::join(missing, ", ")));
    }
  } catch (...) {
    load_options(optimizer, before);
    throw;
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) optimizer.slots_[i].state = std::move(loaded[i]);
}

// True if a buffer has an entry for each row of its parameter, whatever their number.
bool OptimizerState::has_rows(const Optimizer& optimizer, std::size_t i, const Shape& parameter) {
  const auto fits = [&](std::int64_t rows) {
    const Shape shape = optimizer.buffer_shape(i, with_rows(parameter, rows));
    return shape.rank() > 0 && shape[0] == rows;
  };
  return fits(parameter[0]) && fits(parameter[0] + 1);
}

Tensor OptimizerState::moved_buffer(const Optimizer& optimizer, const Slot& slot, std::size_t i,
                                    const RowPlan& plan) {
  const Tensor& buffer = slot.state.buffers[i];
  if (!buffer.defined()) return buffer;
  optimizer.check_buffer(slot, i);
  const Shape& before = slot.parameter().shape();
  if (has_rows(optimizer, i, before)) {
    return moved_rows(buffer, plan.sources, optimizer.buffer_start(i, slot.group));
  }
  if (buffer.shape() == optimizer.buffer_shape(i, plan.values.shape())) {
    return optimizer.buffer_of_new_rows(i, slot, plan);
  }
  throw ShapeError(
      fmt::format("{}: {} {} does not have the rows of its parameter {}: make a new optimizer",
                  optimizer.name_, buffer_key(slot.target.path, optimizer.buffer_names_[i]),
                  buffer.shape().str(), before.str()));
}

std::function<void()> OptimizerState::follow_rows(Optimizer& optimizer, const Tensor& parameter,
                                                  const RowPlan& plan) {
  std::vector<Slot>& slots = optimizer.slots_;
  const auto slot = std::find_if(slots.begin(), slots.end(), [&](const Slot& candidate) {
    return candidate.parameter().is_same(parameter);
  });
  if (slot == slots.end()) {
    throw ValueError(
        fmt::format("{}: the parameter {}, whose rows change, is not one of its parameters: pass "
                    "the optimizers that train it as followers",
                    optimizer.name_, parameter.shape().str()));
  }
  std::array<Tensor, Optimizer::max_buffers> buffers = slot->state.buffers;
  for (std::size_t i = 0; i < optimizer.buffer_names_.size(); ++i) {
    buffers[i] = moved_buffer(optimizer, *slot, i, plan);
  }
  return
      [slot, buffers = std::move(buffers)]() mutable { slot->state.buffers = std::move(buffers); };
}

}  // namespace gradus::detail
