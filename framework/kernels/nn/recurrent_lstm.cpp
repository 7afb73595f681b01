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

/// The gates of some units of a row [4 H].
template <class T>
struct Gates {
  Batch<T> i, f, g, o;

  /// c' = f c + i g
  Batch<T> cell(const Batch<T>& c) const { return multiply_add(f, c, i * g); }
};

template <class T, class Lanes>
Gates<T> load_gates(const T* row, int64_t H, int64_t j, Lanes lanes) {
  return {load(row + j, lanes), load(row + H + j, lanes), load(row + 2 * H + j, lanes),
          load(row + 3 * H + j, lanes)};
}

template <class T, class Lanes>
void store_gates(T* row, int64_t H, int64_t j, Lanes lanes, const Gates<T>& gates) {
  store(row + j, gates.i, lanes);
  store(row + H + j, gates.f, lanes);
  store(row + 2 * H + j, gates.g, lanes);
  store(row + 3 * H + j, gates.o, lanes);
}

/// One sequence at one step.
template <class T>
void lstm_row(const T* bias, const T* c, int64_t H, T* gates, T* next_c, T* next_h) {
  for_batches<T>(0, H, [&](int64_t j, auto lanes) {
    const Gates<T> x = load_gates(gates, H, j, lanes), b = load_gates(bias, H, j, lanes);
    const Gates<T> y = {detail::sigmoid(x.i + b.i), detail::sigmoid(x.f + b.f),
                        detail::tanh(x.g + b.g), detail::sigmoid(x.o + b.o)};
    const Batch<T> cell = y.cell(load(c + j, lanes));
    store_gates(gates, H, j, lanes, y);
    store(next_c + j, cell, lanes);
    store(next_h + j, y.o * detail::tanh(cell), lanes);
  });
}

/// Its derivative: d_c becomes the gradient of c; h' is computed again unless `hidden` is null.
template <class T>
void lstm_row_vjp(const T* d_h, const T* gates, const T* c, int64_t H, T* d_c, T* d_gates,
                  T* hidden) {
  const Batch<T> one(T{1});
  for_batches<T>(0, H, [&](int64_t j, auto lanes) {
    const Gates<T> y = load_gates(gates, H, j, lanes);
    const Batch<T> before = load(c + j, lanes), tanh_c = detail::tanh(y.cell(before));
    const Batch<T> g = load(d_h + j, lanes);
    const Batch<T> d_cell = multiply_add(g * y.o, one - tanh_c * tanh_c, load(d_c + j, lanes));
    store_gates(d_gates, H, j, lanes,
                {d_cell * y.g * y.i * (one - y.i), d_cell * before * y.f * (one - y.f),
                 d_cell * y.i * (one - y.g * y.g), g * tanh_c * y.o * (one - y.o)});
    store(d_c + j, d_cell * y.f, lanes);
    if (hidden) store(hidden + j, y.o * tanh_c, lanes);
  });
}

int64_t row_cost(int64_t H, int64_t R) { return cost_of_products(4 * H * R) + 12 * H; }

}  // namespace

template <class T>
void lstm(const PackedSequences& sequences, const Lstm<T>& l) {
  const int64_t H = l.H, R = l.R;
  const StepMatrix<T> recurrent(sequences, true, R, 4 * H, l.weight_hh);
  std::optional<StepMatrix<T>> projection;
  if (l.weight_hr) projection.emplace(sequences, true, H, R, l.weight_hr);
  for_each_block(sequences, row_cost(H, R), [&](const PackedSequences::Block& block) {
    const StateRows<T> h{block, R, l.h.before, l.h.last}, c{block, H, l.c.before, l.c.last};
    h.start(l.h.initial);
    c.start(l.c.initial);
    const Scratch<T> hidden(projection ? block.size() * H : 0);
    const Scratch<T> projected(projection ? block.size() * R : 0);
    for (int64_t step = 0; step < block.steps(); ++step) {
      const int64_t n = block.active(step);
      T* const gates = l.gates + block.first_row(step) * 4 * H;
      recurrent.multiply(n, h.before_step(step, 0), T{1}, gates);
      for (int64_t i = 0; i < n; ++i) {
        T* const next_h = projection ? hidden.data() + i * H : h.after_step(step, i);
        lstm_row(l.bias, c.before_step(step, i), H, gates + i * 4 * H, c.after_step(step, i),
                 next_h);
      }
      if (projection) {
        projection->multiply(n, hidden.data(), T{0}, projected.data());
        for (int64_t i = 0; i < n; ++i)
          std::copy_n(projected.data() + i * R, R, h.after_step(step, i));
      }
      h.copy_after_step(step, sequences.places(), l.output);
    }
  });
  sequences.clear_padding(l.output, R);
}

template <class T>
void lstm_vjp(const PackedSequences& sequences, const LstmVjp<T>& l) {
  const int64_t H = l.H, R = l.R;
  const StepMatrix<T> recurrent(sequences, false, 4 * H, R, l.weight_hh);
  std::optional<StepMatrix<T>> projection;
  if (l.weight_hr) projection.emplace(sequences, false, R, H, l.weight_hr);
  for_each_block(sequences, row_cost(H, R), [&](const PackedSequences::Block& block) {
    const CarriedGradient<T> d_h(block, R, l.d_h.last), d_c(block, H, l.d_c.last);
    const Scratch<T> d_hidden(projection ? block.size() * H : 0);
    for (int64_t step = block.steps() - 1; step >= 0; --step) {
      const int64_t n = block.active(step), row = block.first_row(step);
      d_h.add(step, sequences.places(), l.d_output);
      if (projection) {
        if (l.d_projected) std::copy_n(d_h.row(0), n * R, l.d_projected + row * R);
        projection->multiply(n, d_h.row(0), T{0}, d_hidden.data());
      }
      for (int64_t i = 0; i < n; ++i) {
        const int64_t at = row + i;
        lstm_row_vjp(projection ? d_hidden.data() + i * H : d_h.row(i), l.gates + at * 4 * H,
                     l.c_before + at * H, H, d_c.row(i), l.d_gates + at * 4 * H,
                     l.hidden ? l.hidden + at * H : nullptr);
      }
      if (step > 0 || l.d_h.initial) {
        recurrent.multiply(n, l.d_gates + row * 4 * H, T{0}, d_h.row(0));
      }
    }
    d_h.finish(l.d_h.initial);
    d_c.finish(l.d_c.initial);
  });
}

GRADUS_INSTANTIATE_FLOATS(lstm)
GRADUS_INSTANTIATE_FLOATS(lstm_vjp)

}  // namespace gradus::kernels
