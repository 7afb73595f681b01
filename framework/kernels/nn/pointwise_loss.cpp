#include <gradus/framework/kernels/elementwise_loops.h>
#include <gradus/framework/kernels/nn/pointwise_loss.h>
#include <gradus/framework/kernels/nn/sigmoid.h>
#include <gradus/framework/kernels/simd/pow.h>
#include <gradus/framework/kernels/simd/special.h>

#include <limits>

namespace gradus::kernels {
namespace {

/// factor x, 0 where the factor is 0. Selected twice: 0 times infinity would raise a floating-point
/// exception.
template <class B>
B weighed(const B& factor, const B& x) {
  return unless_zero(factor, factor * unless_zero(factor, x));
}

/// x, but 1 where it is 0: for logarithms and powers whose factor is 0 there.
template <class B>
B one_for_zero(const B& x) {
  return detail::select(x == constant<B>(0), constant<B>(1), x);
}

/// x between -bound and bound; NaN stays.
template <class B>
B within(const B& bound, const B& x) {
  return detail::max(-bound, detail::min(bound, x));
}

template <class B>
B log_of_at_least(double least, const B& logarithm) {
  return detail::max(constant<B>(least), logarithm);  // keeps NaN
}

/// log(1 + exp(x)) and log(1 + exp(-x)).
template <class B>
struct Softplus {
  explicit Softplus(const B& x) {
    const B zero = constant<B>(0), rest = detail::log1p(detail::exp(-detail::abs(x)));
    positive = detail::max(zero, x) + rest;
    negative = detail::max(zero, -x) + rest;
  }
  B positive, negative;
};

/// Of a logit x and its target t.
template <class B>
struct Focal {
  Focal(const B& x, const B& t)
      : s(x),
        softplus(x),
        no(constant<B>(1) - t),
        wrong(s.value * no + s.rest * t),
        loss(weighed(t, softplus.negative) + weighed(no, softplus.positive)) {}

  /// The derivative of wrong^gamma loss, from those of `loss` and, times loss, of `wrong`. Where
  /// wrong is 0, so is the loss.
  B derivative(const B& gamma, const B& wrong_slope, const B& loss_slope) const {
    const B rest = detail::pow(one_for_zero(wrong), gamma - constant<B>(1));
    return weighed(weighed(gamma, wrong_slope), rest) +
           weighed(detail::pow(wrong, gamma), loss_slope);
  }

  Sigmoid<B> s;
  Softplus<B> softplus;
  B no, wrong, loss;  // 1 - t, 1 - p_t, and the cross-entropy
};

}  // namespace

constinit const BinaryKernel scaled =
    make_binary([](auto slope, auto g) { return unless_zero(g, g * slope); }, 1);

constinit const BinaryKernel squared_error = make_binary(
    [](auto x, auto t) {
      const auto d = x - t;
      return d * d;
    },
    1);
constinit const TernaryKernel squared_error_vjp =
    make_ternary([](auto x, auto t, auto g) { return unless_zero(g, (g + g) * (x - t)); }, 2);

constinit const BinaryKernel absolute_error =
    make_binary([](auto x, auto t) { return detail::abs(x - t); }, 1);
constinit const TernaryKernel absolute_error_vjp = make_ternary(
    [](auto x, auto t, auto g) {
      const auto d = x - t, zero = constant<decltype(x)>(0);
      const auto below = detail::select(d < zero, -g, d);  // NaN where d is
      return unless_zero(g, detail::select(d > zero, g, below));
    },
    2);

constinit const TernaryKernel huber = make_ternary(
    [](auto x, auto t, auto delta) {
      const auto half = constant<decltype(x)>(0.5), d = detail::abs(x - t);
      return detail::select(d < delta, half * d * d, delta * (d - half * delta));
    },
    3);
constinit const TernaryKernel huber_slope =
    make_ternary([](auto x, auto t, auto delta) { return within(delta, x - t); }, 2);

constinit const TernaryKernel smooth_l1 = make_ternary(
    [](auto x, auto t, auto beta) {
      const auto half = constant<decltype(x)>(0.5), d = detail::abs(x - t);
      return detail::select(d < beta, half * d * d / beta, d - half * beta);
    },
    4);
constinit const TernaryKernel smooth_l1_slope = make_ternary(
    [](auto x, auto t, auto beta) { return within(constant<decltype(x)>(1), (x - t) / beta); }, 3);

constinit const BinaryKernel kl_div =
    make_binary([](auto x, auto t) { return weighed(t, detail::log(one_for_zero(t)) - x); }, 8);
constinit const TernaryKernel kl_div_vjp =
    make_ternary([](auto, auto t, auto g) { return unless_zero(g, -t * g); }, 1);
constinit const TernaryKernel kl_div_target_vjp = make_ternary(
    [](auto x, auto t, auto g) {
      using B = decltype(x);
      // Grows without bound from t = 0 if x is -infinity, where log(t) - x would be NaN.
      const auto forbidden = x == constant<B>(-std::numeric_limits<double>::infinity());
      const B from = detail::select(forbidden, one_for_zero(t), t);
      return unless_zero(g, g * (detail::log(from) + constant<B>(1) - x));
    },
    8);

constinit const BinaryKernel kl_div_of_log = make_binary(
    [](auto x, auto t) {
      const auto p = detail::exp(t);
      return weighed(p, unless_zero(p, t) - unless_zero(p, x));
    },
    6);
constinit const TernaryKernel kl_div_of_log_vjp =
    make_ternary([](auto, auto t, auto g) { return unless_zero(g, -detail::exp(t) * g); }, 6);
constinit const TernaryKernel kl_div_of_log_target_vjp = make_ternary(
    [](auto x, auto t, auto g) {
      const auto p = detail::exp(t), one = constant<decltype(x)>(1);
      return unless_zero(g, g * weighed(p, unless_zero(p, t) - unless_zero(p, x) + one));
    },
    7);

constinit const BinaryKernel binary_cross_entropy = make_binary(
    [](auto x, auto t) {
      const auto one = constant<decltype(x)>(1);
      return (t - one) * log_of_at_least(-100, detail::log1p(-x)) -
             t * log_of_at_least(-100, detail::log(x));
    },
    20);
constinit const TernaryKernel binary_cross_entropy_vjp = make_ternary(
    [](auto x, auto t, auto g) {
      using B = decltype(x);
      // PyTorch has this bound as a float.
      const B variance = detail::max(constant<B>(double{1e-12F}), (constant<B>(1) - x) * x);
      return unless_zero(g, g * (x - t) / variance);
    },
    4);
constinit const TernaryKernel binary_cross_entropy_target_vjp = make_ternary(
    [](auto x, auto, auto g) {
      return unless_zero(g, g * (log_of_at_least(-100, detail::log1p(-x)) -
                                 log_of_at_least(-100, detail::log(x))));
    },
    20);

constinit const TernaryKernel logistic_loss = make_ternary(
    [](auto x, auto t, auto w) {
      const Softplus loss(x);
      return weighed(w * t, loss.negative) + weighed(constant<decltype(x)>(1) - t, loss.positive);
    },
    16);
constinit const TernaryKernel logistic_loss_slope = make_ternary(
    [](auto x, auto t, auto w) {
      const Sigmoid s(x);
      return (constant<decltype(x)>(1) - t) * s.value - w * t * s.rest;
    },
    9);
constinit const TernaryKernel logistic_loss_target_slope = make_ternary(
    [](auto x, auto, auto w) {
      const Softplus loss(x);
      return weighed(w, loss.negative) - loss.positive;
    },
    16);

constinit const TernaryKernel focal_loss = make_ternary(
    [](auto x, auto t, auto gamma) {
      const Focal<decltype(x)> f(x, t);
      return weighed(detail::pow(f.wrong, gamma), f.loss);
    },
    48);
constinit const TernaryKernel focal_loss_slope = make_ternary(
    [](auto x, auto t, auto gamma) {
      const Focal<decltype(x)> f(x, t);
      // s (1 - s) is 0 where the loss is infinite.
      const auto wrong = (f.no - t) * weighed(f.s.value * f.s.rest, f.loss);
      return f.derivative(gamma, wrong, f.no * f.s.value - t * f.s.rest);
    },
    80);
constinit const TernaryKernel focal_loss_target_slope = make_ternary(
    [](auto x, auto t, auto gamma) {
      const Focal<decltype(x)> f(x, t);
      const auto wrong = (f.s.rest - f.s.value) * f.loss;
      return f.derivative(gamma, wrong, f.softplus.negative - f.softplus.positive);
    },
    80);

}  // namespace gradus::kernels
