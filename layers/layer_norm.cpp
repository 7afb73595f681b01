#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/nn/normalization.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/layer_norm.h>

#include <cmath>

namespace gradus {
namespace {

const Shape& checked(const char* layer, const Shape& shape) {
  if (shape.rank() == 0) throw ShapeError(fmt::format("{}: normalized_shape has no axes", layer));
  return shape;
}

Shape shape_of(const char* layer, std::initializer_list<std::int64_t> sizes) {
  for (const std::int64_t size : sizes) {
    if (size >= 0) continue;
    throw ShapeError(fmt::format("{}: normalized_shape is [{}]: sizes cannot be negative", layer,
                                 fmt::join(sizes, ", ")));
  }
  return sizes;
}

double checked(const char* layer, double eps) {
  if (!(eps >= 0) || std::isinf(eps))
    throw ValueError(fmt::format("{}: eps is {}: it must be a finite number >= 0", layer, eps));
  return eps;
}

std::optional<double> checked(const char* layer, std::optional<double> eps) {
  if (eps) checked(layer, *eps);
  return eps;
}

}  // namespace

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options)
    : shape_(checked("LayerNorm", normalized_shape)),
      eps_(checked("LayerNorm", options.eps)),
      weight(options.elementwise_affine
                 ? add_parameter("weight",
                                 ones(shape_, detail::layer_dtype("LayerNorm", options.dtype)))
                 : Parameter(Tensor())),
      bias(options.elementwise_affine && options.bias
               ? add_parameter("bias", zeros(shape_, weight.dtype()))
               : Parameter(Tensor())) {
  set_description([shape = shape_, eps = eps_, affine = weight.defined(), b = bias.defined()] {
    return fmt::format("LayerNorm({}, eps={}, elementwise_affine={}, bias={})", shape.str(), eps,
                       affine, b);
  });
}

LayerNorm::LayerNorm(std::initializer_list<std::int64_t> normalized_shape,
                     const LayerNormOptions& options)
    : LayerNorm(shape_of("LayerNorm", normalized_shape), options) {}

Tensor LayerNorm::operator()(const Tensor& x) const {
  return layer_norm(x, shape_, weight, bias, eps_);
}

RMSNorm::RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options)
    : shape_(checked("RMSNorm", normalized_shape)),
      eps_(checked("RMSNorm", options.eps)),
      weight(
          options.elementwise_affine
              ? add_parameter("weight", ones(shape_, detail::layer_dtype("RMSNorm", options.dtype)))
              : Parameter(Tensor())) {
  set_description([shape = shape_, eps = eps_, affine = weight.defined()] {
    return fmt::format("RMSNorm({}, eps={}, elementwise_affine={})", shape.str(),
                       eps ? fmt::format("{}", *eps) : "none", affine);
  });
}

RMSNorm::RMSNorm(std::initializer_list<std::int64_t> normalized_shape,
                 const RMSNormOptions& options)
    : RMSNorm(shape_of("RMSNorm", normalized_shape), options) {}

Tensor RMSNorm::operator()(const Tensor& x) const { return rms_norm(x, shape_, weight, eps_); }

}  // namespace gradus
