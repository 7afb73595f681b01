#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/greatest.h>
#include <gradus/framework/kernels/nn/pooling.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <limits>

namespace gradus::kernels {
namespace {

/// The work for one window, in additions.
int64_t cost_of_window(const Sequences& from, const Sequences& to) {
  return 2 * to.C * (from.T / std::max<int64_t>(to.T, 1) + 1) + 16;
}

/// Calls f(b) for each sequence of d_x, which is 0 then, in parallel.
template <class T, class F>
void for_each_gradient(const Sequences& from, T* d_x, const F& f) {
  const int64_t size = from.T * from.C;
  parallel_for_each(from.B, 2 * size + 64, [&](int64_t b) {
    std::fill_n(d_x + b * size, size, T{0});
    f(b);
  });
}

}  // namespace

template <class T>
void max_pool(const PoolWindows& windows, const Sequences& from, const Sequences& to, const T* x,
              T* y, int64_t* places) {
  constexpr int64_t most_rows = 1 << 20;
  constexpr T least = -std::numeric_limits<T>::infinity();
  const int64_t C = from.C;
  const SequenceRows rows(to);
  to.fill_padding(y, T{0});
  to.fill_padding(places, int64_t{-1});
  parallel_for(rows.count(), cost_of_window(from, to), [&](int64_t begin, int64_t end) {
    const Greatest<T> greatest(C, least);
    rows.for_each(begin, end, [&](int64_t, int64_t b, int64_t i) {
      const PoolWindow window = windows.at(i, from.length(b));
      const int64_t to_row = (b * to.T + i) * C;
      std::fill_n(y + to_row, C, least);
      std::fill_n(places + to_row, C, window.begin < window.end ? window.begin : -1);
      for (int64_t t = window.begin; t < window.end; t += most_rows * window.step) {
        const int64_t n = std::min((window.end - 1 - t) / window.step + 1, most_rows);
        greatest.find(n, x + (b * from.T + t) * C, window.step * C, nullptr);
        greatest.merge_into(y + to_row, places + to_row, t, window.step);
      }
    });
  });
}

template <class T>
void max_pool_vjp(const Sequences& from, const Sequences& to, const int64_t* places, const T* d_y,
                  T* d_x) {
  const int64_t C = from.C;
  for_each_gradient(from, d_x, [=](int64_t b) {
    T* const sequence = d_x + b * from.T * C;
    for (int64_t i = b * to.T; i < (b + 1) * to.T; ++i) {
      for (int64_t c = 0; c < C; ++c) {
        const int64_t place = places[i * C + c];
        if (place >= 0) sequence[place * C + c] += d_y[i * C + c];
      }
    }
  });
}

template <class T>
void mean_pool(const PoolWindows& windows, const Sequences& from, const Sequences& to, const T* x,
               T* y) {
  const int64_t C = from.C;
  const SequenceRows rows(to);
  to.fill_padding(y, T{0});
  parallel_for(rows.count(), cost_of_window(from, to), [&](int64_t begin, int64_t end) {
    const Scratch<double> sums(C);
    double* __restrict sum = sums.data();
    rows.for_each(begin, end, [&](int64_t, int64_t b, int64_t i) {
      std::fill_n(sum, C, 0.0);
      const PoolWindow window = windows.at(i, from.length(b));
      for (int64_t t = window.begin; t < window.end; t += window.step) {
        const T* __restrict row = x + (b * from.T + t) * C;
        for (int64_t c = 0; c < C; ++c) sum[c] += static_cast<double>(row[c]);
      }
      T* __restrict mean = y + (b * to.T + i) * C;
      for (int64_t c = 0; c < C; ++c) {
        mean[c] = static_cast<T>(sum[c] / static_cast<double>(window.divisor));
      }
    });
  });
}

template <class T>
void mean_pool_vjp(const PoolWindows& windows, const Sequences& from, const Sequences& to,
                   const T* d_y, T* d_x) {
  const int64_t C = from.C;
  for_each_gradient(from, d_x, [=](int64_t b) {
    for (int64_t i = 0; i < to.length(b); ++i) {
      const T* __restrict g = d_y + (b * to.T + i) * C;
      const PoolWindow window = windows.at(i, from.length(b));
      const T divisor = static_cast<T>(window.divisor);
      for (int64_t t = window.begin; t < window.end; t += window.step) {
        T* __restrict row = d_x + (b * from.T + t) * C;
        for (int64_t c = 0; c < C; ++c) row[c] += g[c] / divisor;
      }
    }
  });
}

GRADUS_INSTANTIATE_FLOATS(max_pool)
GRADUS_INSTANTIATE_FLOATS(max_pool_vjp)
GRADUS_INSTANTIATE_FLOATS(mean_pool)
GRADUS_INSTANTIATE_FLOATS(mean_pool_vjp)

}  // namespace gradus::kernels
