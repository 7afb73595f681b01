#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/profile.h>
#include <gradus/optim/detail/check_parameters.h>
#include <gradus/optim/detail/optimizer_state.h>
#include <gradus/optim/detail/writable.h>
#include <gradus/optim/optimizer.h>

#include <algorithm>

namespace gradus {
namespace {

bool is_due(const Tensor& parameter) { return parameter.trainable() && !parameter.grad().empty(); }

}  // namespace

Optimizer::Optimizer(OptimizerInfo info)
    : name_(info.name), buffer_names_(std::move(info.buffers)) {}

Optimizer::~Optimizer() = default;

void Optimizer::append_group(const std::vector<NamedParameter>& parameters) {
  check_not_moved();
  if (parameters.empty()) {
    throw ValueError(
        fmt::format("{}: a list of parameters is empty: there is nothing to train", name_));
  }
  std::vector<NamedParameter> all;
  for (const Slot& slot : slots_) all.push_back(slot.target);
  for (const NamedParameter& target : parameters) all.push_back(target);
  detail::check_parameters(name_, all);
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

double Optimizer::lr(std::int64_t group) const { return option("lr", group); }

void Optimizer::set_lr(double lr) {
  check_not_moved();
  detail::require_not_negative(name_, "lr", lr);
  for (std::int64_t group = 0; group < num_groups_; ++group) field("lr", group).set(lr);
}

void Optimizer::set_lr(std::int64_t group, double lr) {
  const OptionField found = field("lr", group);
  detail::require_not_negative(name_, "lr", lr);
  found.set(lr);
}

OptionField Optimizer::field(std::string_view name, std::int64_t group) const {
  check_group(group);
  return detail::field_called(name, name_, const_cast<Optimizer*>(this)->fields(group));
}

double Optimizer::option(std::string_view name, std::int64_t group) const {
  return field(name, group).value();
}

void Optimizer::set_option(std::string_view name, double value, std::int64_t group) {
  const OptionField found = field(name, group);
  detail::require_holds(name_, found, value);
  const double before = found.value();
  found.set(value);
  try {
    check_fields(group);
  } catch (...) {
    found.set(before);
    throw;
  }
}

bool Optimizer::has_option(std::string_view name, std::int64_t group) const {
  check_group(group);
  const std::vector<OptionField> all = const_cast<Optimizer*>(this)->fields(group);
  return std::any_of(all.begin(), all.end(),
                     [&](const OptionField& field) { return field.name == name; });
}

// Checks that what is kept still has the shape of its parameter.
void Optimizer::check_buffer(const Slot& slot, std::size_t i) const {
  const auto& [path, parameter] = slot.target;
  const Tensor& buffer = slot.state.buffers[i];
  if (!buffer.defined() || buffer.shape() == buffer_shape(i, parameter.shape())) return;
  throw ShapeError(fmt::format(
      "{}: {}.{} is {}, its parameter is {} now: resize it with .followers = {{&optimizer}}, or "
      "make a new optimizer",
      name_, path, buffer_names_[i], buffer.shape().str(), parameter.shape().str()));
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

// A step that has nothing to do is rarely intended.
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

// Small arrays are updated many at a time: a single one is too little work for several threads.
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
  constexpr std::int64_t cost = 4, call = 200;  // work per element, per parameter
  parallel_for(n, n > 0 ? cost * (elements / n) + call : call,
               [&](std::int64_t begin, std::int64_t end) {
                 const NoGradGuard guard;  // guards are per thread
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
      const Tensor values = empty(detail::with_rows(table, 0), parameter.dtype());
      parameter.set_grad(SparseGrad(empty({0}, DType::int64), values, table));
    }
  }
}

void Optimizer::throw_sparse(const Slot& slot, std::string_view problem,
                             std::string_view cure) const {
  throw AutogradError(fmt::format("{}: {} and the gradient of {} is sparse: {}", name_, problem,
                                  slot.target.path, cure));
}

void Optimizer::require_no_sparse_decay(const Slot& slot, double weight_decay) const {
  if (weight_decay == 0 || !slot.gradient().is_sparse()) return;
  throw_sparse(slot, fmt::format("weight_decay is {}", weight_decay),
               "put it into a group with .weight_decay = 0, or make the gradient dense with "
               ".sparse = false");
}

bool Optimizer::uses_buffer(std::size_t, std::int64_t) const { return true; }
double Optimizer::buffer_start(std::size_t, std::int64_t) const { return 0; }
Shape Optimizer::buffer_shape(std::size_t, const Shape& parameter) const { return parameter; }
Tensor Optimizer::buffer_of_new_rows(std::size_t buffer, const Slot& slot, const RowPlan&) const {
  return slot.state.buffers[buffer];
}

void Optimizer::check_gradient(const Slot& slot) const {
  if (!slot.gradient().is_sparse()) return;
  throw_sparse(slot, "every step moves every row",
               "give it to SparseAdam, Adagrad, or Adam with .lazy = true, or make the gradient "
               "dense with .sparse = false");
}

StateDict Optimizer::state_dict() const {
  check_not_moved();
  return detail::OptimizerState::save(*this);
}

void Optimizer::load_state_dict(const StateDict& state) {
  check_not_moved();
  detail::OptimizerState::load(*this, state);
  has_stepped_ = true;
}

std::function<void()> Optimizer::follow_rows(const Tensor& parameter, const RowPlan& plan) {
  check_not_moved();
  return detail::OptimizerState::follow_rows(*this, parameter, plan);
}

}  // namespace gradus
