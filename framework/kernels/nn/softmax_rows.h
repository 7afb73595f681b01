#pragma once
// What the functions of the rows of class scores share.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/simd/loop.h>
#include <gradus/framework/kernels/simd/math.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace gradus::kernels {

using detail::Batch;
using detail::batch_size;

template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();

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

/// y = exp(x - shift), which may be written over x. Returns the sum; floats are only summed within
/// a run.
template <class T>
double exp_row(const T* x, T* y, int64_t C, T shift, Ahead<T>& ahead) {
  constexpr int64_t run = 1024;
  const Batch<T> shifts(shift);
  double total = 0;
  for (int64_t i = 0; i < C; i += run) {
    Batch<T> sum(T{0});
    map_row(
        std::min(run, C - i), y + i, -infinity<T>,
        [&](const Batch<T>& values) {
          ahead.step();
          const Batch<T> e = detail::exp_flushed<T>(values - shifts);
          sum += e;
          return e;
        },
        x + i);
    total += static_cast<double>(detail::reduce_add(sum));
  }
  return total;
}

/// Calls f(row) for every row; `work` is the work of one element.
template <class F>
void for_rows(int64_t R, int64_t C, int64_t work, const F& f) {
  parallel_for_each(R, work * C + 64, [&](int64_t row) { f(row); });
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

}  // namespace gradus::kernels
