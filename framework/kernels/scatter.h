#pragma once
#include <cstdint>

namespace gradus::kernels {

/// How sources [outer, m, inner] map to targets [outer, n, inner]: source (o, i, j) to target (o,
/// ids[o, i, j], j), or to (o, ids[i], j) if one vector of ids serves all. Ids must be in [0, n).
struct Routes {
  const int64_t* ids;
  int64_t outer, m, n, inner;
  bool one_vector = false;
};

/// y[source] = x[target]. T is float, double, int64_t or bool.
template <class T>
void gather(const Routes& routes, const T* x, T* y);

// In the functions below, a target gets its sources in the order of their positions, whatever the
// number of threads.

/// y[target] = x[source]: the last one wins. A null x means `value` everywhere. T is float, double,
/// int64_t or bool.
template <class T>
void scatter(const Routes& routes, const T* x, T value, T* y);

/// y[target] += x[source]. T is float, whose frequent targets are summed in double (wide_sums.h),
/// double, or int64_t, which wraps around.
template <class T>
void scatter_add(const Routes& routes, const T* x, T* y);

/// y[source] = x[target] for the last source of each target, 0 for the others: the derivative of
/// scatter(). T is float or double.
template <class T>
void gather_last(const Routes& routes, const T* x, T* y);

}  // namespace gradus::kernels
