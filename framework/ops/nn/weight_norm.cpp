#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/weight_norm.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/framework/ops/where.h>

#include <vector>

namespace gradus {
namespace {

Tensor norms_of(const char* operation, const Tensor& v, std::optional<std::int64_t> dim) {
  if (!dim) return norm(v);
  const int kept = detail::axis_view(v, *dim, operation).axis;
  std::vector<std::int64_t> others;
  for (int axis = 0; axis < v.dim(); ++axis)
    if (axis != kept) others.push_back(axis);
  return others.empty() ? abs(v) : norm(v, 2, Axes(others), true);
}

}  // namespace

Tensor norm_except_dim(const Tensor& v, std::optional<std::int64_t> dim) {
  detail::check_defined("norm_except_dim", "v", v);
  return norms_of("norm_except_dim", v, dim);
}

Tensor weight_norm(const Tensor& v, const Tensor& g, std::optional<std::int64_t> dim) {
  detail::check_defined("weight_norm", {{"v", v}, {"g", g}});
  detail::check_same_dtype("weight_norm", "v", v, "g", g);
  const Tensor norms = norms_of("weight_norm", v, dim);
  if (g.shape() != norms.shape()) {
    throw ShapeError(
        fmt::format("weight_norm: g is {}, v is {}: it must be {}, one norm for each "
                    "slice",
                    g.shape().str(), v.shape().str(), norms.shape().str()));
  }
  return v * (g / masked_fill(norms, equal(norms, 0), 1));
}

}  // namespace gradus
