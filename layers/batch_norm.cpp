#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/layers/batch_norm.h>
#include <gradus/layers/detail/weights.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

std::int64_t checked_features(std::int64_t num_features) {
  if (num_features >= 0) return num_features;
  throw ValueError(
      fmt::format("BatchNorm1d: num_features is {}, it cannot be negative", num_features));
}

double checked_eps(double eps) {
  if (eps >= 0 && !std::isinf(eps)) return eps;
  throw ValueError(fmt::format("BatchNorm1d: eps is {}: it must be a finite number >= 0", eps));
}

std::optional<double> checked_momentum(std::optional<double> momentum) {
  if (!momentum || (*momentum >= 0 && *momentum <= 1)) return momentum;
  throw ValueError(
      fmt::format("BatchNorm1d: momentum is {}, it must be between 0 and 1", *momentum));
}

Tensor channels(std::int64_t num_features, const BatchNorm1dOptions& options, double value) {
  const DType dtype = detail::layer_dtype("BatchNorm1d", options.dtype);
  return detail::empty_sized("BatchNorm1d", {num_features}, dtype).fill_(value);
}

bool has_values(const Tensor& x, const Tensor& lengths) {
  if (x.numel() == 0 || !lengths.defined()) return x.numel() > 0;
  const auto values = lengths.span<std::int64_t>();
  return std::any_of(values.begin(), values.end(), [](std::int64_t length) { return length > 0; });
}

}  // namespace

BatchNorm1d::BatchNorm1d(std::int64_t num_features, const BatchNorm1dOptions& options)
    : num_features_(checked_features(num_features)),
      eps_(checked_eps(options.eps)),
      momentum_(checked_momentum(options.momentum)),
      weight(options.affine ? add_parameter("weight", channels(num_features, options, 1))
                            : Parameter(Tensor())),
      bias(options.affine ? add_parameter("bias", channels(num_features, options, 0))
                          : Parameter(Tensor())),
      running_mean(options.track_running_stats
                       ? add_buffer("running_mean", channels(num_features, options, 0))
                       : Tensor()),
      running_var(options.track_running_stats
                      ? add_buffer("running_var", channels(num_features, options, 1))
                      : Tensor()),
      num_batches_tracked(options.track_running_stats
                              ? add_buffer("num_batches_tracked", zeros({}, DType::int64))
                              : Tensor()) {
  set_description([num_features, options] {
    const auto& momentum = options.momentum;
    return fmt::format("BatchNorm1d({}, eps={}, momentum={}, affine={}, track_running_stats={})",
                       num_features, options.eps, momentum ? fmt::format("{}", *momentum) : "none",
                       options.affine, options.track_running_stats);
  });
}

double BatchNorm1d::share_of_next_batch() const {
  return momentum_.value_or(1 / static_cast<double>(num_batches_tracked.item<std::int64_t>() + 1));
}

Tensor BatchNorm1d::operator()(const Tensor& x, const NormInputs& inputs) const {
  detail::check_defined("batch_norm", "x", x);
  if (x.dim() == 0 || x.size(-1) != num_features_) {
    throw ShapeError(
        fmt::format("batch_norm: x is {}, it must be [batch, {}] or [batch, time, "
                    "{}]: channels are the last axis: layer {}",
                    x.shape().str(), num_features_, num_features_, str()));
  }
  const bool tracks = running_mean.defined();
  const bool updates = tracks && is_training();
  BatchNormOptions options{.training = updates || !tracks, .eps = eps_, .lengths = inputs.lengths};
  if (updates) options.momentum = share_of_next_batch();
  Tensor y = batch_norm(x, running_mean, running_var, weight, bias, options);
  if (updates && has_values(x, inputs.lengths))
    num_batches_tracked.mutable_data<std::int64_t>()[0] += 1;
  return y;
}

}  // namespace gradus
