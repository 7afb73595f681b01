#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/kernels/nn/pointwise_loss.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/regression_loss.h>

#include <cmath>
#include <utility>
#include <vector>

namespace gradus {

using detail::map;
using detail::map_over;

namespace {

void check(const char* operation, const Tensor& x, const Tensor& target) {
  detail::check_pair(operation, "x", x, "target", target);
}

/// Losses that depend on x - target: slope(x, target, scale) is the gradient of x, and that of
/// target is its negative.
template <class F>
auto difference_vjp(const Tensor& x, const Tensor& target, Reduction reduction, F slope) {
  return [slope = std::move(slope), reduction, x = Saved(x), target = Saved(target)](
             Cotangents g, Needs needs) -> std::vector<Gradient> {
    const auto count = static_cast<double>(x.shape().numel());
    const Tensor dx = slope(*x, *target, detail::loss_scale(g[0], reduction, count));
    if (!needs[1]) return {dx, Tensor()};
    return {dx, neg(dx)};
  };
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  return detail::reduced(losses, reduction, static_cast<double>(losses.numel()));
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  check("mse_loss", x, target);
  Tensor loss = reduced(map("mse_loss", x, target, kernels::squared_error), reduction);
  record_joint(
      "mse_loss", {loss}, {x, target},
      difference_vjp(x, target, reduction, [](const Tensor& a, const Tensor& b, const Tensor& g) {
        return map("mse_loss", a, b, g, kernels::squared_error_vjp);
      }));
  return loss;
}

Tensor l1_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  check("l1_loss", x, target);
  Tensor loss = reduced(map("l1_loss", x, target, kernels::absolute_error), reduction);
  record_joint(
      "l1_loss", {loss}, {x, target},
      difference_vjp(x, target, reduction, [](const Tensor& a, const Tensor& b, const Tensor& g) {
        return map("l1_loss", a, b, g, kernels::absolute_error_vjp);
      }));
  return loss;
}

Tensor smooth_l1_loss(const Tensor& x, const Tensor& target, const SmoothL1Options& options) {
  if (!(options.beta >= 0) || std::isinf(options.beta)) {
    throw ValueError(
        fmt::format("smooth_l1_loss: beta is {}, it must be finite and >= 0", options.beta));
  }
  check("smooth_l1_loss", x, target);
  if (options.beta == 0) return l1_loss(x, target, options.reduction);
  const Tensor beta = detail::number_like("smooth_l1_loss", options.beta, x);
  Tensor loss =
      reduced(map("smooth_l1_loss", x, target, beta, kernels::smooth_l1), options.reduction);
  record_joint("smooth_l1_loss", {loss}, {x, target},
               difference_vjp(x, target, options.reduction,
                              [beta](const Tensor& a, const Tensor& b, const Tensor& g) {
                                return map_over(
                                    "smooth_l1_loss",
                                    map("smooth_l1_loss", a, b, beta, kernels::smooth_l1_slope), g,
                                    kernels::scaled);
                              }));
  return loss;
}

Tensor huber_loss(const Tensor& x, const Tensor& target, const HuberOptions& options) {
  if (!(options.delta > 0) || std::isinf(options.delta)) {
    throw ValueError(
        fmt::format("huber_loss: delta is {}, it must be finite and > 0", options.delta));
  }
  check("huber_loss", x, target);
  const Tensor delta = detail::number_like("huber_loss", options.delta, x);
  Tensor loss = reduced(map("huber_loss", x, target, delta, kernels::huber), options.reduction);
  record_joint(
      "huber_loss", {loss}, {x, target},
      difference_vjp(
          x, target, options.reduction, [delta](const Tensor& a, const Tensor& b, const Tensor& g) {
            return map_over("huber_loss", map("huber_loss", a, b, delta, kernels::huber_slope), g,
                            kernels::scaled);
          }));
  return loss;
}

Tensor kl_div(const Tensor& x, const Tensor& target, const KlDivOptions& options) {
  check("kl_div", x, target);
  const Reduction reduction = options.reduction;
  if (options.batch_mean && (x.dim() == 0 || reduction != Reduction::mean)) {
    throw ValueError(x.dim() == 0 ? "kl_div: batch_mean divides by the first axis: x has none"
                                  : "kl_div: batch_mean is a mean: leave out .reduction");
  }
  const bool log_target = options.log_target;
  const auto count = static_cast<double>(options.batch_mean ? x.size(0) : x.numel());
  const auto& kernel = log_target ? kernels::kl_div_of_log : kernels::kl_div;
  Tensor loss = detail::reduced(map("kl_div", x, target, kernel), reduction, count);
  record_joint("kl_div", {loss}, {x, target},
               [log_target, reduction, count, x = Saved(x), target = Saved(target)](Cotangents g,
                                                                                    Needs needs) {
                 using namespace kernels;
                 const Tensor scale = detail::loss_scale(g[0], reduction, count);
                 const auto gradient = [&](const TernaryKernel& vjp) {
                   return map("kl_div", *x, *target, scale, vjp);
                 };
                 std::vector<Gradient> gradients(2);
                 if (needs[0]) gradients[0] = gradient(log_target ? kl_div_of_log_vjp : kl_div_vjp);
                 if (needs[1]) {
                   gradients[1] =
                       gradient(log_target ? kl_div_of_log_target_vjp : kl_div_target_vjp);
                 }
                 return gradients;
               });
  return loss;
}

}  // namespace gradus
