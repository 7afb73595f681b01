#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/kernels/nn/pointwise_loss.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/binary_cross_entropy.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/power.h>

#include <cmath>
#include <vector>

namespace gradus {

using detail::map;
using detail::map_over;

namespace {

void check(const char* operation, const Tensor& x, const Tensor& target) {
  detail::check_pair(operation, "x", x, "target", target);
}

void check_weight(const char* operation, const char* argument, const Tensor& weight,
                  const Tensor& x) {
  if (!weight.defined()) return;
  detail::check_dtypes(operation, argument, weight, "x", x);
  if (!broadcastable(weight.shape(), x.shape()) ||
      broadcast_shapes(weight.shape(), x.shape(), operation) != x.shape()) {
    throw ShapeError(fmt::format("{}: {} {} does not broadcast to x {}", operation, argument,
                                 weight.shape().str(), x.shape().str()));
  }
  detail::check_no_gradient(operation, argument, weight);
}

void check_probabilities(const char* operation, const Tensor& x) {
  visit_float(operation, x, [&]<class T>(T) {
    const T* p = x.data<T>();
    for (std::int64_t i = 0; i < x.numel(); ++i) {
      if (!(p[i] < 0 || p[i] > 1)) continue;  // NaN passes
      throw ValueError(
          fmt::format("{}: x is {} at position {}, outside [0, 1]: for logits use "
                      "binary_cross_entropy_with_logits()",
                      operation, p[i], detail::position(x.shape(), i)));
    }
  });
}

/// The losses of the elements times their weight, reduced.
Tensor weighed(const char* operation, const Tensor& losses, const Tensor& weight,
               Reduction reduction) {
  return detail::reduced(
      weight.defined() ? map_over(operation, losses, weight, kernels::scaled) : losses, reduction,
      static_cast<double>(losses.numel()));
}

/// What the derivatives of the elements are multiplied by; broadcasts to their shape.
Tensor weighed_scale(const char* operation, const Tensor& g, const Tensor& weight,
                     Reduction reduction, const Shape& shape) {
  const Tensor scale = detail::loss_scale(g, reduction, static_cast<double>(shape.numel()));
  return weight.defined() ? map(operation, weight, scale, kernels::scaled) : scale;
}

}  // namespace

Tensor binary_cross_entropy(const Tensor& x, const Tensor& target,
                            const BinaryCrossEntropyOptions& options) {
  constexpr const char* op = "binary_cross_entropy";
  check(op, x, target);
  check_weight(op, "weight", options.weight, x);
  check_probabilities(op, x);
  Tensor loss = weighed(op, map(op, x, target, kernels::binary_cross_entropy), options.weight,
                        options.reduction);
  record_joint("binary_cross_entropy", {loss}, {x, target},
               [reduction = options.reduction, weight = Saved(options.weight), x = Saved(x),
                target = Saved(target)](Cotangents g, Needs needs) {
                 const Tensor scale = weighed_scale(op, g[0], *weight, reduction, x.shape());
                 const auto gradient = [&](bool needed, const kernels::TernaryKernel& vjp) {
                   return needed ? map(op, *x, *target, scale, vjp) : Tensor();
                 };
                 return std::vector<Gradient>{
                     gradient(needs[0], kernels::binary_cross_entropy_vjp),
                     gradient(needs[1], kernels::binary_cross_entropy_target_vjp)};
               });
  return loss;
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyLogitsOptions& options) {
  constexpr const char* op = "binary_cross_entropy_with_logits";
  check(op, x, target);
  check_weight(op, "weight", options.weight, x);
  check_weight(op, "pos_weight", options.pos_weight, x);
  const Tensor positive =
      options.pos_weight.defined() ? options.pos_weight : detail::number_like(op, 1, x);
  Tensor loss = weighed(op, map(op, x, target, positive, kernels::logistic_loss), options.weight,
                        options.reduction);
  record_joint(
      "binary_cross_entropy_with_logits", {loss}, {x, target},
      [reduction = options.reduction, weight = Saved(options.weight), positive = Saved(positive),
       x = Saved(x), target = Saved(target)](Cotangents g, Needs needs) {
        const Tensor scale = weighed_scale(op, g[0], *weight, reduction, x.shape());
        const auto gradient = [&](bool needed, const kernels::TernaryKernel& slope) {
          if (!needed) return Tensor();
          return map_over(op, map(op, *x, *target, *positive, slope), scale, kernels::scaled);
        };
        return std::vector<Gradient>{gradient(needs[0], kernels::logistic_loss_slope),
                                     gradient(needs[1], kernels::logistic_loss_target_slope)};
      });
  return loss;
}

namespace {

/// (1 - p_t)^gamma times the cross-entropy, element by element.
Tensor focused_loss(const Tensor& x, const Tensor& target, double exponent) {
  constexpr const char* op = "sigmoid_focal_loss";
  const Tensor gamma = detail::number_like(op, exponent, x);
  Tensor loss = map(op, x, target, gamma, kernels::focal_loss);
  record_joint("sigmoid_focal_loss", {loss}, {x, target},
               [gamma, x = Saved(x), target = Saved(target)](Cotangents g, Needs needs) {
                 const auto gradient = [&](bool needed, const kernels::TernaryKernel& slope) {
                   if (!needed) return Tensor();
                   return map_over(op, map(op, *x, *target, gamma, slope), g[0], kernels::scaled);
                 };
                 return std::vector<Gradient>{gradient(needs[0], kernels::focal_loss_slope),
                                              gradient(needs[1], kernels::focal_loss_target_slope)};
               });
  return loss;
}

}  // namespace

Tensor sigmoid_focal_loss(const Tensor& x, const Tensor& target, const FocalOptions& options) {
  if (!(options.gamma >= 0) || std::isinf(options.gamma)) {
    throw ValueError(
        fmt::format("sigmoid_focal_loss: gamma is {}, it must be finite and >= 0", options.gamma));
  }
  if (!(options.alpha <= 1)) {
    throw ValueError(
        fmt::format("sigmoid_focal_loss: alpha is {}, it must be in [0, 1], or negative for none",
                    options.alpha));
  }
  check("sigmoid_focal_loss", x, target);
  Tensor focused = focused_loss(x, target, options.gamma);
  if (options.alpha >= 0) {
    focused = focused * (options.alpha * target + (1 - options.alpha) * (1 - target));
  }
  return detail::recorded_reduction(focused, options.reduction);
}

}  // namespace gradus
