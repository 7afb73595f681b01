#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/convolution.h>
#include <gradus/framework/kernels/nn/convolution_windows.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

/// sum [y.C, K, inputs] += the products of d_y at rows [begin, end) and the windows there.
template <class T>
void add_weight_gradient(const Convolution& c, const SequenceRows& rows, int64_t begin, int64_t end,
                         const T* x, const T* d_y, T* sum) {
  const int64_t window = c.K * c.inputs(), tile = tile_length(window);
  const Scratch<T> windows(tile * window), gradients(tile * c.y.C);
  for (int64_t row = begin; row < end; row += tile) {
    const int64_t n = std::min(tile, end - row);
    copy_windows(rows, row, row + n, {1, 1, 1, 0, 1}, c.y, d_y, 0, c.y.C, gradients.data());
    for (int64_t i = 0; i < c.groups; ++i) {
      const int64_t o = i * c.outputs();
      copy_windows(rows, row, row + n, taps_in_x(c), c.x, x, i * c.inputs(), c.inputs(),
                   windows.data());
      packed_gemm<T>(true, false, c.outputs(), window, n, T{1}, gradients.data() + o, c.y.C,
                     windows.data(), window, T{1}, sum + o * window, window);
    }
  }
}

}  // namespace

template <class T>
void conv1d(const Convolution& c, const T* x, const T* weight, const T* bias, T* y) {
  const Scratch<T> by_tap(c.y.C * c.K * c.inputs());
  weight_by_tap(c, weight, by_tap.data());
  const WindowProducts<T> products(c.x, c.y, taps_in_x(c), c.groups, true, by_tap.data());
  products.run(x, bias, y);
}

template <class T>
void conv1d_transposed(const Convolution& c, const T* y, const T* weight, const T* bias, T* x) {
  const Scratch<T> from_last(c.y.C * c.K * c.inputs());
  weight_from_last_tap(c, weight, from_last.data());
  const WindowProducts<T> products(c.y, c.x, taps_in_y(c), c.groups, false, from_last.data());
  products.run(y, bias, x);
}

template <class T>
void conv1d_weight_gradient(const Convolution& c, const T* x, const T* d_y, T* d_weight) {
  const SequenceRows rows(c.y);
  const int64_t window = c.K * c.inputs(), size = c.y.C * window, tile = tile_length(window);
  constexpr int64_t most_parts = 8;  // each with a sum of its own
  const int64_t length = std::max(2 * tile, (rows.count() / most_parts / tile + 1) * tile);
  const int64_t parts = std::max<int64_t>((rows.count() + length - 1) / length, 1);
  const Scratch<T> sums(parts * size);
  parallel_for_each(parts, cost_of_rows(length, size), [&](int64_t i) {
    T* sum = sums.data() + i * size;
    std::fill_n(sum, size, T{0});
    add_weight_gradient(c, rows, i * length, std::min((i + 1) * length, rows.count()), x, d_y, sum);
  });
  parallel_for_each(c.y.C, parts * window, [&](int64_t o) {
    T* __restrict sum = sums.data() + o * window;
    for (int64_t i = 1; i < parts; ++i) {
      const T* __restrict addend = sum + i * size;
      for (int64_t j = 0; j < window; ++j) sum[j] += addend[j];
    }
    transpose_block(sum, c.inputs(), d_weight + o * window, c.K, c.K, c.inputs());
  });
}

template <class T>
void sum_elements(const Sequences& sequences, const T* x, T* sum) {
  const auto& [B, length, C, lengths] = sequences;
  const Scratch<T> sums(B * C);
  for (int64_t b = 0; b < B; ++b) {
    kernels::sum(x + b * length * C, sums.data() + b * C, 1, sequences.length(b), C);
  }
  kernels::sum(sums.data(), sum, 1, B, C);
}

GRADUS_INSTANTIATE_FLOATS(conv1d)
GRADUS_INSTANTIATE_FLOATS(conv1d_transposed)
GRADUS_INSTANTIATE_FLOATS(conv1d_weight_gradient)
GRADUS_INSTANTIATE_FLOATS(sum_elements)

}  // namespace gradus::kernels
