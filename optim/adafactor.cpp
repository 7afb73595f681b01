#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/kernels/blocks.h>
#include <gradus/optim/adafactor.h>
#include <gradus/optim/detail/update.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace gradus {
namespace {

constexpr std::size_t row_var = 0, col_var = 1;

void require_not_positive(const char* optimizer, const char* option, double value) {
  if (value <= 0 && std::isfinite(value)) return;
  throw ValueError(
      fmt::format("{}: {} is {}, it must be finite and at most 0", optimizer, option, value));
}

void require_one_or_more(const char* optimizer, const char* option, double value) {
  if (value >= 1 && std::isfinite(value)) return;
  throw ValueError(
      fmt::format("{}: {} is {}, it must be finite and at least 1", optimizer, option, value));
}

template <class T>
double square(T x) {
  return static_cast<double>(x) * static_cast<double>(x);
}

/// The root of the mean of f(i) over n elements.
template <class F>
double root_mean(std::int64_t n, const F& f) {
  const auto sum = [&](std::int64_t begin, std::int64_t end) {
    double total = 0;
    for (std::int64_t i = begin; i < end; ++i) total += f(i);
    return total;
  };
  return std::sqrt(detail::blocked_sum<double>(n, 4096, 2, sum) / static_cast<double>(n));
}

/// What all elements of a step share.
template <class T>
struct Step {
  double mix;            // b: the weight of the new squares
  double eps;            // eps[0]
  double sign, shrink;   // of the gradient; of w
  double step, largest;  // before clipping; d
};

/// w -= step g / root(i), clipped, for n elements, `root` being that of their second moments.
template <class T, class F>
void move(const Step<T>& step, std::int64_t n, const T* g, T* w, const F& root) {
  const double rms =
      root_mean(n, [&](std::int64_t i) { return square(static_cast<double>(g[i]) / root(i)); });
  const double factor = step.sign * step.step / std::max(1.0, rms / step.largest);
  parallel_for_each(n, 8, [&](std::int64_t i) {
    const double update = factor * static_cast<double>(g[i]) / root(i);
    w[i] = static_cast<T>(step.shrink * static_cast<double>(w[i]) - update);
  });
}

template <class T>
T mixed(T old, double now, double mix) {
  return static_cast<T>(static_cast<double>(old) + mix * (now - static_cast<double>(old)));
}

/// Matrices [R, C] of a parameter, one after the other.
struct Matrices {
  std::int64_t count, R, C;
};

/// The means of the squares of all rows and columns.
template <class T>
void update_moments(const Step<T>& step, const Matrices& m, const T* g, T* rows, T* cols) {
  parallel_for_each(m.count * m.R, 2 * m.C, [&](std::int64_t r) {
    double sum = 0;
    for (std::int64_t j = 0; j < m.C; ++j) sum += square(g[r * m.C + j]);
    rows[r] = mixed(rows[r], sum / static_cast<double>(m.C), step.mix);
  });
  parallel_for(m.count * m.C, 2 * m.R, [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> sums(static_cast<std::size_t>(end - begin), 0);
    for (std::int64_t r = 0; r < m.R; ++r) {
      for (std::int64_t k = begin; k < end; ++k) {
        const std::int64_t matrix = k / m.C;
        sums[static_cast<std::size_t>(k - begin)] +=
            square(g[(matrix * m.R + r) * m.C + k - matrix * m.C]);
      }
    }
    for (std::int64_t k = begin; k < end; ++k) {
      const double mean = sums[static_cast<std::size_t>(k - begin)] / static_cast<double>(m.R);
      cols[k] = mixed(cols[k], mean, step.mix);
    }
  });
}

template <class T>
void update_matrices(const Step<T>& step, const Matrices& m, const T* g, T* w, T* rows, T* cols) {
  update_moments(step, m, g, rows, cols);
  std::vector<double> scales;  // of the row moments of each matrix
  for (std::int64_t k = 0; k < m.count; ++k) {
    double sum = 0;
    for (std::int64_t r = 0; r < m.R; ++r) sum += static_cast<double>(rows[k * m.R + r]);
    scales.push_back(1 / std::max(sum / static_cast<double>(m.R), step.eps));
  }
  move(step, m.count * m.R * m.C, g, w, [&](std::int64_t i) {
    const std::int64_t row = i / m.C, matrix = row / m.R;
    const double v = static_cast<double>(rows[row]) * scales[static_cast<std::size_t>(matrix)] *
                     static_cast<double>(cols[matrix * m.C + i % m.C]);
    return std::max(std::sqrt(v), step.eps);
  });
}

template <class T>
void update_vector(const Step<T>& step, std::int64_t n, const T* g, T* w, T* v) {
  for (std::int64_t i = 0; i < n; ++i) v[i] = mixed(v[i], square(g[i]), step.mix);
  move(step, n, g, w,
       [&](std::int64_t i) { return std::max(std::sqrt(static_cast<double>(v[i])), step.eps); });
}

}  // namespace

OptimizerInfo optimizer_info(AdafactorOptions& options) {
  return {"Adafactor",
          {"row_var", "col_var", "variance"},
          {{"lr", options.lr, detail::require_not_negative},
           {"beta2_decay", options.beta2_decay, require_not_positive},
           {"eps.0", options.eps[0], detail::require_not_negative},
           {"eps.1", options.eps[1], detail::require_not_negative},
           {"d", options.d, require_one_or_more},
           {"weight_decay", options.weight_decay, detail::require_not_negative},
           {"maximize", options.maximize}}};
}

// Those that a parameter does not need have no elements.
Shape Adafactor::buffer_shape(std::size_t buffer, const Shape& parameter) const {
  const bool factored = parameter.rank() > 1;
  if (factored == (buffer > col_var)) return Shape{0};
  if (!factored) return parameter;
  std::vector<std::int64_t> sizes(parameter.begin(), parameter.end());
  sizes[sizes.size() - (buffer == row_var ? 1 : 2)] = 1;
  return Shape(sizes);
}

// v = r c / mean(r): c grows as the mean of r does.
Tensor Adafactor::buffer_of_new_rows(std::size_t buffer, const Slot& slot,
                                     const RowPlan& plan) const {
  const Tensor& kept = slot.state.buffers[buffer];
  const auto sources = plan.sources.span<std::int64_t>();
  if (buffer != col_var || slot.parameter().dim() != 2 || sources.empty()) return kept;
  const Tensor rows = slot.state.buffers[row_var].to(DType::float64);
  const auto r = rows.span<double>();
  const double before = std::accumulate(r.begin(), r.end(), 0.0);
  double after = 0;  // new rows have 0
  for (const std::int64_t source : sources) {
    if (source >= 0) after += r[static_cast<std::size_t>(source)];
  }
  if (!(before > 0)) return kept;
  const double factor = after / static_cast<double>(sources.size()) * static_cast<double>(r.size());
  Tensor scaled = kept.clone();
  scaled.mul_(factor / before);
  return scaled;
}

void Adafactor::update(Slot& slot) {
  const AdafactorOptions& options = options_of(slot);
  const auto t = static_cast<double>(++slot.state.steps);
  const Parameter& parameter = slot.parameter();
  const std::int64_t n = parameter.numel();
  if (n == 0) return;
  visit_float(name(), parameter, [&]<class T>(T) {
    const T* g = slot.gradient().dense().data<T>();
    T* w = parameter.mutable_data<T>();
    const double size = root_mean(n, [&](std::int64_t i) { return square(w[i]); });
    const double relative = std::min(options.lr, 1 / std::sqrt(t));
    const double least = static_cast<double>(std::numeric_limits<T>::epsilon());
    const Step<T> step{.mix = std::pow(t, options.beta2_decay),
                       .eps = options.eps[0] > 0 ? options.eps[0] : least,
                       .sign = options.maximize ? -1.0 : 1.0,
                       .shrink = 1 - options.lr * options.weight_decay,
                       .step = std::max(options.eps[1], size) * relative,
                       .largest = options.d};
    const auto& [rows, cols, variance, unused] = slot.state.buffers;
    if (parameter.dim() > 1) {
      const std::int64_t R = parameter.size(-2), C = parameter.size(-1);
      update_matrices(step, {n / (R * C), R, C}, g, w, rows.template mutable_data<T>(),
                      cols.template mutable_data<T>());
    } else {
      update_vector(step, n, g, w, variance.template mutable_data<T>());
    }
  });
}

}  // namespace gradus
