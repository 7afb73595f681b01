#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/linear.h>

#include <cmath>

namespace gradus {
namespace {

Tensor uniform_by_width(const Shape& shape, std::int64_t in_features, DType dtype,
                        Generator& generator) {
  const double bound = in_features > 0 ? 1.0 / std::sqrt(static_cast<double>(in_features)) : 0.0;
  return uniform_(detail::empty_sized("Linear", shape, dtype), -bound, bound, generator);
}

Tensor new_weight(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options,
                  Generator& generator) {
  if (in_features < 0 || out_features < 0) {
    throw ValueError(
        fmt::format("Linear: in_features is {}, out_features is {}: sizes cannot be negative",
                    in_features, out_features));
  }
  return uniform_by_width({out_features, in_features}, in_features,
                          detail::layer_dtype("Linear", options.dtype), generator);
}

const Parameter& checked_weight(const Parameter& weight, const LinearOptions& options) {
  detail::check_defined("Linear", "weight", weight);
  if (weight.dim() != 2) {
    throw ShapeError(fmt::format("Linear: weight is {}, it must be 2-D [out_features, in_features]",
                                 weight.shape().str()));
  }
  detail::check_layer_dtype("Linear", options.dtype, weight);
  return weight;
}

std::string describe(const Tensor& weight, const Tensor& bias) {
  return fmt::format("Linear(in_features={}, out_features={}, bias={})", weight.size(1),
                     weight.size(0), bias.defined());
}

}  // namespace

Linear::Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options,
               Generator& generator)
    : Linear(
          Parameter(new_weight(in_features, out_features, options, generator).set_trainable(true)),
          options, generator) {}

Linear::Linear(const Parameter& shared, const LinearOptions& options, Generator& generator)
    : weight(add_parameter("weight", checked_weight(shared, options))),
      bias(options.bias ? add_parameter("bias", uniform_by_width({out_features()}, in_features(),
                                                                 weight.dtype(), generator))
                        : Parameter(Tensor())) {
  set_description([w = Tensor(weight), b = Tensor(bias)] { return describe(w, b); });
}

Tensor Linear::operator()(const Tensor& x) const {
  detail::check_defined("linear", "x", x);
  if (x.dim() == 0 || x.size(-1) != in_features()) {
    throw ShapeError(fmt::format("linear: x is {}, its last axis must be {}: layer {}",
                                 x.shape().str(), in_features(), describe(weight, bias)));
  }
  return linear(x, weight, bias);
}

}  // namespace gradus
