#include <fmt/format.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/error.h>
#include <gradus/framework/init.h>
#include <gradus/framework/kernels/random.h>

#include <cmath>

namespace gradus {
namespace {

struct Fans {
  double in, out;
};

Fans fans(const Tensor& tensor, const char* operation) {
  const Shape& shape = tensor.shape();
  if (shape.rank() < 2) {
    throw ShapeError(
        fmt::format("{}: the tensor is {}, it must have at least two axes [out, in, ...]: use "
                    "uniform_ or normal_",
                    operation, shape.str()));
  }
  const auto rest = static_cast<double>(shape.numel(2, shape.rank()));
  return {static_cast<double>(shape[1]) * rest, static_cast<double>(shape[0]) * rest};
}

}  // namespace

const Tensor& uniform_(const Tensor& tensor, double low, double high, Generator& generator) {
  if (!(low <= high)) {
    throw ValueError(fmt::format("uniform_: low is {}, high is {}", low, high));
  }
  const NoGradGuard no_grad;
  const std::int64_t n = tensor.numel();
  detail::dispatch_float(tensor.dtype(), "uniform_", [&]<class T>(T) {
    kernels::random_uniform(generator.seed(), generator.advance(static_cast<std::uint64_t>(n)),
                            tensor.mutable_data<T>(), n, static_cast<T>(low), static_cast<T>(high));
  });
  return tensor;
}

const Tensor& normal_(const Tensor& tensor, double mean, double std, Generator& generator) {
  if (!(std >= 0)) throw ValueError(fmt::format("normal_: std is {}, it must be at least 0", std));
  const NoGradGuard no_grad;
  const std::int64_t n = tensor.numel();
  detail::dispatch_float(tensor.dtype(), "normal_", [&]<class T>(T) {
    kernels::random_normal(generator.seed(), generator.advance(static_cast<std::uint64_t>(n)),
                           tensor.mutable_data<T>(), n, static_cast<T>(mean), static_cast<T>(std));
  });
  return tensor;
}

const Tensor& xavier_uniform_(const Tensor& tensor, double gain, Generator& generator) {
  const Fans fan = fans(tensor, "xavier_uniform_");
  if (tensor.numel() == 0) return tensor;
  const double bound = gain * std::sqrt(6.0 / (fan.in + fan.out));
  return uniform_(tensor, -bound, bound, generator);
}

const Tensor& xavier_normal_(const Tensor& tensor, double gain, Generator& generator) {
  const Fans fan = fans(tensor, "xavier_normal_");
  if (tensor.numel() == 0) return tensor;
  return normal_(tensor, 0.0, gain * std::sqrt(2.0 / (fan.in + fan.out)), generator);
}

const Tensor& kaiming_uniform_(const Tensor& tensor, double gain, Generator& generator) {
  const Fans fan = fans(tensor, "kaiming_uniform_");
  if (tensor.numel() == 0) return tensor;
  const double bound = gain * std::sqrt(3.0 / fan.in);
  return uniform_(tensor, -bound, bound, generator);
}

const Tensor& kaiming_normal_(const Tensor& tensor, double gain, Generator& generator) {
  const Fans fan = fans(tensor, "kaiming_normal_");
  if (tensor.numel() == 0) return tensor;
  return normal_(tensor, 0.0, gain / std::sqrt(fan.in), generator);
}

}  // namespace gradus
