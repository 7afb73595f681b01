#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/instance_norm.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

constexpr const char* layer = "InstanceNorm1d";

std::int64_t checked_features(std::int64_t num_features) {
  if (num_features >= 0) return num_features;
  throw ValueError(
      fmt::format("{}: num_features is {}, it cannot be negative", layer, num_features));
}

double checked_eps(double eps) {
  if (eps >= 0 && !std::isinf(eps)) return eps;
  throw ValueError(fmt::format("{}: eps is {}: it must be a finite number >= 0", layer, eps));
}

Tensor channels(std::int64_t num_features, const InstanceNormOptions& options, double value) {
  const DType dtype = detail::layer_dtype(layer, options.dtype);
  return detail::empty_sized(layer, {num_features}, dtype).fill_(value);
}

}  // namespace

InstanceNorm1d::InstanceNorm1d(std::int64_t num_features, const InstanceNormOptions& options)
    : num_features_(checked_features(num_features)),
      eps_(checked_eps(options.eps)),
      weight(options.affine ? add_parameter("weight", channels(num_features, options, 1))
                            : Parameter(Tensor())),
      bias(options.affine ? add_parameter("bias", channels(num_features, options, 0))
                          : Parameter(Tensor())) {
  set_description([num_features, options] {
    return fmt::format("{}({}, eps={}, affine={})", layer, num_features, options.eps,
                       options.affine);
  });
}

Tensor InstanceNorm1d::operator()(const Tensor& x, const NormInputs& inputs) const {
  detail::check_defined(layer, "x", x);
  if (x.dim() != 3 || x.size(-1) != num_features_) {
    throw ShapeError(
        fmt::format("{}: x is {}, it must be [batch, time, {}]: channels are the last axis", layer,
                    x.shape().str(), num_features_));
  }
  return group_norm(x, std::max<std::int64_t>(num_features_, 1), weight, bias, eps_, inputs);
}

}  // namespace gradus
