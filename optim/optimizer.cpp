#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/framework/module/detail/state_problems.h>
#include <gradus/optim/detail/state_text.h>
#include <gradus/optim/detail/writable.h>
#include <gradus/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace gradus {
namespace {

using detail::flag_of;
using detail::number_of;
using detail::printable_names;
using detail::StateProblems;
using detail::text_of;

void check_parameter(const char* optimizer, const NamedParameter& target) {
  const auto& [path, parameter] = target;
  if (!parameter.defined()) detail::throw_undefined(optimizer, "parameter " + path);
  if (!is_floating(parameter.dtype())) {
    throw DTypeError(fmt::format("{}: parameter {} is {}, only float32 and float64 are trained",
                                 optimizer, path, name(parameter.dtype())));
  }
  if (!parameter.is_leaf()) {
    throw AutogradError(
        fmt::format("{}: parameter {} {} was made by an op: only leaves are trained: detach() it",
                    optimizer, path, parameter.shape().str()));
  }
}

bool is_due(const Tensor& parameter) { return parameter.trainable() && !parameter.grad().empty(); }

std::string option_key(std::int64_t group, const char* option) {
  return fmt::format("group.{}.{}", group, option);
}
std::string group_key(std::string_view path) { return fmt::format("parameter.{}.group", path); }
std::string steps_key(std::string_view path) { return fmt::format("parameter.{}.steps", path); }
std::string product_key(std::string_view path) { return fmt::format("parameter.{}.product", path); }
std::string buffer_key(std::string_view path, const char* buffer) {
  return fmt::format("{}.{}", path, buffer);
}

// The paths of a state and their groups.
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

Optimizer::Optimizer(const char* name, std::vector<const char*> buffers)
    : name_(name), buffer_names_(std::move(buffers)) {}

Optimizer::~Optimizer() = default;

void Optimizer::append_group(const std::vector<NamedParameter>& parameters) {
  check_not_moved();
  if (parameters.empty()) {
    throw ValueError(
        fmt::format("{}: a list of parameters is empty: there is nothing to train", name_));
  }
  std::unordered_map<const void*, std::string> path_of;
  std::set<std::string> paths;
  for (const Slot& slot : slots_) {
    path_of.emplace(&detail::Access::body(slot.parameter()), slot.target.path);
    paths.insert(slot.target.path);
  }
  for (const NamedParameter& target : parameters) {
    check_parameter(name_, target);
    const auto [seen, is_new] =
        path_of.emplace(&detail::Access::body(target.parameter), target.path);
    if (!is_new) {
      throw ValueError(
          fmt::format("{}: one parameter is listed twice, as {} and as {}: list it once", name_,
                      seen->second, target.path));
    }
    if (!paths.insert(target.path).second) {
      throw ValueError(fmt::format(
          "{}: two parameters are called {}: give one another path, what is kept goes by it", name_,
          target.path));
    }
  }
  slots_.reserve(slots_.size() + parameters.size());
  for (const NamedParameter& target : parameters) slots_.push_back({target, num_groups_, {}});
  ++num_groups_;
}

void Optimizer::check_group(std::int64_t group) const {
  check_not_moved();
  if (group < 0 || group >= num_groups_) {
    throw IndexError(fmt::format("{}: group {} is outside [0, {})", name_, group, num_groups_));
  }
}

double Optimizer::lr(std::int64_t group) const {
  check_group(group);
  return const_cast<Optimizer*>(this)->lr_of(group);
}

void Optimizer::set_lr(double lr) {
  check_not_moved();
  detail::require_not_negative(name_, "lr", lr);
  for (std::int64_t group = 0; group < num_groups_; ++group) lr_of(group) = lr;
}

void Optimizer::set_lr(std::int64_t group, double lr) {
  check_group(group);
  detail::require_not_negative(name_, "lr", lr);
  lr_of(group) = lr;
}

OptionField Optimizer::field(std::string_view option, std::int64_t group) {
  check_group(group);
  std::vector<std::string> names;
  for (const OptionField& field : fields(group)) {
    if (field.name == option) return field;
    names.emplace_back(field.name);
  }
  throw ValueError(fmt::format("{}: there is no option {}: there are {}", name_, option,
                               fmt::join(names, ", ")));
}

double Optimizer::option(std::string_view option, std::int64_t group) const {
  const OptionField found = const_cast<Optimizer*>(this)->field(option, group);
  if (found.flag) return static_cast<double>(*found.flag);
  return found.count ? static_cast<double>(*found.count) : *found.number;
}

void Optimizer::set_option(std::string_view option, double value, std::int64_t group) {
  const OptionField found = field(option, group);
  const double before = this->option(option, group);
  if (found.count && !(std::abs(value) < 1e15 && std::trunc(value) == value)) {
    throw ValueError(fmt::format("{}: {} is {}, it must be a whole number", name_, option, value));
  }
  if (found.flag != nullptr && value != 0 && value != 1) {
    throw ValueError(fmt::format("{}: {} is {}, it must be 0 or 1", name_, option, value));
  }
  const auto set = [&found](double to) {
    if (found.flag) {
      *found.flag = to != 0;
    } else if (found.count) {
      *found.count = static_cast<std::int64_t>(to);
    } else {
      *found.number = to;
    }
  };
  set(value);
  try {
    check_fields(group);
  } catch (...) {
    set(before);
    throw;
  }
}

bool Optimizer::has_option(std::string_view option, std::int64_t group) const {
  check_group(group);
  for (const OptionField& field : const_cast<Optimizer*>(this)->fields(group)) {
    if (field.name == option) return true;
  }
  return false;
}

// That what is kept has the shape of its parameter still.
void Optimizer::check_buffer(const Slot& slot, std::size_t i) const {
  const auto& [path, parameter] = slot.target;
  const Tensor& buffer = slot.state.buffers[i];
  if (!buffer.defined() || buffer.shape() == buffer_shape(i, parameter.shape())) return;
  throw ShapeError(fmt::format(
      "{}: {} is {}, its parameter is {} now: resize it with .followers = {{&optimizer}}, or make "
      "a new optimizer",
      name_, buffer_key(path, buffer_names_[i]), buffer.shape().str(), parameter.shape().str()));
}

void Optimizer::check_slot(const Slot& slot) const {
  for (std::size_t i = 0; i < buffer_names_.size(); ++i) check_buffer(slot, i);
  check_gradient(slot);
}

Tensor Optimizer::new_buffer(const Slot& slot, std::size_t i) const {
  return full(buffer_shape(i, slot.parameter().shape()), buffer_start(i, slot.group),
              slot.parameter().dtype());
}

void Optimizer::make_buffers(Slot& slot) const {
  for (std::size_t i = 0; i < buffer_names_.size(); ++i) {
    Tensor& buffer = slot.state.buffers[i];
    if (buffer.defined()) {
      if (buffer.dtype() != slot.parameter().dtype()) buffer = buffer.to(slot.parameter().dtype());
    } else if (uses_buffer(i, slot.group)) {
      buffer = new_buffer(slot, i);
    }
  }
}

void Optimizer::begin_step() {
  const auto due = [](const Slot& slot) { return is_due(slot.parameter()); };
  if (std::none_of(slots_.begin(), slots_.end(), due)) warn_of_idle_step();
  has_stepped_ = true;
}

// A step that has nothing to do is hardly ever intended.
void Optimizer::warn_of_idle_step() {
  const auto trainable = [](const Slot& slot) { return slot.parameter().trainable(); };
  const bool frozen = std::none_of(slots_.begin(), slots_.end(), trainable);
  bool& warned = frozen ? warned_frozen_ : warned_no_gradient_;
  if (warned) return;
  detail::warn(fmt::format(
      "{}: step() changes nothing: {}", name_,
      frozen ? "all its parameters are frozen: unfreeze some, or give it others"
             : "no parameter has a gradient: call backward(), on a loss that depends on the "
               "parameters, between zero_grad() and step()"));
  warned = true;
}

// Small arrays are updated many at once: each alone is too little work for several threads.
void Optimizer::step() {
  check_not_moved();
  const ProfilerScope profiled(name_);
  constexpr std::int64_t small = 1 << 15;  // elements
  const NoGradGuard no_grad;
  for (const Slot& slot : slots_) {
    if (is_due(slot.parameter())) check_slot(slot);
  }
  begin_step();
  std::vector<Slot*> arrays;
  std::int64_t elements = 0;
  for (Slot& slot : slots_) {
    if (!is_due(slot.parameter())) continue;
    make_buffers(slot);
    if (slot.gradient().is_dense() && slot.parameter().numel() < small) {
      arrays.push_back(&slot);
      elements += slot.parameter().numel();
    }
  }
  const auto n = static_cast<std::int64_t>(arrays.size());
  constexpr std::int64_t cost = 4, call = 200;  // of an element, of a parameter
  parallel_for(n, n > 0 ? cost * (elements / n) + call : call,
               [&](std::int64_t begin, std::int64_t end) {
                 const NoGradGuard guard;  // is per thread
                 for (; begin < end; ++begin) update(*arrays[static_cast<std::size_t>(begin)]);
               });
  auto next = arrays.begin();
  for (Slot& slot : slots_) {
    if (next != arrays.end() && *next == &slot) {
      ++next;
    } else if (is_due(slot.parameter())) {
      update(slot);
    }
  }
}

void Optimizer::zero_grad(bool set_to_none) const {
  check_not_moved();
  for (const Slot& slot : slots_) {
    if (!set_to_none && slot.gradient().is_dense()) {
      detail::require_writable_gradient("zero_grad", slot.target);
    }
  }
  for (const Slot& slot : slots_) {
    const Parameter& parameter = slot.parameter();
    const Gradient& gradient = slot.gradient();
    if (set_to_none || gradient.empty()) {
      parameter.clear_grad();
    } else if (gradient.is_dense()) {
      gradient.dense().zero_();
    } else {
      const Shape& table = parameter.shape();
      std::vector<std::int64_t> sizes(table.begin(), table.end());
      sizes[0] = 0;
      parameter.set_grad(SparseGrad(empty({0}, DType::int64),
                                    empty(Shape(sizes), parameter.dtype()), parameter.shape()));
    }
  }
}

void Optimizer::throw_sparse(const Slot& slot, std::string_view problem,
                             std::string_view cure) const {
  throw AutogradError(fmt::format("{}: {} and the gradient of {} is sparse: {}", name_, problem,
                                  slot.target.path, cure));
}

void Optimizer::require_dense(const Slot& slot) const {
  if (!slot.gradient().is_sparse()) return;
  throw_sparse(slot, "every step moves every row",
               "give it to SparseAdam, Adagrad, or Adam with .lazy = true, or make the gradient "
               "dense with .sparse = false");
}

void Optimizer::require_no_sparse_decay(const Slot& slot, double weight_decay) const {
  if (weight_decay == 0 || !slot.gradient().is_sparse()) return;
  throw_sparse(slot, fmt::format("weight_decay is {}", weight_decay),
               "put it into a group with .weight_decay = 0, or make the gradient dense with "
               ".sparse = false");
}

double Optimizer::buffer_start(std::size_t, std::int64_t) const { return 0; }
Shape Optimizer::buffer_shape(std::size_t, const Shape& parameter) const { return parameter; }

StateDict Optimizer::state_dict() const {
  check_not_moved();
  StateDict state;
  state.metadata["optimizer"] = name_;
  for (std::int64_t group = 0; group < num_groups_; ++group) {
    for (const OptionField& field : const_cast<Optimizer*>(this)->fields(group)) {
      state.metadata[option_key(group, field.name)] = field.flag    ? fmt::to_string(*field.flag)
                                                      : field.count ? fmt::to_string(*field.count)
                                                                    : fmt::to_string(*field.number);
    }
  }
  for (const Slot& slot : slots_) {
    const std::string& path = slot.target.path;
    state.metadata[group_key(path)] = fmt::to_string(slot.group);
    state.metadata[steps_key(path)] = fmt::to_string(slot.state.steps);
    if (slot.state.product != 1) {
      state.metadata[product_key(path)] = fmt::to_string(slot.state.product);
    }
    for (std::size_t i = 0; i < buffer_names_.size(); ++i) {
      const std::string key = buffer_key(path, buffer_names_[i]);
      const Tensor& buffer = slot.state.buffers[i];
      if (buffer.defined()) {
        state.set(key, buffer);
      } else if (slot.state.steps > 0 && uses_buffer(i, slot.group)) {
        state.set(key, new_buffer(slot, i));  // of an option that was set since the last step
      }
    }
  }
  return state;
}

// Throws all that is wrong with the names and tensors of a state.
void Optimizer::check_entries(const StateDict& state) const {
  check_not_moved();
  detail::require_state_of("an optimizer", "optimizer", state, "optimizer");
  if (const std::string& saved = text_of(state, "optimizer"); !detail::same_class(saved, name_)) {
    throw Error(fmt::format("load_state_dict: the state is that of {}, not of {}",
                            detail::printable(saved), name_));
  }
  std::map<std::string, std::int64_t> saved = groups_of(state);
  std::set<std::string> keys;
  std::vector<std::string> missing, moved, unexpected;
  StateProblems mismatches;
  for (const Slot& slot : slots_) {
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
    for (std::size_t i = 0; i < buffer_names_.size(); ++i) {
      const std::string key = buffer_key(path, buffer_names_[i]);
      keys.insert(key);
      if (const StateEntry* entry = state.find(key)) {
        check_alike(key, entry->tensor, slot.parameter(), buffer_shape(i, slot.parameter().shape()),
                    mismatches);
      }
    }
  }
  for (const auto& [path, group] : saved) unexpected.push_back(path);
  for (const StateEntry& entry : state.entries()) {
    if (keys.count(entry.name) > 0) continue;
    unexpected.push_back(entry.tensor.defined() ? entry.name + " " + entry.tensor.shape().str()
                                                : entry.name);
  }
  if (missing.empty() && moved.empty() && unexpected.empty()) return mismatches.raise();
  StateProblems problems;
  problems.add(StateProblems::Kind::other,
               fmt::format("the state is not that of this {}: missing in the state: [{}]; "
                           "unexpected in it: [{}]; of another group: [{}]",
                           name_, printable_names(missing), printable_names(unexpected),
                           printable_names(moved)));
  problems.add(mismatches);
  problems.raise(": give it the parameters and groups that were saved");
}

void Optimizer::load_options(const StateDict& state) {
  for (std::int64_t group = 0; group < num_groups_; ++group) {
    for (const OptionField& field : fields(group)) {
      const std::string key = option_key(group, field.name);
      if (field.flag) {
        *field.flag = flag_of(state, key);
      } else if (field.count) {
        *field.count = number_of<std::int64_t>(state, key);
      } else {
        *field.number = number_of<double>(state, key);
      }
    }
    check_fields(group);
  }
}

Optimizer::Slot::State Optimizer::load_slot(const Slot& slot, const StateDict& state,
                                            std::vector<std::string>& missing) const {
  const std::string& path = slot.target.path;
  Slot::State loaded;
  loaded.steps = number_of<std::int64_t>(state, steps_key(path));
  if (loaded.steps < 0) {
    throw FormatError(fmt::format("load_state_dict: {} is {}", steps_key(path), loaded.steps));
  }
  if (state.metadata.contains(product_key(path))) {
    loaded.product = number_of<double>(state, product_key(path));
  }
  for (std::size_t i = 0; i < buffer_names_.size(); ++i) {
    const std::string key = buffer_key(path, buffer_names_[i]);
    const Shape shape = buffer_shape(i, slot.parameter().shape());
    if (const StateEntry* entry = state.find(key)) {
      loaded.buffers[i] = entry->tensor.clone();
    } else if (loaded.steps > 0 && uses_buffer(i, slot.group)) {
      missing.push_back(key + " " + shape.str());
    }
  }
  return loaded;
}

void Optimizer::load_state_dict(const StateDict& state) {
  check_entries(state);
  StateDict before;
  before.metadata = state_dict().metadata;
  std::vector<Slot::State> loaded;
  try {
    load_options(state);
    std::vector<std::string> missing;
    for (const Slot& slot : slots_) loaded.push_back(load_slot(slot, state, missing));
    if (!missing.empty()) {
      throw Error(
          fmt::format("load_state_dict: missing in the state: [{}]", fmt::join(missing, ", ")));
    }
  } catch (...) {
    load_options(before);
    throw;
  }
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].state = std::move(loaded[i]);
  has_stepped_ = true;
}

Function<void()> Optimizer::follow_rows(const Tensor& parameter, const RowPlan& plan) {
  check_not_moved();
  const auto slot = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& candidate) {
    return candidate.parameter().is_same(parameter);
  });
  if (slot == slots_.end()) {
    throw ValueError(
        fmt::format("{}: the parameter {} that gets other rows is not one of its parameters: pass "
                    "the optimizers that train it as followers",
                    name_, parameter.shape().str()));
  }
  const std::int64_t rows = parameter.size(0);
  std::array<Tensor, max_buffers> buffers = slot->state.buffers;
  for (std::size_t i = 0; i < buffer_names_.size(); ++i) {
    Tensor& buffer = buffers[i];
    if (!buffer.defined()) continue;
    check_buffer(*slot, i);
    const Shape after = buffer_shape(i, plan.values.shape());
    const bool by_row = buffer.dim() > 0 && buffer.size(0) == rows && after.rank() > 0 &&
                        after[0] == plan.values.size(0);
    if (by_row) {
      buffer = detail::moved_rows(buffer, plan.sources, buffer_start(i, slot->group));
    } else if (buffer.shape() != after) {
      throw ShapeError(
          fmt::format("{}: {} {} does not have the rows of its parameter {}: make a new optimizer",
                      name_, buffer_key(slot->target.path, buffer_names_[i]), buffer.shape().str(),
                      parameter.shape().str()));
    }
  }
  return
      [slot, buffers = std::move(buffers)]() mutable { slot->state.buffers = std::move(buffers); };
}

namespace detail {
namespace {

[[noreturn]] void refuse(const char* optimizer, const char* option, double value,
                         const char* rule) {
  throw ValueError(fmt::format("{}: {} is {}, it must {}", optimizer, option, value,
                               std::isfinite(value) ? rule : "be a finite number"));
}

}  // namespace

void require_finite(const char* optimizer, const char* option, double value) {
  if (!std::isfinite(value)) refuse(optimizer, option, value, "");
}

void require_not_negative(const char* optimizer, const char* option, double value) {
  if (!(value >= 0) || std::isinf(value)) refuse(optimizer, option, value, "not be negative");
}

void require_positive(const char* optimizer, const char* option, double value) {
  if (!(value > 0) || std::isinf(value)) refuse(optimizer, option, value, "be above 0");
}

void require_fraction(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value <= 1)) refuse(optimizer, option, value, "be in [0, 1]");
}

void require_below_one(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value < 1)) refuse(optimizer, option, value, "be in [0, 1)");
}

}  // namespace detail
}  // namespace gradus
