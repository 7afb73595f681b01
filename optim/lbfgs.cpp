#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/module/detail/state_owner.h>
#include <gradus/optim/detail/state_text.h>
#include <gradus/optim/lbfgs.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

namespace gradus {
namespace {

using Vector = std::vector<double>;

constexpr std::array<const char*, 4> kept = {"direction", "prev_grad", "old_dirs", "old_stps"};
constexpr double sufficient = 1e-4, curvature = 0.9;  // c1 and c2 of the Wolfe conditions
constexpr double shortest = 1e-9;                     // shortest interval of a line search

double dot(const Vector& a, const Vector& b) {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= a.size(); i += lanes) {
    for (std::size_t k = 0; k < lanes; ++k) sums[k] += a[i + k] * b[i + k];
  }
  for (; i < a.size(); ++i) sums[i % lanes] += a[i] * b[i];
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

void add(Vector& to, double factor, const Vector& what) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] += factor * what[i];
}

void append(Vector& all, const Tensor& values) {
  visit_float("LBFGS", values, [&]<class T>(T) {
    all.insert(all.end(), values.data<T>(), values.data<T>() + values.numel());
  });
}

void scale(Vector& values, double factor) {
  for (double& value : values) value *= factor;
}

double greatest(const Vector& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

double sum_of_magnitudes(const Vector& values) {
  double sum = 0;
  for (const double value : values) sum += std::abs(value);
  return sum;
}

// The minimiser, within bounds, of the cubic through two points of a line with their slopes; the
// middle of the bounds if there is none.
template <class Point>
double least_of_cubic(const Point& a, const Point& b, double low, double high) {
  const auto& [left, right] = a.t <= b.t ? std::tie(a, b) : std::tie(b, a);
  const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t);
  const double square = d1 * d1 - a.slope * b.slope;
  const double d2 = std::sqrt(square);
  const double place = right.t - (right.t - left.t) * ((right.slope + d2 - d1) /
                                                       (right.slope - left.slope + 2 * d2));
  if (!(square >= 0) || !std::isfinite(place)) return (low + high) / 2;
  return std::min(std::max(place, low), high);
}

std::string entry_key(const std::string& path, const char* what) { return path + "." + what; }

}  // namespace

OptimizerInfo optimizer_info(LBFGSOptions& options) {
  return {"LBFGS",
          {},
          {{"lr", options.lr, detail::require_not_negative},
           {"max_iter", options.max_iter},
           {"max_eval", options.max_eval},
           {"tolerance_grad", options.tolerance_grad, detail::require_not_negative},
           {"tolerance_change", options.tolerance_change, detail::require_not_negative},
           {"history_size", options.history_size},
           {"strong_wolfe", options.strong_wolfe},
           {"maximize", options.maximize}}};
}

LBFGS::LBFGS(const std::vector<NamedParameter>& parameters, const LBFGSOptions& options)
    : Optimizer({"LBFGS", {}, {}}), options_(options) {
  LBFGS::check_fields(0);
  append_group(parameters);
}

std::vector<OptionField> LBFGS::fields(std::int64_t) { return optimizer_info(options_).options; }

void LBFGS::check_fields(std::int64_t) const {
  LBFGSOptions options = options_;
  detail::check_fields(name(), optimizer_info(options).options);
  detail::require_at_least(name(), "max_iter", options.max_iter, 1);
  detail::require_at_least(name(), "max_eval", options.max_eval, 0);
  detail::require_at_least(name(), "history_size", options.history_size, 1);
}

void LBFGS::check_gradient(const Slot&) const {
  throw ValueError(
      "LBFGS: step() without a closure: give it a function that drops the gradients, computes the "
      "loss, calls backward() and returns the loss");
}

void LBFGS::update(Slot&) {}

// ---- parameters and gradients as one vector

std::vector<std::int64_t> LBFGS::layout() const {
  std::vector<std::int64_t> result;
  for (const Slot& slot : slots()) {
    result.push_back(slot.parameter().trainable() ? slot.parameter().numel() : -1);
  }
  return result;
}

LBFGS::Vector LBFGS::parameters() const {
  Vector all;
  for (const Slot& slot : slots()) {
    if (slot.parameter().trainable()) append(all, slot.parameter());
  }
  return all;
}

LBFGS::Vector LBFGS::gradient() const {
  Vector all;
  for (const Slot& slot : slots()) {
    if (!slot.parameter().trainable()) continue;
    if (slot.gradient().is_sparse()) {
      throw_sparse(slot, "a step moves every row",
                   "give it to SparseAdam or Adagrad, or make the gradient dense with "
                   ".sparse = false");
    }
    if (slot.gradient().empty()) {
      all.resize(all.size() + static_cast<std::size_t>(slot.parameter().numel()));
    } else {
      append(all, slot.gradient().dense());
    }
  }
  if (options_.maximize) scale(all, -1);
  return all;
}

// Sets the parameters in the layout of this step to these values.
void LBFGS::set_parameters(const Vector& values) const {
  const NoGradGuard no_grad;
  const double* from = values.data();
  for (std::size_t k = 0; k < memory_.layout.size(); ++k) {
    const std::int64_t n = memory_.layout[k];
    const Parameter& parameter = slots()[k].parameter();
    if (n < 0) continue;
    if (parameter.numel() == n) {  // unless a closure resized it, which cannot be undone
      visit_float("LBFGS", parameter, [&]<class T>(T) {
        T* to = parameter.mutable_data<T>();
        for (std::int64_t i = 0; i < n; ++i) to[i] = static_cast<T>(from[i]);
      });
    }
    from += n;
  }
}

// Sets the parameters to from + t along.
void LBFGS::move(const Vector& from, double t, const Vector& along) const {
  Vector to = from;
  add(to, t, along);
  set_parameters(to);
}

double LBFGS::value(const Tensor& loss) const {
  return options_.maximize ? -loss.item() : loss.item();
}

Tensor LBFGS::call(const Closure& closure) {
  ++evaluations_;
  Tensor loss = closure();
  detail::check_defined("LBFGS", "the result of the closure", loss);
  if (layout() == memory_.layout) return loss;
  throw ValueError(
      "LBFGS: the closure froze, unfroze or resized a parameter: do that between the steps");
}

void LBFGS::check_start(double loss, const Vector& gradient) const {
  if (!std::isfinite(loss)) {
    throw ValueError(fmt::format("LBFGS: the loss is {}: nothing was changed", loss));
  }
  std::size_t k = 0;
  for (const Slot& slot : slots()) {
    if (!slot.parameter().trainable()) continue;
    for (std::int64_t i = 0; i < slot.parameter().numel(); ++i, ++k) {
      if (std::isfinite(gradient[k])) continue;
      throw ValueError(
          fmt::format("LBFGS: the gradient of {} {} is {} in element {}: nothing was changed",
                      slot.target.path, slot.parameter().shape().str(), gradient[k], i));
    }
  }
}

// ---- the direction

// Records the change of the gradient by the last move, if the curvature along it is positive.
void LBFGS::remember(const Vector& gradient) {
  Vector change = gradient, move = memory_.direction;
  add(change, -1, memory_.gradient);
  scale(move, memory_.t);
  const double along = dot(change, move);
  if (!(along > 1e-10)) return;
  while (std::ssize(memory_.changes) >= options_.history_size) {
    memory_.changes.erase(memory_.changes.begin());
    memory_.moves.erase(memory_.moves.begin());
    memory_.inverses.erase(memory_.inverses.begin());
  }
  memory_.scale = along / dot(change, change);
  memory_.changes.push_back(std::make_shared<const Vector>(std::move(change)));
  memory_.moves.push_back(std::make_shared<const Vector>(std::move(move)));
  memory_.inverses.push_back(1 / along);
}

// direction = -H gradient, by two loops over the remembered changes.
void LBFGS::choose_direction(const Vector& gradient) {
  const std::size_t n = memory_.changes.size();
  Vector q = gradient;
  scale(q, -1);
  std::vector<double> factors(n);
  for (std::size_t i = n; i-- > 0;) {
    factors[i] = dot(*memory_.moves[i], q) * memory_.inverses[i];
    add(q, -factors[i], *memory_.changes[i]);
  }
  scale(q, memory_.scale);
  for (std::size_t i = 0; i < n; ++i) {
    const double back = dot(*memory_.changes[i], q) * memory_.inverses[i];
    add(q, factors[i] - back, *memory_.moves[i]);
  }
  memory_.direction = std::move(q);
}

// ---- the line search

// The loss at from + t direction; it moves the parameters there. NaN counts as too high.
LBFGS::Point LBFGS::evaluate(const Closure& closure, const Vector& from, double t) {
  move(from, t, memory_.direction);
  Point point{t, value(call(closure)), 0, gradient()};
  if (std::isnan(point.loss)) point.loss = std::numeric_limits<double>::infinity();
  point.slope = dot(point.gradient, memory_.direction);
  set_parameters(from);
  return point;
}

// Widens the step until an interval holds a point that satisfies the strong Wolfe conditions.
LBFGS::Point LBFGS::search(const Closure& closure, const Vector& from, const Point& start,
                           std::int64_t most) {
  Point before = start;
  Point now = evaluate(closure, from, memory_.t);
  for (std::int64_t trial = 0; trial < most; ++trial) {
    const bool too_high = now.loss > start.loss + sufficient * now.t * start.slope ||
                          (trial > 1 && now.loss >= before.loss);
    if (!too_high && std::abs(now.slope) <= -curvature * start.slope) return now;
    if (too_high || now.slope >= 0) {
      return zoom(closure, from, start, std::move(before), std::move(now), most - trial);
    }
    const double t = least_of_cubic(before, now, now.t + 0.01 * (now.t - before.t), 10 * now.t);
    before = std::move(now);
    now = evaluate(closure, from, t);
  }
  return start.loss <= now.loss ? start : now;
}

// Narrows the interval between two points; `low` is the one with the lower loss, or the first if
// equal.
LBFGS::Point LBFGS::zoom(const Closure& closure, const Vector& from, const Point& start, Point low,
                         Point high, std::int64_t left) {
  bool low_is_first = true;
  const auto order = [&] {
    const bool ordered = low_is_first ? low.loss <= high.loss : low.loss < high.loss;
    if (ordered) return;
    std::swap(low, high);
    low_is_first = !low_is_first;
  };
  order();
  const double length = greatest(memory_.direction);
  bool slow = false;
  for (; left > 0; --left) {
    const auto [first, last] = std::minmax(low.t, high.t);
    if ((last - first) * length < shortest) break;
    double t = least_of_cubic(low, high, first, last);
    const double margin = 0.1 * (last - first);
    const bool near = std::min(last - t, t - first) < margin;
    if (near && (slow || t >= last || t <= first)) {  // twice near an end: move away from it
      t = std::abs(t - last) < std::abs(t - first) ? last - margin : first + margin;
      slow = false;
    } else {
      slow = near;
    }
    Point now = evaluate(closure, from, t);
    if (now.loss > start.loss + sufficient * t * start.slope || now.loss >= low.loss) {
      high = std::move(now);
      order();
      continue;
    }
    if (std::abs(now.slope) <= -curvature * start.slope) return now;
    if (now.slope * (high.t - low.t) >= 0) high = std::move(low);
    low = std::move(now);
  }
  return low;
}

// ---- a step

Tensor LBFGS::step(const Closure& closure) {
  check_not_moved();
  if (!closure)
    throw ValueError("LBFGS: step() got an empty function: pass one that returns the loss");
  const Memory before = memory_;
  const std::int64_t evaluations = evaluations_;
  if (std::vector<std::int64_t> now = layout(); now != memory_.layout) {
    memory_ = {};
    memory_.layout = std::move(now);
  }
  const Vector values = parameters();
  try {
    return minimise(closure);
  } catch (...) {
    set_parameters(values);
    memory_ = before;
    evaluations_ = evaluations;
    throw;
  }
}

Tensor LBFGS::minimise(const Closure& closure) {
  const std::int64_t most = options_.max_eval > 0 ? options_.max_eval : options_.max_iter * 5 / 4;
  const std::int64_t before = evaluations_;
  Tensor first = call(closure);
  Point now{0, value(first), 0, gradient()};
  check_start(now.loss, now.gradient);
  begin_step();
  if (greatest(now.gradient) <= options_.tolerance_grad) return first;
  for (std::int64_t i = 1; i <= options_.max_iter; ++i) {
    const bool fresh = memory_.iterations++ == 0;
    if (!fresh) remember(now.gradient);
    choose_direction(now.gradient);
    memory_.gradient = now.gradient;
    memory_.t = options_.lr;
    if (fresh) memory_.t *= std::min(1.0, 1 / sum_of_magnitudes(now.gradient));
    const double loss = now.loss;
    now.t = 0;
    now.slope = dot(now.gradient, memory_.direction);
    if (now.slope > -options_.tolerance_change) break;
    const Vector from = parameters();
    if (options_.strong_wolfe) {
      now = search(closure, from, now, most - (evaluations_ - before));
      memory_.t = now.t;
      move(from, now.t, memory_.direction);
    } else {
      move(from, memory_.t, memory_.direction);
      if (i == options_.max_iter) break;  // it would not be used
      now.loss = value(call(closure));
      now.gradient = gradient();
    }
    if (evaluations_ - before >= most) break;
    if (greatest(now.gradient) <= options_.tolerance_grad) break;
    if (std::abs(memory_.t) * greatest(memory_.direction) <= options_.tolerance_change) break;
    if (std::abs(now.loss - loss) < options_.tolerance_change) break;
  }
  return first;
}

// ---- state

StateDict LBFGS::state_dict() const {
  StateDict state = Optimizer::state_dict();
  state.metadata["lbfgs.n_iter"] = fmt::to_string(memory_.iterations);
  state.metadata["lbfgs.func_evals"] = fmt::to_string(evaluations_);
  state.metadata["lbfgs.t"] = fmt::to_string(memory_.t);
  state.metadata["lbfgs.H_diag"] = fmt::to_string(memory_.scale);
  if (memory_.iterations == 0) return state;
  std::ptrdiff_t begin = 0;
  const auto part = [&begin](const Vector& all, std::int64_t n) {
    return Vector(all.begin() + begin, all.begin() + begin + n);
  };
  const auto table = [&](const std::vector<Kept>& rows, std::int64_t n) {
    Vector all;
    for (const Kept& row : rows) {
      all.insert(all.end(), row->begin() + begin, row->begin() + begin + n);
    }
    return tensor(all, {std::ssize(rows), n});
  };
  for (std::size_t i = 0; i < memory_.layout.size(); ++i) {
    const std::int64_t n = memory_.layout[i];
    if (n < 0) continue;
    const std::string& path = slots()[i].target.path;
    state.set(entry_key(path, kept[0]), tensor(part(memory_.direction, n), {n}));
    state.set(entry_key(path, kept[1]), tensor(part(memory_.gradient, n), {n}));
    state.set(entry_key(path, kept[2]), table(memory_.changes, n));
    state.set(entry_key(path, kept[3]), table(memory_.moves, n));
    begin += n;
  }
  return state;
}

LBFGS::Memory LBFGS::load_memory(const StateDict& state) const {
  Memory memory;
  memory.iterations = detail::number_of<std::int64_t>(state, "lbfgs.n_iter");
  memory.t = detail::number_of<double>(state, "lbfgs.t");
  memory.scale = detail::number_of<double>(state, "lbfgs.H_diag");
  std::int64_t rows = -1;
  std::vector<Vector> changes, moves;
  const auto append = [](Vector& to, const double* from, std::int64_t n) {
    to.insert(to.end(), from, from + n);
  };
  for (const Slot& slot : slots()) {
    const std::string& path = slot.target.path;
    const std::int64_t n = slot.parameter().numel();
    if (!state.contains(entry_key(path, kept[0]))) {
      memory.layout.push_back(-1);
      continue;
    }
    memory.layout.push_back(n);
    std::array<const double*, kept.size()> values{};
    for (std::size_t k = 0; k < kept.size(); ++k) {
      const std::string key = entry_key(path, kept[k]);
      const Tensor& found = state.at(key);
      if (k == 2 && rows < 0 && found.dim() == 2) rows = found.size(0);
      const Shape expected = k < 2 ? Shape{n} : Shape{rows, n};
      if (found.dtype() != DType::float64 || found.shape() != expected) {
        throw ShapeError(
            fmt::format("load_state_dict: {} is {} {}, it must be float64 {}: its "
                        "parameter is {}",
                        key, gradus::name(found.dtype()), found.shape().str(), expected.str(),
                        slot.parameter().shape().str()));
      }
      values[k] = found.data<double>();
    }
    append(memory.direction, values[0], n);
    append(memory.gradient, values[1], n);
    changes.resize(static_cast<std::size_t>(rows));
    moves.resize(static_cast<std::size_t>(rows));
    for (std::size_t row = 0; row < changes.size(); ++row) {
      const auto place = static_cast<std::int64_t>(row) * n;
      append(changes[row], values[2] + place, n);
      append(moves[row], values[3] + place, n);
    }
  }
  for (std::size_t row = 0; row < changes.size(); ++row) {
    memory.inverses.push_back(1 / dot(changes[row], moves[row]));
    memory.changes.push_back(std::make_shared<const Vector>(std::move(changes[row])));
    memory.moves.push_back(std::make_shared<const Vector>(std::move(moves[row])));
  }
  return memory;
}

void LBFGS::load_state_dict(const StateDict& state) {
  check_not_moved();
  StateDict options;  // the entries of the base class
  options.metadata = state.metadata;
  for (const StateEntry& entry : state) {
    const bool own = std::any_of(slots().begin(), slots().end(), [&entry](const Slot& slot) {
      return std::any_of(kept.begin(), kept.end(), [&](const char* what) {
        return entry.name == entry_key(slot.target.path, what);
      });
    });
    if (!own) options.set(entry.name, entry.tensor);
  }
  Memory memory;
  std::int64_t evaluations = 0;
  detail::require_state_of("an optimizer", "optimizer", state, "optimizer");
  if (detail::same_class(detail::text_of(state, "optimizer"), name())) {
    memory = load_memory(state);
    evaluations = detail::number_of<std::int64_t>(state, "lbfgs.func_evals");
  }
  Optimizer::load_state_dict(options);
  memory_ = std::move(memory);
  evaluations_ = evaluations;
}

std::function<void()> LBFGS::follow_rows(const Tensor& parameter, const RowPlan& plan) {
  return [this, follow = Optimizer::follow_rows(parameter, plan)] {
    follow();
    memory_ = {};
  };
}

}  // namespace gradus
