#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/nn/recurrent.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/detail/recurrent_call.h>
#include <gradus/framework/ops/nn/recurrent.h>

#include <utility>

namespace gradus {

using detail::added_biases;
using detail::data_or_null;
using detail::input_products;
using detail::mutable_data_or_null;
using detail::RecurrentCall;
using detail::RecurrentSaved;
using detail::weight_gradient;

namespace {

void refuse_projection(const char* operation, const RecurrentWeights& weights) {
  if (!weights.weight_hr.defined()) return;
  throw ValueError(fmt::format("{}: weight_hr is {}, but only lstm() has projections: leave it out",
                               operation, weights.weight_hr.shape().str()));
}

template <class T>
kernels::States<T> states(const Tensor& initial, const Tensor& before, const Tensor& last) {
  return {data_or_null<T>(initial), before.mutable_data<T>(), last.mutable_data<T>()};
}

template <class T>
kernels::StateGradients<T> state_gradients(const Tensor& last, const Tensor& initial) {
  return {data_or_null<T>(last), mutable_data_or_null<T>(initial)};
}

struct RnnBackward {
  RecurrentSaved saved;
  RnnNonlinearity nonlinearity;
  Saved hidden;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const RecurrentCall& call = saved.call;
    const Tensor d_sum = call.empty_rows(call.H);
    const Tensor d_state = needs[5] ? call.empty({call.B, call.H}) : Tensor();
    const Tensor w = *saved.weight_hh, h = *hidden;
    visit_float("rnn", d_sum, [&]<class T>(T) {
      kernels::rnn_vjp<T>(*call.sequences, {.H = call.H,
                                            .relu = nonlinearity == RnnNonlinearity::relu,
                                            .weight_hh = w.data<T>(),
                                            .hidden = h.data<T>(),
                                            .d_output = data_or_null<T>(g[0]),
                                            .d_h = state_gradients<T>(g[1], d_state),
                                            .d_sum = d_sum.mutable_data<T>()});
    });
    std::vector<Gradient> gradients = saved.gradients(d_sum, d_sum, needs);
    gradients.emplace_back(d_state);
    return gradients;
  }
};

struct GruBackward {
  RecurrentSaved saved;
  Saved gates, q;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const RecurrentCall& call = saved.call;
    const Tensor d_input = call.empty_rows(3 * call.H), d_hidden = call.empty_rows(3 * call.H);
    const Tensor d_state = needs[5] ? call.empty({call.B, call.H}) : Tensor();
    const Tensor w = *saved.weight_hh, y = *gates, hidden = *q, h = *saved.h_before;
    visit_float("gru", d_input, [&]<class T>(T) {
      kernels::gru_vjp<T>(*call.sequences, {.H = call.H,
                                            .weight_hh = w.data<T>(),
                                            .gates = y.data<T>(),
                                            .q = hidden.data<T>(),
                                            .h_before = h.data<T>(),
                                            .d_output = data_or_null<T>(g[0]),
                                            .d_h = state_gradients<T>(g[1], d_state),
                                            .d_input = d_input.mutable_data<T>(),
                                            .d_hidden = d_hidden.mutable_data<T>()});
    });
    std::vector<Gradient> gradients = saved.gradients(d_input, d_hidden, needs);
    gradients.emplace_back(d_state);
    return gradients;
  }
};

struct LstmBackward {
  RecurrentSaved saved;
  Saved weight_hr, gates, c_before;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const RecurrentCall& call = saved.call;
    const Tensor d_gates = call.empty_rows(4 * call.H);
    const Tensor hidden = needs[7] ? call.empty_rows(call.H) : Tensor();
    const Tensor d_projected = needs[7] ? call.empty_rows(call.R) : Tensor();
    const Tensor d_h = needs[5] ? call.empty({call.B, call.R}) : Tensor();
    const Tensor d_c = needs[6] ? call.empty({call.B, call.H}) : Tensor();
    const Tensor hh = *saved.weight_hh, hr = *weight_hr, y = *gates, c = *c_before;
    visit_float("lstm", d_gates, [&]<class T>(T) {
      kernels::lstm_vjp<T>(*call.sequences, {.H = call.H,
                                             .R = call.R,
                                             .weight_hh = hh.data<T>(),
                                             .weight_hr = data_or_null<T>(hr),
                                             .gates = y.data<T>(),
                                             .c_before = c.data<T>(),
                                             .d_output = data_or_null<T>(g[0]),
                                             .d_h = state_gradients<T>(g[1], d_h),
                                             .d_c = state_gradients<T>(g[2], d_c),
                                             .d_gates = d_gates.mutable_data<T>(),
                                             .hidden = mutable_data_or_null<T>(hidden),
                                             .d_projected = mutable_data_or_null<T>(d_projected)});
    });
    std::vector<Gradient> gradients = saved.gradients(d_gates, d_gates, needs);
    gradients.emplace_back(d_h);
    gradients.emplace_back(d_c);
    gradients.emplace_back(needs[7] ? weight_gradient(d_projected, hidden) : Tensor());
    return gradients;
  }
};

}  // namespace

RnnResult rnn(const Tensor& x, const RecurrentWeights& weights, RnnNonlinearity nonlinearity,
              const Tensor& state, const RecurrentOptions& options) {
  refuse_projection("rnn", weights);
  RecurrentCall call = RecurrentCall::checked("rnn", 1, x, weights, options);
  call.check_state("state", state, call.H);
  RnnResult y{call.empty({call.B, call.T, call.H}), call.empty({call.B, call.H})};
  call.pack(weights, options);
  const Tensor hidden = input_products(call, x, weights.weight_ih);
  const Tensor before = call.empty_rows(call.H), bias = added_biases(call, weights, call.H);
  visit_float("rnn", x, [&]<class T>(T) {
    kernels::rnn<T>(*call.sequences, {.H = call.H,
                                      .relu = nonlinearity == RnnNonlinearity::relu,
                                      .weight_hh = weights.weight_hh.data<T>(),
                                      .bias = bias.data<T>(),
                                      .hidden = hidden.mutable_data<T>(),
                                      .h = states<T>(state, before, y.state),
                                      .output = y.output.mutable_data<T>()});
  });
  record_joint("rnn", {y.output, y.state},
               {x, weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh, state},
               RnnBackward{{call, x, weights, before}, nonlinearity, Saved(hidden)});
  return y;
}

RnnResult gru(const Tensor& x, const RecurrentWeights& weights, const Tensor& state,
              const RecurrentOptions& options) {
  refuse_projection("gru", weights);
  RecurrentCall call = RecurrentCall::checked("gru", 3, x, weights, options);
  call.check_state("state", state, call.H);
  RnnResult y{call.empty({call.B, call.T, call.H}), call.empty({call.B, call.H})};
  call.pack(weights, options);
  const Tensor gates = input_products(call, x, weights.weight_ih);
  const Tensor before = call.empty_rows(call.H), q = call.empty_rows(call.H);
  const Tensor bias = added_biases(call, weights, 2 * call.H);
  const Tensor bias_hn = weights.bias_hh.defined() ? weights.bias_hh : zeros_like(bias);
  visit_float("gru", x, [&]<class T>(T) {
    kernels::gru<T>(*call.sequences, {.H = call.H,
                                      .weight_hh = weights.weight_hh.data<T>(),
                                      .bias = bias.data<T>(),
                                      .bias_hn = bias_hn.data<T>() + 2 * call.H,
                                      .gates = gates.mutable_data<T>(),
                                      .q = q.mutable_data<T>(),
                                      .h = states<T>(state, before, y.state),
                                      .output = y.output.mutable_data<T>()});
  });
  record_joint("gru", {y.output, y.state},
               {x, weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh, state},
               GruBackward{{call, x, weights, before}, Saved(gates), Saved(q)});
  return y;
}

LstmState LstmState::select(const Tensor& ids) const {
  const auto rows = [&](const Tensor& x) { return x.defined() ? index_select(x, -2, ids) : x; };
  return {rows(h), rows(c)};
}

LstmResult lstm(const Tensor& x, const RecurrentWeights& weights, const LstmState& state,
                const RecurrentOptions& options) {
  RecurrentCall call = RecurrentCall::checked("lstm", 4, x, weights, options);
  call.check_state("state.h", state.h, call.R);
  call.check_state("state.c", state.c, call.H);
  LstmResult y{call.empty({call.B, call.T, call.R}),
               {call.empty({call.B, call.R}), call.empty({call.B, call.H})}};
  call.pack(weights, options);
  const Tensor gates = input_products(call, x, weights.weight_ih);
  const Tensor h_before = call.empty_rows(call.R), c_before = call.empty_rows(call.H);
  const Tensor bias = added_biases(call, weights, 4 * call.H);
  visit_float("lstm", x, [&]<class T>(T) {
    kernels::lstm<T>(*call.sequences, {.H = call.H,
                                       .R = call.R,
                                       .weight_hh = weights.weight_hh.data<T>(),
                                       .weight_hr = data_or_null<T>(weights.weight_hr),
                                       .bias = bias.data<T>(),
                                       .gates = gates.mutable_data<T>(),
                                       .h = states<T>(state.h, h_before, y.state.h),
                                       .c = states<T>(state.c, c_before, y.state.c),
                                       .output = y.output.mutable_data<T>()});
  });
  record_joint(
      "lstm", {y.output, y.state.h, y.state.c},
      {x, weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh, state.h, state.c,
       weights.weight_hr},
      LstmBackward{
          {call, x, weights, h_before}, Saved(weights.weight_hr), Saved(gates), Saved(c_before)});
  return y;
}

}  // namespace gradus
