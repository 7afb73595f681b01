#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/linear_cross_entropy.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/detail/class_labels.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/linear_cross_entropy.h>

#include <vector>

namespace gradus {

using detail::data_or_null;
using detail::mutable_data_or_null;

namespace {

void check(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (weight.dim() != 2 || x.dim() == 0 || x.size(-1) != weight.size(1)) {
    throw ShapeError(
        fmt::format("linear_cross_entropy: x does not fit the weight: x is {}, weight is {}: x "
                    "[..., D] and weight [C, D] are needed",
                    x.shape().str(), weight.shape().str()));
  }
  if (bias.defined() && bias.shape() != Shape{weight.size(0)}) {
    throw ShapeError(
        fmt::format("linear_cross_entropy: bias does not fit the weight: bias is {}, weight is {}: "
                    "bias [C] and weight [C, D] are needed",
                    bias.shape().str(), weight.shape().str()));
  }
  if (weight.dtype() != x.dtype() || (bias.defined() && bias.dtype() != x.dtype())) {
    throw DTypeError(
        fmt::format("linear_cross_entropy: dtypes differ: x is {}, weight is {}{}{}: convert with "
                    "to()",
                    name(x.dtype()), name(weight.dtype()), bias.defined() ? ", bias is " : "",
                    bias.defined() ? name(bias.dtype()) : ""));
  }
}

/// The arguments, and what of them backward needs.
struct Call {
  Saved x, weight, bias, labels, class_weight;
  std::int64_t ignore_index;
  double smoothing, total_weight;

  /// Whether a class has a share in the loss of a row with this label.
  template <class T>
  bool counts(std::int64_t label, const T* weights) const {
    if (label == ignore_index) return false;
    return !weights || weights[label] != T{0} || (smoothing > 0 && total_weight > 0);
  }

  /// Calls the kernel for the rows i whose label counts and whose scale is not 0. Gradients that
  /// are defined are written as a whole.
  void run(const Tensor& scale, std::int64_t stride, const Tensor& loss, const Tensor& dx,
           const Tensor& dweight, const Tensor& dbias) const {
    visit_float("linear_cross_entropy", x.dtype(), [&]<class T>(T) {
      const auto* label = (*labels).data<std::int64_t>();
      const T* weights = data_or_null<T>(*class_weight);
      std::vector<std::int64_t> rows;
      for (std::int64_t i = 0; i < labels.shape().numel(); ++i) {
        if (counts(label[i], weights) && scale.data<T>()[i * stride] != T{0}) rows.push_back(i);
      }
      if (dx.defined()) dx.zero_();
      if (loss.defined()) loss.zero_();
      const kernels::LinearClasses<T> classes{
          (*x).data<T>(),         (*weight).data<T>(),
          data_or_null<T>(*bias), weight.shape()[1],
          weight.shape()[0],      {label, ignore_index, weights, smoothing, total_weight}};
      kernels::linear_cross_entropy<T>(
          classes, rows.data(), static_cast<std::int64_t>(rows.size()), scale.data<T>(), stride,
          mutable_data_or_null<T>(loss),
          {mutable_data_or_null<T>(dx), mutable_data_or_null<T>(dweight),
           mutable_data_or_null<T>(dbias)});
    });
  }
};

/// gradient g, for a g of one element. The same tensor if g is 1, so that a backward pass that
/// frees the graph hands it over without a copy; 0 if g is 0, whatever the gradient holds.
Tensor scaled(const Tensor& gradient, const Tensor& g) {
  if (!gradient.defined()) return {};
  const double factor = g.item();
  if (factor == 1) return gradient;
  return factor == 0 ? zeros_like(gradient) : mul(gradient, g);
}

}  // namespace

Tensor linear_cross_entropy(const Tensor& x, const Tensor& weight, const Tensor& bias,
                            const Tensor& labels, const CrossEntropyOptions& options) {
  constexpr const char* op = "linear_cross_entropy";
  detail::check_defined(op, {{"x", x}, {"weight", weight}, {"labels", labels}});
  check(x, weight, bias);
  const std::int64_t classes = weight.size(0), ignore_index = options.ignore_index;
  detail::check_labels(op, "x", x, labels, classes, ignore_index);
  detail::check_class_weight(op, options.weight, x.dtype(), classes);
  detail::check_smoothing(op, options.label_smoothing);
  const Call call{Saved(x),
                  Saved(weight),
                  Saved(bias),
                  Saved(labels),
                  Saved(options.weight),
                  ignore_index,
                  options.label_smoothing,
                  detail::total_weight(options.weight, classes)};
  const Reduction reduction = options.reduction;
  const double count = detail::counted_weight(options.weight, labels, ignore_index);
  const Tensor one = ones({}, x.dtype()), scale = detail::loss_scale(one, reduction, count);
  const Tensor losses = empty(labels.shape(), x.dtype());

  const auto gradient_now = [&](const Tensor& input) {
    const bool needed =
        grad_enabled() && reduction != Reduction::none && input.defined() && input.requires_grad();
    return needed ? empty(input.shape(), input.dtype()) : Tensor();
  };
  const Tensor dx = gradient_now(x), dweight = gradient_now(weight), dbias = gradient_now(bias);
  call.run(scale, 0, losses, dx, dweight, dbias);
  Tensor loss = detail::reduced(losses, reduction, count);
  if (reduction == Reduction::none) {
    record_joint("linear_cross_entropy", {loss}, {x, weight, bias},
                 [call](Cotangents g, Needs needs) {
                   const auto gradient = [](const Saved& input, bool needed) {
                     return needed ? empty(input.shape(), input.dtype()) : Tensor();
                   };
                   const Tensor grad_x = gradient(call.x, needs[0]),
                                grad_weight = gradient(call.weight, needs[1]),
                                grad_bias = gradient(call.bias, needs[2]);
                   call.run(g[0], 1, {}, grad_x, grad_weight, grad_bias);
                   return std::vector<Gradient>{grad_x, grad_weight, grad_bias};
                 });
  } else {
    record_joint("linear_cross_entropy", {loss}, {x, weight, bias},
                 [dx, dweight, dbias](Cotangents g, Needs) {
                   return std::vector<Gradient>{scaled(dx, g[0]), scaled(dweight, g[0]),
                                                scaled(dbias, g[0])};
                 });
  }
  return loss;
}

}  // namespace gradus
