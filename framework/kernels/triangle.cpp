#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/triangle.h>

#include <algorithm>

namespace gradus::kernels {

template <class T>
void triangle(const T* x, T* y, int64_t count, int64_t rows, int64_t columns, int64_t k,
              bool upper) {
  k = std::clamp(k, -rows, columns);  // beyond this range there are no elements
  parallel_for_each(count * rows, columns / 2 + 4, [=](int64_t row) {
    const T* from = x + row * columns;
    T* to = y + row * columns;
    const int64_t border = std::clamp<int64_t>(row % rows + k + (upper ? 0 : 1), 0, columns);
    if (upper) {
      std::fill(to, to + border, T{0});
      std::copy(from + border, from + columns, to + border);
    } else {
      std::copy(from, from + border, to);
      std::fill(to + border, to + columns, T{0});
    }
  });
}

namespace {

/// Calls f(offset in the large tensor, offset in the diagonals) for each element.
template <class F>
void for_each_place(const Diagonal& d, F f) {
  const int64_t row_stride = d.b * d.n1 * d.c;
  const int64_t step = row_stride + d.c;
  parallel_for_each(d.a * d.b * d.c, d.length * 2 + 4, [=](int64_t i) {
    const int64_t a = i / (d.b * d.c), b = i / d.c % d.b, c = i % d.c;
    int64_t place = a * d.n0 * row_stride + d.row * row_stride + (b * d.n1 + d.column) * d.c + c;
    for (int64_t k = i * d.length; k < (i + 1) * d.length; ++k, place += step) f(place, k);
  });
}

}  // namespace

template <class T>
void take_diagonal(const T* x, T* y, const Diagonal& d) {
  for_each_place(d, [=](int64_t place, int64_t k) { y[k] = x[place]; });
}

template <class T>
void set_diagonal(const T* x, T* y, const Diagonal& d) {
  for_each_place(d, [=](int64_t place, int64_t k) { y[place] = x[k]; });
}

template <class T>
void add_diagonal(const T* x, T* y, const Diagonal& d) {
  for_each_place(d, [=](int64_t place, int64_t k) { y[place] += x[k]; });
}

GRADUS_INSTANTIATE_ALL(triangle)
GRADUS_INSTANTIATE_ALL(take_diagonal)
GRADUS_INSTANTIATE_ALL(set_diagonal)
GRADUS_INSTANTIATE_FLOATS(add_diagonal)

}  // namespace gradus::kernels
