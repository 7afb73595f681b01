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
using detail::store;

/// One sequence at one step.
template <class T>
void rnn_row(const T* bias, bool relu, int64_t H, T* hidden, T* next_h) {
  const Batch<T> zero(T{0});
  for_batches<T>(0, H, [&](int64_t j, auto lanes) {
    const Batch<T> x = load(hidden + j, lanes) + load(bias + j, lanes);
    const Batch<T> h = relu ? detail::select(x < zero, zero, x) : detail::tanh(x);  // keeps NaN
    store(hidden + j, h, lanes);
    store(next_h + j, h, lanes);
  });
}

/// Its derivative; that of relu at 0 is 0.
template <class T>
void rnn_row_vjp(const T* d_h, const T* hidden, bool relu, int64_t H, T* d_sum) {
  const Batch<T> zero(T{0}), one(T{1});
  for_batches<T>(0, H, [&](int64_t j, auto lanes) {
    const Batch<T> h = load(hidden + j, lanes), g = load(d_h + j, lanes);
    store(d_sum + j, relu ? detail::select(h <= zero, zero, g) : g * (one - h * h), lanes);
  });
}

int64_t row_cost(int64_t H) { return cost_of_products(H * H) + 4 * H; }

}  // namespace

template <class T>
void rnn(const PackedSequences& sequences, const Rnn<T>& l) {
  const int64_t H = l.H;
  const StepMatrix<T> recurrent(sequences, true, H, H, l.weight_hh);
  for_each_block(sequences, row_cost(H), [&](const PackedSequences::Block& block) {
    const StateRows<T> h{block, H, l.h.before, l.h.last};
    h.start(l.h.initial);
    for (int64_t step = 0; step < block.steps(); ++step) {
      const int64_t n = block.active(step);
      T* const hidden = l.hidden + block.first_row(step) * H;
      recurrent.multiply(n, h.before_step(step, 0), T{1}, hidden);
      for (int64_t i = 0; i < n; ++i) {
        rnn_row(l.bias, l.relu, H, hidden + i * H, h.after_step(step, i));
      }
      h.copy_after_step(step, sequences.places(), l.output);
    }
  });
  sequences.clear_padding(l.output, H);
}

template <class T>
void rnn_vjp(const PackedSequences& sequences, const RnnVjp<T>& l) {
  const int64_t H = l.H;
  const StepMatrix<T> recurrent(sequences, false, H, H, l.weight_hh);
  for_each_block(sequences, row_cost(H), [&](const PackedSequences::Block& block) {
    const CarriedGradient<T> d_h(block, H, l.d_h.last);
    for (int64_t step = block.steps() - 1; step >= 0; --step) {
      const int64_t n = block.active(step), row = block.first_row(step);
      d_h.add(step, sequences.places(), l.d_output);
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = row + i;
        rnn_row_vjp(d_h.row(i), l.hidden + at * H, l.relu, H, l.d_sum + at * H);
      }
      if (step > 0 || l.d_h.initial) {
        recurrent.multiply(n, l.d_sum + row * H, T{0}, d_h.row(0));
      }
    }
    d_h.finish(l.d_h.initial);
  });
}

GRADUS_INSTANTIATE_FLOATS(rnn)
GRADUS_INSTANTIATE_FLOATS(rnn_vjp)

}  // namespace gradus::kernels
