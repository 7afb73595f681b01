// max and min, with the position of the first extremum.
#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

namespace gradus::kernels {

namespace {

using detail::Batch;

struct Greatest {
  template <class T>
  static bool better(T a, T b) {
    return a > b;
  }
  template <class T>
  static Batch<T> best(const Batch<T>& a, const Batch<T>& b) {
    return detail::max(a, b);
  }
  template <class T>
  static T reduce(const Batch<T>& x) {
    return detail::reduce_max(x);
  }
};

struct Least {
  template <class T>
  static bool better(T a, T b) {
    return a < b;
  }
  template <class T>
  static Batch<T> best(const Batch<T>& a, const Batch<T>& b) {
    return detail::min(a, b);
  }
  template <class T>
  static T reduce(const Batch<T>& x) {
    return detail::reduce_min(x);
  }
};

template <class T>
bool is_nan(T x) {
  return x != x;
}

/// True if `a` replaces `b`, which comes before it: NaN is best.
template <class Order, class T>
bool replaces(T a, T b) {
  // On integers and without branches, so that loops over columns vectorise.
  return (int{Order::better(a, b)} | (int{is_nan(a)} & int{!is_nan(b)})) != 0;
}

template <class T>
struct Found {
  T value;
  int64_t at;
};

/// One by one; n >= 1.
template <class Order, class T>
Found<T> find_plain(const T* x, int64_t n) {
  Found<T> found{x[0], 0};
  for (int64_t i = 1; i < n; ++i) {
    if (replaces<Order>(x[i], found.value)) found = {x[i], i};
  }
  return found;
}

constexpr int64_t run_length = 1024;  // fits in the first-level cache, for the second look

/// In batches: finds the best of each run, then its place in the first run that has it.
template <class Order, class T>
Found<T> find(const T* x, int64_t n) {
  constexpr int64_t step = detail::batch_size<T>;
  if (std::is_integral_v<T> || n < 2 * step) return find_plain<Order>(x, n);
  if constexpr (!std::is_integral_v<T>) {
    T best = x[0];
    int64_t run_of_best = 0;
    for (int64_t run = 0; run < n; run += run_length) {
      const int64_t length = std::min(run_length, n - run);
      const T* p = x + run;
      if (length < 2 * step) {
        const Found<T> tail = find_plain<Order>(p, length);
        if (is_nan(tail.value)) return {tail.value, run + tail.at};
        if (Order::better(tail.value, best)) best = tail.value, run_of_best = run;
        break;
      }
      Batch<T> even = Batch<T>::load_unaligned(p),
               odd = Batch<T>::load_unaligned(p + length - step);
      auto ordered = (even == even) & (odd == odd);
      for (int64_t i = 0; i + 2 * step <= length; i += 2 * step) {
        const Batch<T> a = Batch<T>::load_unaligned(p + i);
        const Batch<T> b = Batch<T>::load_unaligned(p + i + step);
        ordered = ordered & (a == a) & (b == b);
        even = Order::best(even, a);
        odd = Order::best(odd, b);
      }
      if (length % (2 * step) >= step) {
        const Batch<T> a = Batch<T>::load_unaligned(p + length - 2 * step);
        ordered = ordered & (a == a);
        even = Order::best(even, a);
      }
      if (!detail::all(ordered)) {
        int64_t i = 0;
        while (!is_nan(p[i])) ++i;
        return {p[i], run + i};
      }
      const T value = Order::reduce(Order::best(even, odd));
      if (Order::better(value, best)) best = value, run_of_best = run;
    }
    int64_t i = run_of_best;
    while (i + step <= n && !detail::any(Batch<T>::load_unaligned(x + i) == Batch<T>(best)))
      i += step;
    while (x[i] != best) ++i;
    return {x[i], i};
  }
}

constexpr int64_t row_block = 65536;

template <class Order, class T>
void rows(const T* x, T* y, int64_t* index, int64_t count, int64_t n) {
  if (n <= row_block || count > 64) {
    parallel_for_each(count, n + 8, [=](int64_t r) {
      const Found<T> found = find<Order>(x + r * n, n);
      y[r] = found.value;
      if (index) index[r] = found.at;
    });
    return;
  }
  const int64_t blocks = (n - 1) / row_block + 1;
  std::vector<Found<T>> parts(static_cast<size_t>(blocks));
  for (int64_t r = 0; r < count; ++r) {
    parallel_for_each(blocks, row_block, [&](int64_t b) {
      const int64_t begin = b * row_block;
      Found<T> found = find<Order>(x + r * n + begin, std::min(row_block, n - begin));
      found.at += begin;
      parts[static_cast<size_t>(b)] = found;
    });
    Found<T> best = parts[0];
    for (const Found<T>& part : parts)
      if (replaces<Order>(part.value, best.value)) best = part;
    y[r] = best.value;
    if (index) index[r] = best.at;
  }
}

constexpr int64_t column_tile = 256;

/// The best of each of `width` columns of [n, stride]. Index is as wide as T if n allows it, so
/// that the compiler vectorises the loop.
template <class Order, class Index, class T>
void column_tile_best(const T* x, int64_t n, int64_t stride, int64_t width, T* y, int64_t* index) {
  T best[column_tile];
  Index at[column_tile];
  std::copy(x, x + width, best);
  std::fill(at, at + width, Index{0});
  for (int64_t r = 1; r < n; ++r) {
    const T* row = x + r * stride;
    const auto row_index = static_cast<Index>(r);
    for (int64_t c = 0; c < width; ++c) {
      const T old = best[c], value = row[c];
      const bool take = replaces<Order>(value, old);
      best[c] = take ? value : old;
      at[c] = take ? row_index : at[c];
    }
  }
  std::copy(best, best + width, y);
  if (index) std::copy(at, at + width, index);
}

template <class Order, class T>
void columns(const T* x, T* y, int64_t* index, int64_t outer, int64_t n, int64_t inner) {
  const int64_t tiles = (inner - 1) / column_tile + 1;
  const bool narrow = sizeof(T) == 4 && n <= std::numeric_limits<int32_t>::max();
  parallel_for_each(outer * tiles, n * std::min(inner, column_tile), [=](int64_t task) {
    const int64_t o = task / tiles, column = task % tiles * column_tile;
    const int64_t width = std::min(column_tile, inner - column);
    const T* from = x + o * n * inner + column;
    const int64_t to = o * inner + column;
    const auto f =
        narrow ? column_tile_best<Order, int32_t, T> : column_tile_best<Order, int64_t, T>;
    f(from, n, inner, width, y + to, index ? index + to : nullptr);
  });
}

template <class Order, class T>
void extreme(const T* x, T* y, int64_t* index, int64_t outer, int64_t n, int64_t inner) {
  if (outer <= 0 || inner <= 0) return;
  if (inner == 1)
    rows<Order>(x, y, index, outer, n);
  else
    columns<Order>(x, y, index, outer, n, inner);
}

}  // namespace

template <class T>
void max(const T* x, T* y, int64_t* index, int64_t outer, int64_t n, int64_t inner) {
  extreme<Greatest>(x, y, index, outer, n, inner);
}

template <class T>
void min(const T* x, T* y, int64_t* index, int64_t outer, int64_t n, int64_t inner) {
  extreme<Least>(x, y, index, outer, n, inner);
}

GRADUS_INSTANTIATE_NUMBERS(max)
GRADUS_INSTANTIATE_NUMBERS(min)

}  // namespace gradus::kernels
