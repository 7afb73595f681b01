#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/nn/convolution.h>
#include <gradus/framework/kernels/nn/convolution_windows.h>
#include <gradus/framework/kernels/nn/greatest.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <cstdint>

namespace gradus::kernels {
namespace {

/// Calls f(w, e, n) for what the window of one element of y holds of x: n elements from e on of x,
/// under n elements from w on of a weight [y.C, K, inputs].
template <class F>
void for_window(const Convolution& c, int64_t b, int64_t o, int64_t place, const F& f) {
  const int64_t inputs = c.inputs(), first = place * c.stride - c.padding;
  const int64_t length = c.x.length(b), sequence = b * c.x.T * c.x.C + o / c.outputs() * inputs;
  const int64_t weight = o * c.K * inputs;
  if (c.dilation == 1 && c.groups == 1) {
    const int64_t begin = std::max<int64_t>(-first, 0), end = std::min(c.K, length - first);
    if (begin >= end) return;
    return f(weight + begin * inputs, sequence + (first + begin) * inputs, (end - begin) * inputs);
  }
  for (int64_t k = 0; k < c.K; ++k) {
    const int64_t s = first + k * c.dilation;
    if (s >= 0 && s < length) f(weight + k * inputs, sequence + s * c.x.C, inputs);
  }
}

template <class T>
void add_multiple(T factor, const T* from, T* to, int64_t n) {
  const T* __restrict x = from;
  T* __restrict y = to;
  for (int64_t i = 0; i < n; ++i) y[i] += factor * x[i];
}

template <class T>
void input_gradient(const Convolution& c, const T* weight, const int64_t* places, const T* d_y,
                    T* d_x) {
  const Scratch<T> by_tap(c.y.C * c.K * c.inputs());
  weight_by_tap(c, weight, by_tap.data());
  const int64_t size = c.x.T * c.x.C;
  parallel_for_each(c.y.B, c.y.C * c.K * c.inputs() / 4 + size, [&](int64_t b) {
    std::fill_n(d_x + b * size, size, T{0});
    for (int64_t o = 0; o < c.y.C; ++o) {
      const int64_t place = places[b * c.y.C + o];
      const T g = d_y[b * c.y.C + o];
      if (place < 0 || g == T{0}) continue;
      for_window(c, b, o, place, [&](int64_t w, int64_t e, int64_t n) {
        add_multiple(g, by_tap.data() + w, d_x + e, n);
      });
    }
  });
}

template <class T>
void weight_gradient(const Convolution& c, const T* x, const int64_t* places, const T* d_y,
                     T* d_weight) {
  const int64_t size = c.K * c.inputs();
  const Scratch<T> by_tap(c.y.C * size);
  parallel_for_each(c.y.C, c.y.B * (size / 4 + 4) + size, [&](int64_t o) {
    std::fill_n(by_tap.data() + o * size, size, T{0});
    for (int64_t b = 0; b < c.y.B; ++b) {
      const int64_t place = places[b * c.y.C + o];
      const T g = d_y[b * c.y.C + o];
      if (place < 0 || g == T{0}) continue;
      for_window(c, b, o, place, [&](int64_t w, int64_t e, int64_t n) {
        add_multiple(g, x + e, by_tap.data() + w, n);
      });
    }
    transpose_block(by_tap.data() + o * size, c.inputs(), d_weight + o * size, c.K, c.K,
                    c.inputs());
  });
}

template <class T>
void bias_gradient(const Convolution& c, const int64_t* places, const T* d_y, T* d_bias) {
  parallel_for_each(c.y.C, 2 * c.y.B + 1, [=, &c](int64_t o) {
    double sum = 0;
    for (int64_t b = 0; b < c.y.B; ++b) {
      const int64_t i = b * c.y.C + o;
      if (places[i] >= 0) sum += static_cast<double>(d_y[i]);
    }
    d_bias[o] = static_cast<T>(sum);
  });
}

}  // namespace

template <class T>
void conv1d_relu_max(const Convolution& c, const T* x, const T* weight, const T* bias, T* y,
                     int64_t* places) {
  const Scratch<T> by_tap(c.y.C * c.K * c.inputs());
  weight_by_tap(c, weight, by_tap.data());
  const WindowProducts<T> products(c.x, c.y, taps_in_x(c), c.groups, true, by_tap.data());
  const SequenceRows rows(c.y);
  const int64_t width = c.y.C;
  const int64_t together = std::max<int64_t>(products.tile() / std::max<int64_t>(c.y.T, 1), 1);
  const int64_t units = (c.y.B + together - 1) / together;
  parallel_for_each(units, products.cost(together * c.y.T), [&](int64_t i) {
    const int64_t begin = i * together, end = std::min(begin + together, c.y.B);
    std::fill(y + begin * width, y + end * width, T{0});
    std::fill(places + begin * width, places + end * width, int64_t{-1});
    const Greatest<T> greatest(width, T{0});
    const auto take = [&](int64_t row, int64_t n, const T* sums) {
      rows.for_each_part(row, row + n, [&](int64_t j, int64_t b, int64_t t, int64_t m) {
        greatest.find(m, sums + j * width, width, bias);
        greatest.merge_into(y + b * width, places + b * width, t, 1);
      });
    };
    products.for_each_tile(rows, rows.first(begin), rows.first(end), x, take);
  });
}

template <class T>
void conv1d_relu_max_vjp(const Convolution& c, const T* x, const T* weight, const int64_t* places,
                         const T* d_y, const ConvReluMaxGradients<T>& to) {
  if (to.x) input_gradient(c, weight, places, d_y, to.x);
  if (to.weight) weight_gradient(c, x, places, d_y, to.weight);
  if (to.bias) bias_gradient(c, places, d_y, to.bias);
}

GRADUS_INSTANTIATE_FLOATS(conv1d_relu_max)
GRADUS_INSTANTIATE_FLOATS(conv1d_relu_max_vjp)

}  // namespace gradus::kernels
