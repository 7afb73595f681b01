#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/nn/recurrent.h>
#include <gradus/framework/kernels/nn/recurrent_steps.h>
#include <gradus/framework/kernels/simd/lanes.h>
#include <gradus/framework/kernels/simd/math.h>

namespace gradus::kernels {
namespace {

using detail::Batch;
using detail::for_batches;
using detail::load;
using detail::multiply_add;
using detail::store;

/// One sequence at one step; `products` [3 H] are those of h.
template <class T>
void gru_row(const Gru<T>& layer, const T* products, const T* h, T* gates, T* q, T* next_h) {
  const int64_t H = layer.H;
  const T *const bias = layer.bias, *const bias_hn = layer.bias_hn;
  for_batches<T>(0, H, [&](int64_t j, auto lanes) {
    const auto sum = [&](int64_t i) { return load(gates + i, lanes) + load(bias + i, lanes); };
    const Batch<T> r = detail::sigmoid(sum(j) + load(products + j, lanes));
    const Batch<T> z = detail::sigmoid(sum(H + j) + load(products + H + j, lanes));
    const Batch<T> hidden = load(products + 2 * H + j, lanes) + load(bias_hn + j, lanes);
    const Batch<T> n = detail::tanh(multiply_add(r, hidden, sum(2 * H + j)));
    store(gates + j, r, lanes);
    store(gates + H + j, z, lanes);
    store(gates + 2 * H + j, n, lanes);
    store(q + j, hidden, lanes);
    store(next_h + j, multiply_add(z, load(h + j, lanes) - n, n), lanes);
  });
}

/// Its derivative: d_h becomes the gradient of h but for what comes through the products.
template <class T>
void gru_row_vjp(const T* gates, const T* q, const T* h, int64_t H, T* d_h, T* d_input,
                 T* d_hidden) {
  const Batch<T> one(T{1});
  for_batches<T>(0, H, [&](int64_t j, auto lanes) {
    const Batch<T> r = load(gates + j, lanes), z = load(gates + H + j, lanes);
    const Batch<T> n = load(gates + 2 * H + j, lanes), g = load(d_h + j, lanes);
    const Batch<T> d_n = g * (one - z) * (one - n * n);
    const Batch<T> d_r = d_n * load(q + j, lanes) * r * (one - r);
    const Batch<T> d_z = g * (load(h + j, lanes) - n) * z * (one - z);
    for (T* to : {d_input, d_hidden}) {
      store(to + j, d_r, lanes);
      store(to + H + j, d_z, lanes);
    }
    store(d_input + 2 * H + j, d_n, lanes);
    store(d_hidden + 2 * H + j, d_n * r, lanes);
    store(d_h + j, g * z, lanes);
  });
}

int64_t row_cost(int64_t H) { return cost_of_products(3 * H * H) + 10 * H; }

}  // namespace

template <class T>
void gru(const PackedSequences& sequences, const Gru<T>& l) {
  const int64_t H = l.H;
  const StepMatrix<T> recurrent(sequences, true, H, 3 * H, l.weight_hh);
  for_each_block(sequences, row_cost(H), [&](const PackedSequences::Block& block) {
    const StateRows<T> h{block, H, l.h.before, l.h.last};
    h.start(l.h.initial);
    const Scratch<T> products(block.size() * 3 * H);
    for (int64_t step = 0; step < block.steps(); ++step) {
      const int64_t n = block.active(step), row = block.first_row(step);
      recurrent.multiply(n, h.before_step(step, 0), T{0}, products.data());
      for (int64_t i = 0; i < n; ++i) {
        gru_row(l, products.data() + i * 3 * H, h.before_step(step, i), l.gates + (row + i) * 3 * H,
                l.q + (row + i) * H, h.after_step(step, i));
      }
      h.copy_after_step(step, sequences.places(), l.output);
    }
  });
  sequences.clear_padding(l.output, H);
}

template <class T>
void gru_vjp(const PackedSequences& sequences, const GruVjp<T>& l) {
  const int64_t H = l.H;
  const StepMatrix<T> recurrent(sequences, false, 3 * H, H, l.weight_hh);
  for_each_block(sequences, row_cost(H), [&](const PackedSequences::Block& block) {
    const CarriedGradient<T> d_h(block, H, l.d_h.last);
    for (int64_t step = block.steps() - 1; step >= 0; --step) {
      const int64_t n = block.active(step), row = block.first_row(step);
      d_h.add(step, sequences.places(), l.d_output);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = row + i;
        gru_row_vjp(l.gates + at * 3 * H, l.q + at * H, l.h_before + at * H, H, d_h.row(i),
                    l.d_input + at * 3 * H, l.d_hidden + at * 3 * H);
      }
      if (step > 0 || l.d_h.initial) {
        recurrent.multiply(n, l.d_hidden + row * 3 * H, T{1}, d_h.row(0));
      }
    }
    d_h.finish(l.d_h.initial);
  });
}

GRADUS_INSTANTIATE_FLOATS(gru)
GRADUS_INSTANTIATE_FLOATS(gru_vjp)

}  // namespace gradus::kernels
