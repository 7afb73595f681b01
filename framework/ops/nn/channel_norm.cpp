#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/channel_norm.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/nn/channel_norm.h>

#include <cmath>
#include <vector>

namespace gradus {

using detail::data_or_null;
using detail::mutable_data_or_null;
using kernels::ChannelLayout;
using kernels::SetMoments;

namespace {

void check_input(const char* operation, const Tensor& x, const Tensor& lengths, double eps) {
  detail::check_defined(operation, "x", x);
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  if (x.dim() != 2 && x.dim() != 3) {
    throw ShapeError(
        fmt::format("{}: x is {}, it must be [batch, channels] or [batch, time, "
                    "channels]",
                    operation, x.shape().str()));
  }
  if (lengths.defined() && x.dim() == 2) {
    throw ShapeError(
        fmt::format("{}: there are lengths, but x is {}: they need [batch, time, "
                    "channels]",
                    operation, x.shape().str()));
  }
  detail::check_lengths(operation, lengths, x);
  if (!(eps >= 0) || std::isinf(eps))
    throw ValueError(fmt::format("{}: eps is {}: it must be a finite number >= 0", operation, eps));
}

/// One value per channel, or undefined.
void check_channels(const char* operation, const char* name, const Tensor& values,
                    const Tensor& x) {
  if (!values.defined()) return;
  detail::check_same_dtype(operation, "x", x, name, values);
  const Shape channels{x.size(-1)};
  if (values.shape() == channels) return;
  throw ShapeError(
      fmt::format("{}: {} is {}, x is {}: it must be {}, one value per channel, and "
                  "channels are the last axis of x",
                  operation, name, values.shape().str(), x.shape().str(), channels.str()));
}

void check_running(const Tensor& mean, const Tensor& var, bool training) {
  if (mean.defined() == var.defined() && (training || mean.defined())) return;
  throw ValueError(
      mean.defined() || var.defined()
          ? fmt::format("batch_norm: running_{} is undefined: give both or, in training, none",
                        mean.defined() ? "var" : "mean")
          : "batch_norm: running_mean and running_var are undefined: they are needed unless "
            ".training is true");
}

void check_momentum(double momentum) {
  if (momentum >= 0 && momentum <= 1) return;
  throw ValueError(fmt::format("batch_norm: momentum is {}, it must be between 0 and 1", momentum));
}

void check_count(const Tensor& x, std::int64_t rows, bool lengths) {
  if (rows != 1 || x.size(-1) == 0) return;
  throw ValueError(
      fmt::format("batch_norm: there is one value per channel, x is {}{}: training "
                  "needs two or more: use a larger batch, or eval()",
                  x.shape().str(), lengths ? " and the sum of its lengths is 1" : ""));
}

/// x as [B, T, C]. The lengths must live as long as the layout.
ChannelLayout layout_of(const Tensor& x, const Tensor& lengths, std::int64_t groups,
                        bool whole_batch) {
  const std::int64_t T = x.dim() == 3 ? x.size(1) : 1;
  return {x.size(0), T, x.size(-1), groups, whole_batch, data_or_null<std::int64_t>(lengths)};
}

/// One SetMoments for each set, in a tensor that backward can hold.
Tensor new_moments(const ChannelLayout& layout) {
  return empty({layout.sets(), sizeof(SetMoments) / sizeof(double)}, DType::float64);
}
SetMoments* moments_of(const Tensor& moments) {
  return static_cast<SetMoments*>(detail::raw(moments));
}

/// The gradients of x, weight and bias.
class ChannelNormVjp {
 public:
  ChannelNormVjp(const char* operation, const Tensor& x, const Tensor& weight,
                 const Tensor& moments, const Tensor& lengths, const ChannelLayout& layout,
                 bool computed)
      : operation_(operation),
        x_(x),
        weight_(weight),
        moments_(moments),
        lengths_(lengths),
        layout_(layout),
        computed_(computed) {}

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const Tensor x = *x_, weight = *weight_, moments = *moments_, lengths = *lengths_;
    ChannelLayout layout = layout_;
    layout.lengths = data_or_null<std::int64_t>(lengths);
    const auto channels = [&](bool needed) {
      return needed ? empty({layout.C}, x.dtype()) : Tensor();
    };
    const Tensor dx = needs[0] ? empty_like(x) : Tensor();
    const Tensor dweight = channels(needs[1]), dbias = channels(needs[2]);
    visit_float(operation_, x, [&]<class T>(T) {
      kernels::channel_norm_vjp(g[0].data<T>(), x.data<T>(), data_or_null<T>(weight),
                                moments_of(moments), computed_, mutable_data_or_null<T>(dx),
                                mutable_data_or_null<T>(dweight), mutable_data_or_null<T>(dbias),
                                layout);
    });
    return {dx, dweight, dbias};
  }

 private:
  const char* operation_;
  Saved x_, weight_, moments_, lengths_;
  ChannelLayout layout_;
  bool computed_;
};

/// running = (1 - momentum) running + momentum value(moments), by channel.
template <class T, class F>
void update(T* running, double momentum, const SetMoments* moments, std::int64_t C, F value) {
  for (std::int64_t c = 0; running && c < C; ++c) {
    const double kept = (1 - momentum) * static_cast<double>(running[c]);
    running[c] = static_cast<T>(kept + momentum * value(moments[c]));
  }
}

template <class T>
void update_running(const Tensor& running_mean, const Tensor& running_var, double momentum,
                    const SetMoments* moments, std::int64_t rows, std::int64_t C) {
  if (rows == 0) return;
  T* const mean = mutable_data_or_null<T>(running_mean);
  T* const var = mutable_data_or_null<T>(running_var);
  const auto n = static_cast<double>(rows);
  update(mean, momentum, moments, C, [](const SetMoments& m) { return m.mean + m.rest; });
  update(var, momentum, moments, C, [n](const SetMoments& m) { return m.variance * n / (n - 1); });
}

template <class T>
void use_running(const Tensor& mean, const Tensor& var, double eps, SetMoments* moments) {
  for (std::int64_t c = 0; c < mean.numel(); ++c) {
    const auto variance = static_cast<double>(var.data<T>()[c]);
    moments[c] = {static_cast<double>(mean.data<T>()[c]), 0, variance,
                  kernels::scale_of(variance, eps)};
  }
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, const BatchNormOptions& options) {
  check_input("batch_norm", x, options.lengths, options.eps);
  check_channels("batch_norm", "running_mean", running_mean, x);
  check_channels("batch_norm", "running_var", running_var, x);
  check_channels("batch_norm", "weight", weight, x);
  check_channels("batch_norm", "bias", bias, x);
  check_running(running_mean, running_var, options.training);
  check_momentum(options.momentum);
  const ChannelLayout layout = layout_of(x, options.lengths, x.size(-1), true);
  const std::int64_t rows = layout.rows();
  if (options.training) check_count(x, rows, options.lengths.defined());
  Tensor y = empty_like(x);
  const Tensor moments = new_moments(layout);
  SetMoments* const m = moments_of(moments);
  visit_float("batch_norm", x, [&]<class T>(T) {
    if (options.training)
      kernels::channel_moments(x.data<T>(), options.eps, m, layout);
    else
      use_running<T>(running_mean, running_var, options.eps, m);
    kernels::channel_normalize(x.data<T>(), data_or_null<T>(weight), data_or_null<T>(bias), m,
                               y.mutable_data<T>(), layout);
    if (options.training)
      update_running<T>(running_mean, running_var, options.momentum, m, rows, layout.C);
  });
  record_joint(
      "batch_norm", {y}, {x, weight, bias},
      ChannelNormVjp("batch_norm", x, weight, moments, options.lengths, layout, options.training));
  return y;
}

Tensor group_norm(const Tensor& x, std::int64_t num_groups, const Tensor& weight,
                  const Tensor& bias, double eps, const NormInputs& inputs) {
  check_input("group_norm", x, inputs.lengths, eps);
  check_channels("group_norm", "weight", weight, x);
  check_channels("group_norm", "bias", bias, x);
  if (num_groups < 1 || x.size(-1) % num_groups != 0) {
    throw ValueError(
        fmt::format("group_norm: num_groups is {}, x is {}: it must divide the number "
                    "of channels, {}, which are the last axis",
                    num_groups, x.shape().str(), x.size(-1)));
  }
  const ChannelLayout layout = layout_of(x, inputs.lengths, num_groups, false);
  Tensor y = empty_like(x);
  const Tensor moments = new_moments(layout);
  visit_float("group_norm", x, [&]<class T>(T) {
    kernels::channel_moments(x.data<T>(), eps, moments_of(moments), layout);
    kernels::channel_normalize(x.data<T>(), data_or_null<T>(weight), data_or_null<T>(bias),
                               moments_of(moments), y.mutable_data<T>(), layout);
  });
  record_joint("group_norm", {y}, {x, weight, bias},
               ChannelNormVjp("group_norm", x, weight, moments, inputs.lengths, layout, true));
  return y;
}

}  // namespace gradus
