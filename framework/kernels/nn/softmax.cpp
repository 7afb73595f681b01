#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/softmax.h>
#include <gradus/framework/kernels/simd/loop.h>
#include <gradus/framework/kernels/simd/math.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::kernels {

namespace {

using detail::Batch;
using detail::batch_size;

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();

/// Prefetches memory batch by batch while other work goes on: if a row takes several passes, the
/// first would otherwise wait to read and the last to write. Addresses past the end do no harm.
template <class T>
class Ahead {
 public:
  Ahead(const T* read, T* write) : read_(read), write_(write) {}
  void step() {
    __builtin_prefetch(read_, 0);
    read_ += batch_size<T>;
    if (!write_) return;
    __builtin_prefetch(write_, 1);
    write_ += batch_size<T>;
  }

 private:
  const T* read_;
  T* write_;
};

/// y[i] = f(batch of x[i]...), with the last batch filled up with `rest`. f sees every batch once,
/// in order.
template <class T, class F, class... Rows>
void map_row(int64_t n, T* y, T rest, const F& f, const Rows*... x) {
  constexpr int64_t step = batch_size<T>;
  int64_t i = 0;
  for (; i + step <= n; i += step) f(Batch<T>::load_unaligned(x + i)...).store_unaligned(y + i);
  if (i < n)
    detail::store_partial<T>(y + i, n - i, f(detail::load_partial<T>(x + i, n - i, rest)...));
}

/// True if a row of cotangents is 0: then so is its gradient, whatever the values.
template <class T>
bool all_zero(const T* g, int64_t n) {
  return std::all_of(g, g + n, [](T v) { return v == 0; });
}

/// The sum of f(batch of x[i]...) in double, in runs of 1024; f(rest...) must be 0.
template <class T, class F, class... Rows>
double sum_row(int64_t n, T rest, const F& f, const Rows*... x) {
  constexpr int64_t step = batch_size<T>;
  double total = 0;
  for (int64_t i = 0; i < n;) {
    const int64_t end = std::min(n, i + 1024);
    Batch<T> even(T{0}), odd(T{0});
    for (; i + 2 * step <= end; i += 2 * step) {
      even += f(Batch<T>::load_unaligned(x + i)...);
      odd += f(Batch<T>::load_unaligned(x + i + step)...);
    }
    if (i + step <= end) {
      even += f(Batch<T>::load_unaligned(x + i)...);
      i += step;
    }
    if (i < end) {
      odd += f(detail::load_partial<T>(x + i, end - i, rest)...);
      i = end;
    }
    total += static_cast<double>(detail::reduce_add<T>(even + odd));
  }
  return total;
}

/// The greatest value; any value if there is a NaN, which shows in the sum of exponentials.
template <class T>
T max_row(const T* x, int64_t n) {
  constexpr int64_t step = batch_size<T>;
  Batch<T> a(-infinity<T>), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * step <= n; i += 4 * step) {
    a = detail::max(a, Batch<T>::load_unaligned(x + i));
    b = detail::max(b, Batch<T>::load_unaligned(x + i + step));
    c = detail::max(c, Batch<T>::load_unaligned(x + i + 2 * step));
    d = detail::max(d, Batch<T>::load_unaligned(x + i + 3 * step));
  }
  for (; i + step <= n; i += step) a = detail::max(a, Batch<T>::load_unaligned(x + i));
  if (i < n) b = detail::max(b, detail::load_partial(x + i, n - i, -infinity<T>));
  return detail::reduce_max<T>(detail::max(detail::max(a, b), detail::max(c, d)));
}

/// What stands in for the maximum: a row that is all -infinity is shifted by 0, so that exp gives
/// 0.
template <class T>
T shift_of(const T* x, int64_t n) {
  const T greatest = max_row(x, n);
  return greatest == -infinity<T> ? T{0} : greatest;
}

/// Calls f(row) for every row; `work` is the work of one element.
template <class F>
void for_rows(int64_t R, int64_t C, int64_t work, const F& f) {
  parallel_for_each(R, work * C + 64, [&](int64_t row) { f(row); });
}

}  // namespace

template <class T>
void softmax(const T* x, T* y, int64_t R, int64_t C) {
  for_rows(R, C, 6, [=](int64_t row) {
    const T* from = x + row * C;
    T* to = y + row * C;
    const Batch<T> shift(shift_of(from, C));
    Ahead<T> next_row(from + C, to + C);
    constexpr int64_t run = 1024;  // floats are only summed within a run
    double total = 0;
    for (int64_t i = 0; i < C; i += run) {
      Batch<T> sum(T{0});
      map_row(
          std::min(run, C - i), to + i, -infinity<T>,
          [&](const Batch<T>& values) {
            next_row.step();
            const Batch<T> e = detail::exp_flushed<T>(values - shift);
            sum += e;
            return e;
          },
          from + i);
      total += static_cast<double>(detail::reduce_add(sum));
    }
    if (total == 0) return;  // all -infinity: zeros
    const Batch<T> factor(static_cast<T>(1 / total));
    map_row(
        C, to, T{0}, [&](const Batch<T>& e) { return e * factor; }, static_cast<const T*>(to));
  });
}

/// shift and log(sum(exp(x - shift))) of one row.
template <class T>
struct LogSum {
  /// `write` is where the row is written next, or null.
  LogSum(const T* x, int64_t C, T* write) : shift(shift_of(x, C)) {
    const Batch<T> shifts(shift);
    Ahead<T> ahead(x + C, write);
    const auto shifted_exp = [&](const Batch<T>& v) {
      ahead.step();
      return detail::exp_flushed<T>(v - shifts);
    };
    log_sum = std::log(sum_row(C, -infinity<T>, shifted_exp, x));
  }
  T shift;
  double log_sum;
};

template <class T>
void log_softmax(const T* x, T* y, int64_t R, int64_t C) {
  for_rows(R, C, 6, [=](int64_t row) {
    const T* from = x + row * C;
    T* to = y + row * C;
    const LogSum<T> sum(from, C, to);
    if (sum.log_sum == -infinity<double>) {
      std::fill(to, to + C, -infinity<T>);
      return;
    }
    // Two steps: shift + log_sum would round log_sum away.
    const Batch<T> shift(sum.shift), log_sum(static_cast<T>(sum.log_sum));
    map_row(
        C, to, T{0}, [&](const Batch<T>& v) { return (v - shift) - log_sum; }, from);
  });
}

template <class T>
void softmax_vjp(const T* g, const T* y, T* dx, int64_t R, int64_t C) {
  for_rows(R, C, 3, [=](int64_t row) {
    const T *gs = g + row * C, *ys = y + row * C;
    if (all_zero(gs, C)) {
      std::fill_n(dx + row * C, C, T{0});
      return;
    }
    Ahead<T> ahead(ys + C, dx + row * C);
    const auto product = [&](const Batch<T>& a, const Batch<T>& b) {
      ahead.step();
      return a * b;
    };
    const Batch<T> dot(static_cast<T>(sum_row(C, T{0}, product, gs, ys)));
    map_row(
        C, dx + row * C, T{0},
        [&](const Batch<T>& gradient, const Batch<T>& p) { return p * (gradient - dot); }, gs, ys);
  });
}

template <class T>
void log_softmax_vjp(const T* g, const T* y, T* dx, int64_t R, int64_t C) {
  for_rows(R, C, 6, [=](int64_t row) {
    const T *gs = g + row * C, *ys = y + row * C;
    if (all_zero(gs, C)) {
      std::fill_n(dx + row * C, C, T{0});
      return;
    }
    const Batch<T> total(static_cast<T>(sum_row(
        C, T{0}, [](const Batch<T>& v) { return v; }, gs)));
    map_row(
        C, dx + row * C, T{0},
        [&](const Batch<T>& gradient, const Batch<T>& log_p) {
          return detail::fnma(detail::exp_flushed<T>(log_p), total, gradient);
        },
        gs, ys);
  });
}

template <class T>
void logsumexp(const T* x, double* y, int64_t R, int64_t C) {
  for_rows(R, C, 5, [=](int64_t row) {
    const T* from = x + row * C;
    const LogSum<T> sum(from, C, nullptr);
    y[row] = static_cast<double>(sum.shift) + sum.log_sum;
    // inf - inf makes the sum NaN, just as a NaN among the values does.
    if (sum.shift == infinity<T> && std::none_of(from, from + C, [](T v) { return v != v; }))
      y[row] = infinity<double>;
  });
}

namespace {

/// dx = g / n where x is one of n elements of +infinity, else 0.
template <class T>
void share_among_infinite(T g, const T* x, T* dx, int64_t C) {
  const auto count = std::count(x, x + C, infinity<T>);
  for (int64_t c = 0; c < C; ++c) dx[c] = x[c] == infinity<T> ? g / static_cast<T>(count) : T{0};
}

}  // namespace

template <class T>
void logsumexp_vjp(const T* g, const T* x, const double* y, T* dx, int64_t R, int64_t C) {
  for_rows(R, C, 4, [=](int64_t row) {
    T* to = dx + row * C;
    if (g[row] == 0 || y[row] == -infinity<double>) {
      std::fill(to, to + C, T{0});
    } else if (y[row] == infinity<double>) {
      share_among_infinite(g[row], x + row * C, to, C);
    } else {
      // x - y in two steps, as y has more digits than x.
      const T high = static_cast<T>(y[row]);
      const Batch<T> factor(g[row]), highs(high),
          lows(static_cast<T>(y[row] - static_cast<double>(high)));
      map_row(
          C, to, T{0},
          [&](const Batch<T>& v) { return factor * detail::exp_flushed<T>((v - highs) - lows); },
          x + row * C);
    }
  });
}

template <class T, class L>
void cross_entropy(const T* x, const int64_t* labels, int64_t ignore_index, T* row_loss, L* row_lse,
                   int64_t R, int64_t C) {
  for_rows(R, C, 5, [=](int64_t row) {
    const T* from = x + row * C;
    const LogSum<T> sum(from, C, nullptr);
    row_lse[row] = static_cast<L>(static_cast<double>(sum.shift) + sum.log_sum);
    if (labels[row] == ignore_index) {
      row_loss[row] = 0;
      return;
    }
    const double shifted = static_cast<double>(from[labels[row]]) - static_cast<double>(sum.shift);
    // A row that is all -infinity: the same as -log_softmax.
    row_loss[row] =
        sum.log_sum == -infinity<double> ? infinity<T> : static_cast<T>(sum.log_sum - shifted);
  });
}

template <class T, class L>
void cross_entropy_vjp(const T* x, const int64_t* labels, int64_t ignore_index, const L* row_lse,
                       const T* row_scale, int64_t scale_stride, T* dx, int64_t R, int64_t C) {
  for_rows(R, C, 4, [=](int64_t row) {
    T* to = dx + row * C;
    const T scale = row_scale[row * scale_stride];
    if (labels[row] == ignore_index || scale == 0) {
      std::fill(to, to + C, T{0});
      return;
    }
    // x - lse in two steps, as lse has more digits than x; a row that is all -infinity has p = 0.
    const double lse = std::isinf(row_lse[row]) ? 0.0 : static_cast<double>(row_lse[row]);
    const T high = static_cast<T>(lse);
    const Batch<T> factor(scale), highs(high),
        lows(static_cast<T>(lse - static_cast<double>(high)));
    map_row(
        C, to, T{0},
        [&](const Batch<T>& v) { return factor * detail::exp_flushed<T>((v - highs) - lows); },
        x + row * C);
    to[labels[row]] -= scale;
  });
}

GRADUS_INSTANTIATE_FLOATS(logsumexp)
GRADUS_INSTANTIATE_FLOATS(logsumexp_vjp)
GRADUS_INSTANTIATE_FLOATS(softmax)
GRADUS_INSTANTIATE_FLOATS(log_softmax)
GRADUS_INSTANTIATE_FLOATS(softmax_vjp)
GRADUS_INSTANTIATE_FLOATS(log_softmax_vjp)
GRADUS_INSTANTIATE(cross_entropy, float, float)
GRADUS_INSTANTIATE(cross_entropy, float, double)
GRADUS_INSTANTIATE(cross_entropy, double, double)
GRADUS_INSTANTIATE(cross_entropy_vjp, float, float)
GRADUS_INSTANTIATE(cross_entropy_vjp, float, double)
GRADUS_INSTANTIATE(cross_entropy_vjp, double, double)

}  // namespace gradus::kernels
