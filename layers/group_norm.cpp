#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/group_norm.h>

#include <cmath>

namespace gradus {
namespace {

std::int64_t checked_groups(std::int64_t num_groups, std::int64_t num_channels) {
  if (num_groups >= 1 && num_channels >= 0 && num_channels % num_groups == 0) return num_groups;
  throw ValueError(
      fmt::format("GroupNorm: num_groups is {}, num_channels is {}: num_groups must be at least 1 "
                  "and divide num_channels",
                  num_groups, num_channels));
}

double checked_eps(double eps) {
  if (eps >= 0 && !std::isinf(eps)) return eps;
  throw ValueError(fmt::format("GroupNorm: eps is {}: it must be a finite number >= 0", eps));
}

Tensor channels(std::int64_t num_channels, const GroupNormOptions& options, double value) {
  const DType dtype = detail::layer_dtype("GroupNorm", options.dtype);
  return detail::empty_sized("GroupNorm", {num_channels}, dtype).fill_(value);
}

}  // namespace

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels,
                     const GroupNormOptions& options)
    : num_groups_(checked_groups(num_groups, num_channels)),
      num_channels_(num_channels),
      eps_(checked_eps(options.eps)),
      weight(options.affine ? add_parameter("weight", channels(num_channels, options, 1))
                            : Parameter(Tensor())),
      bias(options.affine ? add_parameter("bias", channels(num_channels, options, 0))
                          : Parameter(Tensor())) {
  set_description([num_groups, num_channels, options] {
    return fmt::format("GroupNorm({}, {}, eps={}, affine={})", num_groups, num_channels,
                       options.eps, options.affine);
  });
}

Tensor GroupNorm::operator()(const Tensor& x, const NormInputs& inputs) const {
  detail::check_defined("group_norm", "x", x);
  if (x.dim() == 0 || x.size(-1) != num_channels_) {
    throw ShapeError(
        fmt::format("group_norm: x is {}, it must be [batch, {}] or [batch, time, "
                    "{}]: channels are the last axis: layer {}",
                    x.shape().str(), num_channels_, num_channels_, str()));
  }
  return group_norm(x, num_groups_, weight, bias, eps_, inputs);
}

}  // namespace gradus
