#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/nn/softmax.h>
#include <gradus/framework/kernels/nn/softmax_rows.h>

#include <algorithm>

namespace gradus::kernels {

using detail::Batch;

template <class T>
void softmax(const T* x, T* y, int64_t R, int64_t C) {
  for_rows(R, C, 6, [=](int64_t row) {
    const T* from = x + row * C;
    T* to = y + row * C;
    Ahead<T> next_row(from + C, to + C);
    const double total = exp_row(from, to, C, shift_of(from, C), next_row);
    if (total == 0) return;  // all -infinity: zeros
    const Batch<T> factor(static_cast<T>(1 / total));
    map_row(
        C, to, T{0}, [&](const Batch<T>& e) { return e * factor; }, static_cast<const T*>(to));
  });
}

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
    // A probability of exactly 0 takes no part: the cotangent of a masked class may be infinite.
    const Batch<T> zero(T{0});
    const auto product = [&](const Batch<T>& gradient, const Batch<T>& p) {
      ahead.step();
      return p * detail::select(p == zero, zero, gradient);
    };
    const Batch<T> dot(static_cast<T>(sum_row(C, T{0}, product, gs, ys)));
    map_row(
        C, dx + row * C, T{0},
        [&](const Batch<T>& gradient, const Batch<T>& p) {
          const auto none = p == zero;
          return detail::select(none, zero, p * (detail::select(none, zero, gradient) - dot));
        },
        gs, ys);
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

GRADUS_INSTANTIATE_FLOATS(logsumexp)
GRADUS_INSTANTIATE_FLOATS(logsumexp_vjp)
GRADUS_INSTANTIATE_FLOATS(softmax)
GRADUS_INSTANTIATE_FLOATS(log_softmax)
GRADUS_INSTANTIATE_FLOATS(softmax_vjp)
GRADUS_INSTANTIATE_FLOATS(log_softmax_vjp)

}  // namespace gradus::kernels
