#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/normalization.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/lanes.h>
#include <gradus/framework/kernels/simd/wide_sum.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace gradus::kernels {

namespace {

using detail::Batch;
using detail::batch_size;
using detail::First;
using detail::for_batches;
using detail::load;
using detail::store;
using detail::Whole;

/// The bound on scales and mean squares for which T is accurate; rows beyond it are computed in
/// double.
template <class T>
constexpr double greatest = std::is_same_v<T, float> ? 1e30 : 1e290;

/// `values` [C], or one value for all columns if null.
template <class T>
struct Columns {
  const T* values;
  T otherwise;

  template <class Lanes>
  Batch<T> at(int64_t i, Lanes lanes) const {
    return values ? load(values + i, lanes) : Batch<T>(otherwise);
  }
  double at(int64_t i) const { return static_cast<double>(values ? values[i] : otherwise); }
};

/// (x - mean) scale, with all digits of the mean: rounded to T, it would lose the differences of
/// values that lie close together far from 0.
template <class T, bool centered>
class Normal {
 public:
  explicit Normal(const RowMoments& m)
      : high_(static_cast<T>(m.mean)),
        scale_(static_cast<T>(m.scale)),
        shift_(static_cast<T>(-low_part(m) * m.scale)) {}
  Batch<T> operator()(const Batch<T>& x) const {
    if constexpr (centered)
      return detail::fma(x - high_, scale_, shift_);
    else
      return x * scale_;
  }

 private:
  static double low_part(const RowMoments& m) {
    return (m.mean - static_cast<double>(static_cast<T>(m.mean))) + m.rest;
  }

  Batch<T> high_, scale_, shift_;
};

/// The same in double.
template <class T>
double normal_of(T x, const RowMoments& m) {
  return ((static_cast<double>(x) * m.unit - m.mean) - m.rest) * m.scale;
}

/// The mean of unit x - from, added in A by runs of 1024.
template <class A, class T>
double mean_from(A from, const T* x, int64_t n, A unit = 1) {
  const auto difference = [=](const auto& v) {
    using V = std::decay_t<decltype(v)>;
    return v * V(unit) - V(from);
  };
  return static_cast<double>(detail::add_up<A>(x, n, difference)) / static_cast<double>(n);
}

/// The power of 2 that brings the greatest magnitude of x into [1, 2), or as near as a finite power
/// can; 1 if there is nothing to scale.
template <class T>
double unit_of(const T* x, int64_t n) {
  double most = 0;
  for (int64_t i = 0; i < n; ++i) most = std::max(most, std::fabs(static_cast<double>(x[i])));
  if (most == 0 || !std::isfinite(most)) return 1;
  return std::ldexp(1.0, -std::clamp(std::ilogb(most), -1000, 1000));
}

/// The mean of n >= 1 values, in units; exact if they are equal.
template <class T>
RowMoments mean_of(const T* x, int64_t n, double unit) {
  const double first = static_cast<double>(x[0]) * unit;
  const double mean = first + mean_from(first, x, n, unit);
  return {mean, mean_from(mean, x, n, unit), 1, unit};
}

/// The sums of x - pivot, if centered, and of its square.
struct Sums {
  double sum = 0, squares = 0;
};

template <class T, bool centered>
struct RunOfSums {
  Batch<T> sum = Batch<T>(T{0}), squares = Batch<T>(T{0});

  void add(const Batch<T>& difference) {
    if constexpr (centered) sum += difference;
    squares = detail::fma(difference, difference, squares);
  }
  void add(const RunOfSums& other) {
    if constexpr (centered) sum += other.sum;
    squares += other.squares;
  }
};

/// Adds in T, in runs of 1024.
template <class T, bool centered>
Sums sums_about(T pivot, const T* x, int64_t n) {
  constexpr int64_t step = batch_size<T>;
  const Batch<T> from(pivot);
  const auto difference = [&](int64_t i, auto lanes) {
    return centered ? load(x + i, lanes) - from : load(x + i, lanes);
  };
  Sums total;
  for (int64_t i = 0; i < n;) {
    const int64_t end = std::min(n, i + 1024);
    RunOfSums<T, centered> a, b, c, d;
    for (; i + 4 * step <= end; i += 4 * step) {
      detail::ask_ahead(x + i, 4 * step);
      a.add(difference(i, Whole{}));
      b.add(difference(i + step, Whole{}));
      c.add(difference(i + 2 * step, Whole{}));
      d.add(difference(i + 3 * step, Whole{}));
    }
    for (; i + step <= end; i += step) a.add(difference(i, Whole{}));
    if (i < end) {
      alignas(64) T lanes[batch_size<T>];  // lanes past the end differ from the pivot too
      difference(i, First{end - i}).store_aligned(lanes);
      b.add(detail::load_partial(lanes, end - i));
      i = end;
    }
    a.add(b), c.add(d), a.add(c);
    if constexpr (centered) total.sum += static_cast<double>(detail::reduce_add<T>(a.sum));
    total.squares += static_cast<double>(detail::reduce_add<T>(a.squares));
  }
  return total;
}

/// 1 / sqrt(mean((x - mean)^2) + eps) in the units of `m`, whose scale is 1; 0 for 1 / 0.
template <class T>
double scale_in_units(const T* x, int64_t n, const RowMoments& m, double eps) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double deviation = normal_of(x[i], m);
    total += deviation * deviation;
  }
  if (!std::isfinite(total)) return std::numeric_limits<double>::quiet_NaN();
  const double root =
      std::hypot(std::sqrt(total / static_cast<double>(n)), std::sqrt(eps) * m.unit);
  return root > 0 ? 1 / root : 0;
}

/// True if T has the range for (x - mean) scale and its derivative.
template <class T>
bool is_ordinary(const RowMoments& m) {
  return m.unit == 1 && m.scale > 1 / greatest<T> && m.scale < greatest<T> &&
         std::fabs(m.mean) < greatest<T>;
}

/// In one pass, about the mean of the first values (Chan, Golub and LeVeque, Algorithms for
/// Computing the Sample Variance, 1983, eq. 1.7). If the mean of all is far from that, a second
/// pass is made about it, so that the subtraction loses at most one bit.
template <class T, bool centered>
RowMoments moments_of(const T* x, int64_t n, double eps) {
  const auto count = static_cast<double>(n);
  T pivot = 0;
  if constexpr (centered)
    pivot = x[0] + static_cast<T>(mean_from(x[0], x, std::min(n, int64_t{64})));
  Sums sums = sums_about<T, centered>(pivot, x, n);
  if (2 * sums.sum * sums.sum > count * sums.squares) {
    pivot += static_cast<T>(sums.sum / count);
    sums = sums_about<T, centered>(pivot, x, n);
  }
  const double rest = sums.sum / count;
  const double square = (sums.squares / count - rest * rest) + eps;
  if (square > 1 / greatest<T> && square < greatest<T>)
    return {static_cast<double>(pivot), rest, 1 / std::sqrt(square), 1};
  const double unit = unit_of(x, n);
  RowMoments m = centered ? mean_of(x, n, unit) : RowMoments{0, 0, 1, unit};
  m.scale = scale_in_units(x, n, m, eps);
  return m;
}

/// True for an output that is larger than the caches and whose rows start at whole batches.
template <class T>
bool goes_past_caches(const T* y, int64_t R, int64_t C) {
  constexpr int64_t large = int64_t{8} << 20;  // bytes; with the inputs, twice as many or more
  return R * C >= large / int64_t{sizeof(T)} && C % batch_size<T> == 0 &&
         reinterpret_cast<uintptr_t>(y) % sizeof(Batch<T>) == 0;
}

template <class T, class Lanes>
void write(T* y, const Batch<T>& value, Lanes lanes, bool past_caches) {
  if (std::is_same_v<Lanes, Whole> && past_caches)
    detail::store_past_caches<T>(y, value);
  else
    store(y, value, lanes);
}

template <class T, bool centered>
void normalize(const T* x, const Columns<T>& weight, const Columns<T>& bias, double eps, T* y,
               RowMoments* moments, int64_t R, int64_t C) {
  if (C == 0) return;
  const bool past_caches = goes_past_caches(y, R, C);
  const auto row = [=](const T* from, T* to, RowMoments& m) {
    m = moments_of<T, centered>(from, C, eps);
    if (!is_ordinary<T>(m)) {
      for (int64_t c = 0; c < C; ++c)
        to[c] = static_cast<T>(normal_of(from[c], m) * weight.at(c) + bias.at(c));
      return;
    }
    const Normal<T, centered> normal(m);
    for_batches<T>(0, C, [=](int64_t i, auto lanes) {  // by value: in registers
      detail::ask_ahead(from + i, batch_size<T>);      // for the next rows, while these are written
      const Batch<T> value = normal(load(from + i, lanes));
      write(to + i, detail::fma(value, weight.at(i, lanes), bias.at(i, lanes)), lanes, past_caches);
    });
  };
  parallel_for(R, 6 * C + 64, [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(x + r * C, y + r * C, moments[r]);
    if (past_caches) detail::finish_past_caches();
  });
}

/// One row of the derivative. It is added to the sums, which may be null.
template <class T>
struct RowVjp {
  const T *g, *x;
  RowMoments m;
  T *dx, *weight_sum, *bias_sum;
};

template <class T>
void vjp_in_double(const RowVjp<T>& row, const Columns<T>& weight, int64_t C, bool centered) {
  const auto g = [&](int64_t c) { return static_cast<double>(row.g[c]); };
  const auto normal = [&](int64_t c) { return normal_of(row.x[c], row.m); };
  double mean = 0, slope = 0;
  for (int64_t c = 0; c < C; ++c) {
    mean += g(c) * weight.at(c) / static_cast<double>(C);
    slope += g(c) * weight.at(c) * normal(c) / static_cast<double>(C);
    if (row.weight_sum && row.g[c] != 0) row.weight_sum[c] += static_cast<T>(g(c) * normal(c));
    if (row.bias_sum) row.bias_sum[c] += row.g[c];
  }
  if (!centered) mean = 0;
  for (int64_t c = 0; c < C && row.dx; ++c)
    row.dx[c] =
        static_cast<T>(row.m.unit * row.m.scale * (g(c) * weight.at(c) - mean - normal(c) * slope));
}

/// dx = scale (g weight - mean(g weight) - n mean(g weight n)), n = (x - mean) scale; without its
/// second term if not centered.
template <class T, bool centered>
void vjp_row(const RowVjp<T>& row, const Columns<T>& weight, int64_t C, bool past_caches) {
  if (std::all_of(row.g, row.g + C, [](T v) { return v == 0; })) {  // whatever the values are
    if (row.dx) std::fill(row.dx, row.dx + C, T{0});
    return;
  }
  if (!is_ordinary<T>(row.m)) return vjp_in_double(row, weight, C, centered);
  const T *const g = row.g, *const x = row.x;
  T *const dx = row.dx, *const weight_sum = row.weight_sum, *const bias_sum = row.bias_sum;
  const Normal<T, centered> normal(row.m);
  const Batch<T> scale(static_cast<T>(row.m.scale));
  double sum = 0, dot = 0;
  for (int64_t run = 0; run < C; run += 1024) {
    Batch<T> run_sum(T{0}), run_dot(T{0});
    for_batches<T>(run, std::min(C, run + 1024), [&](int64_t i, auto lanes) {
      __builtin_prefetch(g + C + i);  // the next row
      __builtin_prefetch(x + C + i);
      const Batch<T> cotangent = load(g + i, lanes);
      const Batch<T> value = normal(load(x + i, lanes));
      const Batch<T> weighted = cotangent * weight.at(i, lanes);
      if constexpr (centered) run_sum += weighted;
      run_dot = detail::fma(weighted, value, run_dot);
      if (weight_sum)
        store(weight_sum + i, detail::fma(cotangent, value, load(weight_sum + i, lanes)), lanes);
      if (bias_sum) store(bias_sum + i, cotangent + load(bias_sum + i, lanes), lanes);
    });
    sum += static_cast<double>(detail::reduce_add<T>(run_sum));
    dot += static_cast<double>(detail::reduce_add<T>(run_dot));
  }
  if (!dx) return;
  const Batch<T> mean(static_cast<T>(sum / static_cast<double>(C)));
  const Batch<T> slope(static_cast<T>(dot / static_cast<double>(C)));
  for_batches<T>(0, C, [&](int64_t i, auto lanes) {
    const Batch<T> value = normal(load(x + i, lanes));
    Batch<T> rest = load(g + i, lanes) * weight.at(i, lanes);
    if constexpr (centered) rest -= mean;
    write(dx + i, scale * detail::fnma(value, slope, rest), lanes, past_caches);
  });
}

/// The number of rows for which one task sums the gradients of weight and bias: about 64K elements,
/// and at most 256 tasks, whose sums are then added.
int64_t rows_of_a_task(int64_t R, int64_t C) {
  return std::max({int64_t{8}, 65536 / C, (R + 255) / 256});
}

/// Sums values of T in runs of 64 rows, and the runs in double.
template <class T>
class ColumnSums {
 public:
  ColumnSums(T* run, double* total, int64_t n) : run_(run), total_(total), n_(n) {
    std::fill(run, run + n, T{0});
    std::fill(total, total + n, 0.0);
  }
  void end_row() {
    if (++rows_ % 64 == 0) end_run();
  }
  void end_run() {
    for (int64_t i = 0; i < n_; ++i) {
      total_[i] += static_cast<double>(run_[i]);
      run_[i] = 0;
    }
  }

 private:
  T* run_;
  double* total_;
  int64_t n_, rows_ = 0;
};

/// sum [C] = the sum of parts [tasks], `stride` elements apart; nothing if `sum` is null.
template <class T>
void add_parts(const double* parts, int64_t tasks, int64_t stride, T* sum, int64_t C) {
  if (!sum) return;
  parallel_for_each(C, tasks, [=](int64_t c) {
    double total = 0;
    for (int64_t task = 0; task < tasks; ++task) total += parts[task * stride + c];
    sum[c] = static_cast<T>(total);
  });
}

template <class T, bool centered>
void normalize_vjp(const T* g, const T* x, const Columns<T>& weight, const RowMoments* moments,
                   T* dx, T* dweight, T* dbias, int64_t R, int64_t C) {
  const bool past_caches = dx && goes_past_caches(dx, R, C);
  const auto row = [=](int64_t r, T* weight_sum, T* bias_sum) {
    T* to = dx ? dx + r * C : nullptr;
    vjp_row<T, centered>({g + r * C, x + r * C, moments[r], to, weight_sum, bias_sum}, weight, C,
                         past_caches);
  };
  if (!dweight && !dbias) {
    parallel_for(R, 8 * C + 64, [=](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) row(r, nullptr, nullptr);
      if (past_caches) detail::finish_past_caches();
    });
    return;
  }
  if (C == 0) return;
  const int64_t length = rows_of_a_task(R, C), tasks = (R + length - 1) / length;
  const int64_t width = (dweight ? C : 0) + (dbias ? C : 0);
  const Scratch<T> runs(tasks * width);
  const Scratch<double> totals(tasks * width);
  parallel_for(tasks, length * (10 * C + 64), [&](int64_t first, int64_t last) {
    for (int64_t task = first; task < last; ++task) {
      T* run = runs.data() + task * width;
      ColumnSums<T> sums(run, totals.data() + task * width, width);
      for (int64_t r = task * length; r < std::min(R, (task + 1) * length); ++r) {
        row(r, dweight ? run : nullptr, dbias ? run + width - C : nullptr);
        sums.end_row();
      }
      sums.end_run();
    }
    if (past_caches) detail::finish_past_caches();
  });
  add_parts(totals.data(), tasks, width, dweight, C);
  add_parts(totals.data() + width - C, tasks, width, dbias, C);
}

}  // namespace

template <class T>
void layer_norm(const T* x, const T* weight, const T* bias, double eps, T* y, RowMoments* moments,
                int64_t R, int64_t C) {
  normalize<T, true>(x, {weight, T{1}}, {bias, T{0}}, eps, y, moments, R, C);
}

template <class T>
void rms_norm(const T* x, const T* weight, double eps, T* y, RowMoments* moments, int64_t R,
              int64_t C) {
  normalize<T, false>(x, {weight, T{1}}, {nullptr, T{0}}, eps, y, moments, R, C);
}

template <class T>
void layer_norm_vjp(const T* g, const T* x, const T* weight, const RowMoments* moments, T* dx,
                    T* dweight, T* dbias, int64_t R, int64_t C) {
  normalize_vjp<T, true>(g, x, {weight, T{1}}, moments, dx, dweight, dbias, R, C);
}

template <class T>
void rms_norm_vjp(const T* g, const T* x, const T* weight, const RowMoments* moments, T* dx,
                  T* dweight, int64_t R, int64_t C) {
  normalize_vjp<T, false>(g, x, {weight, T{1}}, moments, dx, dweight, nullptr, R, C);
}

GRADUS_INSTANTIATE_FLOATS(layer_norm)
GRADUS_INSTANTIATE_FLOATS(rms_norm)
GRADUS_INSTANTIATE_FLOATS(layer_norm_vjp)
GRADUS_INSTANTIATE_FLOATS(rms_norm_vjp)

}  // namespace gradus::kernels
