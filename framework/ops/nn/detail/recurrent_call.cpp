#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/nn/detail/recurrent_call.h>

namespace gradus::detail {
namespace {

void check_dtypes(const char* operation, const Tensor& x, const RecurrentWeights& w) {
  if (!is_floating(x.dtype())) throw_not_floating(operation, x.dtype());
  const auto check = [&](const char* name, const Tensor& weight) {
    if (weight.defined()) check_same_dtype(operation, "x", x, name, weight);
  };
  check("weight_ih", w.weight_ih);
  check("weight_hh", w.weight_hh);
  check("bias_ih", w.bias_ih);
  check("bias_hh", w.bias_hh);
  check("weight_hr", w.weight_hr);
}

void check_bias(const char* operation, const char* name, const Tensor& bias, const Tensor& weight) {
  if (!bias.defined() || bias.shape() == Shape{weight.size(0)}) return;
  throw ShapeError(fmt::format("{}: {} is {}, it must be [{}], as weight_ih is {}", operation, name,
                               bias.shape().str(), weight.size(0), weight.shape().str()));
}

void check_weights(const char* operation, std::int64_t gates, const RecurrentWeights& w) {
  const Tensor &ih = w.weight_ih, &hh = w.weight_hh, &hr = w.weight_hr;
  const bool matrices = ih.dim() == 2 && hh.dim() == 2 && ih.size(0) == hh.size(0) &&
                        ih.size(0) > 0 && ih.size(0) % gates == 0;
  const std::int64_t H = matrices ? hh.size(0) / gates : 0;
  if (!matrices || (!hr.defined() && hh.size(1) != H)) {
    const std::string rows = gates == 1 ? "H" : fmt::format("{} H", gates);
    throw ShapeError(
        fmt::format("{}: weight_ih is {}, weight_hh is {}: they must be [{}, features] and [{}, H] "
                    "for a hidden size H > 0",
                    operation, ih.shape().str(), hh.shape().str(), rows, rows));
  }
  if (hr.defined() && (hr.shape() != Shape{hh.size(1), H} || hh.size(1) == 0)) {
    throw ShapeError(
        fmt::format("{}: weight_hr is {}, weight_hh is {}: a projection must be [P, H] and go with "
                    "a weight_hh [{} H, P], P > 0",
                    operation, hr.shape().str(), hh.shape().str(), gates));
  }
  check_bias(operation, "bias_ih", w.bias_ih, ih);
  check_bias(operation, "bias_hh", w.bias_hh, ih);
}

void check_input(const char* operation, const Tensor& x, const Tensor& weight_ih) {
  if (x.dim() != 3) {
    throw ShapeError(fmt::format(
        "{}: x is {}, it must be 3-D [batch, time, features]: unsqueeze() adds an axis of size 1",
        operation, x.shape().str()));
  }
  if (x.size(2) != weight_ih.size(1)) {
    throw ShapeError(fmt::format("{}: x is {}, its last axis must be {}, as weight_ih is {}",
                                 operation, x.shape().str(), weight_ih.size(1),
                                 weight_ih.shape().str()));
  }
}

/// The elements of x as rows [rows, features].
Tensor packed(const RecurrentCall& call, const Tensor& x) {
  Tensor rows = call.empty_rows(call.features);
  visit_float("recurrent", x, [&]<class E>(E) {
    call.sequences->pack(x.data<E>(), call.features, rows.mutable_data<E>());
  });
  return rows;
}

/// left [rows, k] times right, which is [n, k] if transposed, else [k, n].
Tensor product(const Tensor& left, bool transposed, const Tensor& right) {
  const std::int64_t rows = left.size(0), k = left.size(1), n = right.size(transposed ? 0 : 1);
  Tensor result = empty({rows, n}, left.dtype());
  visit_float("recurrent", left, [&]<class E>(E) {
    kernels::gemm<E>(false, transposed, rows, n, k, 1, left.data<E>(), k, right.data<E>(),
                     right.size(1), 0, result.mutable_data<E>(), n);
  });
  return result;
}

Tensor input_gradient(const RecurrentCall& call, const Tensor& d_products,
                      const Tensor& weight_ih) {
  const Tensor rows = product(d_products, false, weight_ih);
  Tensor d_x = call.empty({call.B, call.T, call.features});
  visit_float("recurrent", d_x, [&]<class E>(E) {
    E* to = d_x.mutable_data<E>();
    call.sequences->unpack(rows.data<E>(), call.features, to);
    call.sequences->clear_padding(to, call.features);
  });
  return d_x;
}

Tensor bias_gradient(const Tensor& g) {
  Tensor sum = empty({g.size(1)}, g.dtype());
  visit_float("recurrent", g, [&]<class E>(E) {
    kernels::sum(g.data<E>(), sum.mutable_data<E>(), 1, g.size(0), g.size(1));
  });
  return sum;
}

}  // namespace

RecurrentCall RecurrentCall::checked(const char* operation, std::int64_t gates, const Tensor& x,
                                     const RecurrentWeights& w, const RecurrentOptions& options) {
  check_defined(operation, {{"x", x}, {"weight_ih", w.weight_ih}, {"weight_hh", w.weight_hh}});
  check_dtypes(operation, x, w);
  check_weights(operation, gates, w);
  check_input(operation, x, w.weight_ih);
  check_lengths(operation, options.lengths, x);
  return {.operation = operation,
          .B = x.size(0),
          .T = x.size(1),
          .features = x.size(2),
          .G = gates,
          .H = w.weight_hh.size(0) / gates,
          .R = w.weight_hh.size(1),
          .dtype = x.dtype()};
}

void RecurrentCall::pack(const RecurrentWeights& weights, const RecurrentOptions& options) {
  using kernels::PackedSequences;
  const std::int64_t bytes = weights.weight_hh.numel() * item_size(dtype);
  sequences = std::make_shared<const PackedSequences>(data_or_null<std::int64_t>(options.lengths),
                                                      B, T, options.reverse,
                                                      PackedSequences::block_size(B, T, bytes));
}

void RecurrentCall::check_state(const char* name, const Tensor& state, std::int64_t width) const {
  if (!state.defined()) return;
  if (state.dtype() != dtype) {
    throw DTypeError(fmt::format("{}: {} is {}, x is {}: convert one with to()", operation, name,
                                 gradus::name(state.dtype()), gradus::name(dtype)));
  }
  if (state.shape() == Shape{B, width}) return;
  throw ShapeError(fmt::format("{}: {} is {}, it must be [{}, {}]: one row for each sequence",
                               operation, name, state.shape().str(), B, width));
}

Tensor RecurrentCall::empty(const Shape& shape) const {
  return empty_sized(operation, shape, dtype);
}

Tensor input_products(const RecurrentCall& call, const Tensor& x, const Tensor& weight_ih) {
  return product(packed(call, x), true, weight_ih);
}

Tensor added_biases(const RecurrentCall& call, const RecurrentWeights& weights,
                    std::int64_t hidden) {
  Tensor sum = zeros({call.G * call.H}, call.dtype);
  visit_float("recurrent", sum, [&]<class E>(E) {
    E* to = sum.mutable_data<E>();
    if (weights.bias_ih.defined()) {
      const E* from = weights.bias_ih.data<E>();
      for (std::int64_t i = 0; i < sum.numel(); ++i) to[i] += from[i];
    }
    if (weights.bias_hh.defined()) {
      const E* from = weights.bias_hh.data<E>();
      for (std::int64_t i = 0; i < hidden; ++i) to[i] += from[i];
    }
  });
  return sum;
}

Tensor weight_gradient(const Tensor& left, const Tensor& right) {
  const std::int64_t rows = left.size(0), m = left.size(1), n = right.size(1);
  Tensor gradient = empty({m, n}, left.dtype());
  visit_float("recurrent", left, [&]<class E>(E) {
    kernels::gemm<E>(true, false, m, n, rows, 1, left.data<E>(), m, right.data<E>(), n, 0,
                     gradient.mutable_data<E>(), n);
  });
  return gradient;
}

std::vector<Gradient> RecurrentSaved::gradients(const Tensor& d_input, const Tensor& d_hidden,
                                                Needs needs) const {
  std::vector<Gradient> all(5);
  if (needs[0]) all[0] = input_gradient(call, d_input, *weight_ih);
  if (needs[1]) all[1] = weight_gradient(d_input, packed(call, *x));
  if (needs[2]) all[2] = weight_gradient(d_hidden, *h_before);
  if (needs[3]) all[3] = bias_gradient(d_input);
  if (needs[4]) {
    const bool same = needs[3] && d_hidden.is_same(d_input);
    all[4] = same ? all[3] : bias_gradient(d_hidden);
  }
  return all;
}

}  // namespace gradus::detail
