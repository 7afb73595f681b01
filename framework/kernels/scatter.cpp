#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/scatter.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/wide_sums.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace gradus::kernels {
namespace {

constexpr int64_t tile = 128;  // adjacent columns of one task
constexpr int64_t ahead = 16;  // rows of sources between a prefetch of their targets and their use

/// Calls f(target, source, length) for runs of sources of row (o, i) and one tile of columns whose
/// targets are in [low, high) of the axis.
template <class F>
void walk_row(const Routes& routes, int64_t o, int64_t i, int64_t column, int64_t width,
              int64_t low, int64_t high, const F& f) {
  const int64_t source = (o * routes.m + i) * routes.inner, target = o * routes.n * routes.inner;
  if (routes.one_vector) {
    const int64_t id = routes.ids[i], start = target + id * routes.inner;
    if (id >= low && id < high) f(start + column, source + column, width);
    return;
  }
  for (int64_t j = column; j < column + width; ++j) {
    const int64_t id = routes.ids[source + j];
    if (id >= low && id < high) f(target + id * routes.inner + j, source + j, 1);
  }
}

/// The target of the source in row (o, i) and a column.
int64_t target_of(const Routes& routes, int64_t o, int64_t i, int64_t column) {
  const int64_t source = (o * routes.m + i) * routes.inner + column;
  const int64_t id = routes.ids[routes.one_vector ? i : source];
  return (o * routes.n + id) * routes.inner + column;
}

/// The sources whose targets are in one tile of columns and in [low, high) of the axis.
struct Task {
  const Routes& routes;
  int64_t o, column, width, low, high;

  /// Calls f(target, source, length) for them, in order or in reverse. `y` holds the targets.
  template <class T, class F>
  void walk(const T* y, bool reverse, const F& f) const {
    for (int64_t step = 0; step < routes.m; ++step) {
      const int64_t i = reverse ? routes.m - 1 - step : step;
      if (step + ahead < routes.m) {
        const int64_t next = reverse ? i - ahead : i + ahead;
        __builtin_prefetch(y + target_of(routes, o, next, column), 1);
      }
      walk_row(routes, o, i, column, width, low, high, f);
    }
  }
};

/// Calls f(task), in parallel: all sources of a target are in one task. If there are fewer tiles
/// than threads, the targets of a tile are divided among tasks, each of which reads all ids of the
/// tile.
template <class F>
void for_each_task(const Routes& routes, const F& f) {
  if (routes.outer * routes.m * routes.inner == 0) return;
  const int64_t tiles = (routes.inner - 1) / tile + 1, lines = routes.outer * tiles;
  const int64_t work = 4 * routes.m * std::min(routes.inner, tile);
  const int64_t grain = gradus::detail::parallel_grain.load(std::memory_order_relaxed);
  const int64_t parts =
      std::clamp<int64_t>(std::min((num_threads() + lines - 1) / lines, work / grain), 1, routes.n);
  const int64_t length = (routes.n - 1) / parts + 1;
  parallel_for_each(lines * parts, work / parts + 16, [&](int64_t i) {
    const int64_t line = i / parts, low = i % parts * length, column = line % tiles * tile;
    f(Task{routes, line / tiles, column, std::min(tile, routes.inner - column), low, low + length});
  });
}

/// Calls f(target, source, length) for all sources; those of one target in order.
template <class T, class F>
void for_each_route(const Routes& routes, const T* y, bool reverse, const F& f) {
  for_each_task(routes, [&](const Task& task) { task.walk(y, reverse, f); });
}

template <class T>
void add_in_order(const Task& task, const T* x, T* y) {
  task.walk(y, false, [=](int64_t target, int64_t source, int64_t length) {
    for (int64_t j = 0; j < length; ++j) {
      if constexpr (std::is_integral_v<T>) {
        y[target + j] = static_cast<T>(static_cast<uint64_t>(y[target + j]) +
                                       static_cast<uint64_t>(x[source + j]));
      } else {
        y[target + j] += x[source + j];
      }
    }
  });
}

/// Targets with many sources are summed in double.
void add_widely(const Task& task, const float* x, float* y) {
  const Routes& routes = task.routes;
  if (routes.m <= FrequentTargets::limit) return add_in_order(task, x, y);
  FrequentTargets frequent(routes.m * (routes.one_vector ? 1 : task.width));
  // Counts the targets of all tasks: what is summed in double must not depend on how targets are
  // divided among them.
  const Task all{routes, task.o, task.column, task.width, 0, routes.n};
  all.walk(y, false, [&](int64_t target, int64_t, int64_t) { frequent.count(target); });
  if (!frequent.any()) return add_in_order(task, x, y);
  WideSums wide(routes.one_vector ? task.width : 1, y);
  task.walk(y, false, [&](int64_t target, int64_t source, int64_t length) {
    if (frequent.has(target)) {
      double* sum = wide.at(target);
      for (int64_t j = 0; j < length; ++j) sum[j] += static_cast<double>(x[source + j]);
    } else {
      for (int64_t j = 0; j < length; ++j) y[target + j] += x[source + j];
    }
  });
  wide.finish();
}

}  // namespace

template <class T>
void gather(const Routes& routes, const T* x, T* y) {
  if (routes.inner == 0) return;
  parallel_for(routes.outer * routes.m, 4 * routes.inner, [=](int64_t begin, int64_t end) {
    int64_t o = begin / routes.m, i = begin % routes.m;
    for (int64_t row = begin; row < end; ++row) {
      if (i + ahead < routes.m) __builtin_prefetch(x + target_of(routes, o, i + ahead, 0));
      walk_row(routes, o, i, 0, routes.inner, 0, routes.n,
               [=](int64_t target, int64_t source, int64_t length) {
                 std::copy_n(x + target, length, y + source);
               });
      if (++i < routes.m) continue;
      i = 0;
      ++o;
    }
  });
}

template <class T>
void scatter(const Routes& routes, const T* x, T value, T* y) {
  if (x) {
    for_each_route(routes, y, false, [=](int64_t target, int64_t source, int64_t length) {
      std::copy_n(x + source, length, y + target);
    });
  } else {
    for_each_route(routes, y, false, [=](int64_t target, int64_t, int64_t length) {
      std::fill_n(y + target, length, value);
    });
  }
}

template <class T>
void scatter_add(const Routes& routes, const T* x, T* y) {
  for_each_task(routes, [=](const Task& task) {
    if constexpr (std::is_same_v<T, float>)
      add_widely(task, x, y);
    else
      add_in_order(task, x, y);
  });
}

template <class T>
void gather_last(const Routes& routes, const T* x, T* y) {
  const int64_t targets = routes.outer * routes.n * routes.inner;
  const Scratch<unsigned char> taken(targets);
  unsigned char* seen = taken.data();
  parallel_for(targets, 1, [=](int64_t begin, int64_t end) {
    std::memset(seen + begin, 0, static_cast<size_t>(end - begin));
  });
  for_each_route(routes, x, true, [=](int64_t start, int64_t from, int64_t length) {
    for (int64_t target = start, source = from; target < start + length; ++target, ++source) {
      y[source] = seen[target] ? T{0} : x[target];
      seen[target] = 1;
    }
  });
}

GRADUS_INSTANTIATE_ALL(gather)
GRADUS_INSTANTIATE_ALL(scatter)
GRADUS_INSTANTIATE_NUMBERS(scatter_add)
GRADUS_INSTANTIATE_FLOATS(gather_last)

}  // namespace gradus::kernels
