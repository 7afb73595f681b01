#pragma once
#include <cstdint>
#include <vector>

namespace gradus::kernels {

/// `length` >= 1 entries in a row along an axis of y: the entries first, first + step, ... of that
/// axis of x. The step is -1, 0 or 1. With first < 0 they are not in x.
struct Run {
  int64_t length, first, step;
};
/// A whole axis of y, from its start.
using Runs = std::vector<Run>;

/// y = the elements of x that the runs of each axis select; `outside` where a run is not in x. x
/// has shape x_shape[0:rank]; rank is at most 8. T is any of the four dtypes.
template <class T>
void remap(const T* x, T* y, int rank, const int64_t* x_shape, const Runs* axes, T outside);

/// The derivative along one axis: dx[o, i, :] = the sum of the g[o, j, :] that are taken from i.
/// g is [outer, the length of the runs, inner], dx [outer, n, inner]. T is float or double.
template <class T>
void remap_vjp(const T* g, T* dx, int64_t outer, int64_t n, int64_t inner, const Runs& runs);

}  // namespace gradus::kernels
