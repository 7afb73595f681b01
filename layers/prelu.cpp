#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/prelu.h>

namespace gradus {
namespace {

Tensor new_weight(std::int64_t num_parameters, const PReLUOptions& options) {
  if (num_parameters < 1) {
    throw ValueError(
        fmt::format("PReLU: num_parameters is {}, it must be at least 1", num_parameters));
  }
  const DType dtype = detail::layer_dtype("PReLU", options.dtype);
  return detail::empty_sized("PReLU", {num_parameters}, dtype).fill_(options.init);
}

}  // namespace

PReLU::PReLU(std::int64_t num_parameters, const PReLUOptions& options)
    : weight(add_parameter("weight", new_weight(num_parameters, options))) {
  set_description([num_parameters] { return fmt::format("PReLU({})", num_parameters); });
}

Tensor PReLU::operator()(const Tensor& x) const { return prelu(x, weight); }

}  // namespace gradus
