#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/distribution.h>
#include <gradus/framework/core/detail/writable.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/module/init.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

namespace gradus {
namespace {

struct Fans {
  double in, out;
};

Fans fans(const Tensor& tensor, const char* operation) {
  detail::check_defined(operation, "tensor", tensor);
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

void check_gain(const char* operation, double gain) {
  if (gain >= 0 && std::isfinite(gain)) return;
  throw ValueError(
      fmt::format("{}: the gain is {}, it must be finite and at least 0", operation, gain));
}

// The greatest finite number of a float dtype.
double greatest_of(DType dtype) {
  return dtype == DType::float32 ? static_cast<double>(std::numeric_limits<float>::max())
                                 : std::numeric_limits<double>::max();
}

// Calls f(T{}, n) for the n elements of a tensor that it may write.
template <class F>
const Tensor& fill(const char* operation, const Tensor& tensor, const F& f) {
  const NoGradGuard no_grad;
  detail::check_writable(operation, tensor);
  const std::int64_t n = tensor.numel();
  detail::dispatch_float(operation, tensor.dtype(), [&]<class T>(T type) { f(type, n); });
  detail::note_creation(operation, n * item_size(tensor.dtype()));
  return tensor;
}

const Tensor& fill_uniform(const char* operation, const Tensor& tensor, double low, double high,
                           Generator& generator) {
  return fill(operation, tensor, [&]<class T>(T, std::int64_t n) {
    detail::check_uniform(operation, low, high, tensor.dtype());
    T* values = tensor.mutable_data<T>();
    kernels::random_uniform(generator.seed(), generator.advance(static_cast<std::uint64_t>(n)),
                            values, n, static_cast<T>(low), static_cast<T>(high));
  });
}

const Tensor& fill_normal(const char* operation, const Tensor& tensor, double mean, double std,
                          Generator& generator) {
  return fill(operation, tensor, [&]<class T>(T, std::int64_t n) {
    detail::check_normal(operation, mean, std, tensor.dtype());
    T* values = tensor.mutable_data<T>();
    kernels::random_normal(generator.seed(), generator.advance(static_cast<std::uint64_t>(n)),
                           values, n, static_cast<T>(mean), static_cast<T>(std));
  });
}

}  // namespace

const Tensor& uniform_(const Tensor& tensor, double low, double high, Generator& generator) {
  detail::check_defined("uniform_", "tensor", tensor);
  return fill_uniform("uniform_", tensor, low, high, generator);
}

const Tensor& normal_(const Tensor& tensor, double mean, double std, Generator& generator) {
  detail::check_defined("normal_", "tensor", tensor);
  return fill_normal("normal_", tensor, mean, std, generator);
}

const Tensor& xavier_uniform_(const Tensor& tensor, double gain, Generator& generator) {
  const Fans fan = fans(tensor, "xavier_uniform_");
  check_gain("xavier_uniform_", gain);
  if (tensor.numel() == 0) return tensor;
  const double bound = gain * std::sqrt(6.0 / (fan.in + fan.out));
  return fill_uniform("xavier_uniform_", tensor, -bound, bound, generator);
}

const Tensor& xavier_normal_(const Tensor& tensor, double gain, Generator& generator) {
  const Fans fan = fans(tensor, "xavier_normal_");
  check_gain("xavier_normal_", gain);
  if (tensor.numel() == 0) return tensor;
  const double deviation = gain * std::sqrt(2.0 / (fan.in + fan.out));
  return fill_normal("xavier_normal_", tensor, 0.0, deviation, generator);
}

double calculate_gain(Nonlinearity nonlinearity, double slope) {
  switch (nonlinearity) {
    case Nonlinearity::linear:
    case Nonlinearity::sigmoid:
      return 1.0;
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::numbers::sqrt2;
    case Nonlinearity::leaky_relu:
      return std::sqrt(2.0 / (1 + slope * slope));
    case Nonlinearity::selu:
      return 0.75;
  }
  throw ValueError("calculate_gain: this nonlinearity is not in the enumeration");
}

namespace {

// The standard deviation of a kaiming distribution.
double kaiming_deviation(const Tensor& tensor, const KaimingOptions& options,
                         const char* operation) {
  const Fans fan = fans(tensor, operation);
  const double gain = calculate_gain(options.nonlinearity, options.a);
  check_gain(operation, gain);
  return gain / std::sqrt(options.mode == FanMode::fan_in ? fan.in : fan.out);
}

}  // namespace

const Tensor& kaiming_uniform_(const Tensor& tensor, const KaimingOptions& options,
                               Generator& generator) {
  const double bound = std::numbers::sqrt3 * kaiming_deviation(tensor, options, "kaiming_uniform_");
  if (tensor.numel() == 0) return tensor;
  return fill_uniform("kaiming_uniform_", tensor, -bound, bound, generator);
}

const Tensor& kaiming_normal_(const Tensor& tensor, const KaimingOptions& options,
                              Generator& generator) {
  const double deviation = kaiming_deviation(tensor, options, "kaiming_normal_");
  if (tensor.numel() == 0) return tensor;
  return fill_normal("kaiming_normal_", tensor, 0.0, deviation, generator);
}

const Tensor& trunc_normal_(const Tensor& tensor, double mean, double std, double low, double high,
                            Generator& generator) {
  detail::check_defined("trunc_normal_", "tensor", tensor);
  if (!(std > 0)) {
    throw ValueError(fmt::format("trunc_normal_: std is {}, it must be above 0", std));
  }
  if (!(low < high)) {
    throw ValueError(fmt::format("trunc_normal_: low is {}, high is {}", low, high));
  }
  detail::check_normal("trunc_normal_", mean, std, DType::float64);
  const double most = greatest_of(tensor.dtype());
  if (low > most || high < -most) {
    throw ValueError(
        fmt::format("trunc_normal_: low is {}, high is {}: {} has no number between them", low,
                    high, name(tensor.dtype())));
  }
  const NoGradGuard no_grad;
  detail::check_writable("trunc_normal_", tensor);
  const std::int64_t n = tensor.numel();
  detail::dispatch_float("trunc_normal_", tensor.dtype(), [&]<class T>(T) {
    T* values = tensor.mutable_data<T>();
    kernels::random_truncated_normal(generator.seed(),
                                     generator.advance(static_cast<std::uint64_t>(n)), values, n,
                                     mean, std, std::max(low, -most), std::min(high, most));
  });
  return tensor;
}

namespace {

// Makes the rows [count, length], count <= length, orthonormal: Gram-Schmidt, done twice for each
// row, so that nothing of the other rows is left. The triangular factor has a positive diagonal,
// which makes the result uniform over all such matrices. Source: Mezzadri 2007, "How to generate
// random matrices from the classical compact groups".
void orthonormalize_rows(double* q, std::int64_t count, std::int64_t length) {
  std::vector<double> part(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) {
    double* row = q + i * length;
    for (int pass = 0; pass < 2 && i > 0; ++pass) {
      kernels::gemm<double>(false, false, i, 1, length, 1.0, q, length, row, 1, 0.0, part.data(),
                            1);
      kernels::gemm<double>(true, false, length, 1, i, -1.0, q, length, part.data(), 1, 1.0, row,
                            1);
    }
    const double norm = std::sqrt(std::inner_product(row, row + length, row, 0.0));
    for (std::int64_t j = 0; j < length; ++j) row[j] /= norm;
  }
}

}  // namespace

const Tensor& orthogonal_(const Tensor& tensor, double gain, Generator& generator) {
  fans(tensor, "orthogonal_");                              // for its check
  if (!(std::fabs(gain) <= greatest_of(tensor.dtype()))) {  // no element is larger than 1
    throw ValueError(fmt::format("orthogonal_: the gain is {}, it must be finite in {}", gain,
                                 name(tensor.dtype())));
  }
  const NoGradGuard no_grad;
  detail::check_writable("orthogonal_", tensor);
  return detail::dispatch_float("orthogonal_", tensor.dtype(), [&]<class T>(T) -> const Tensor& {
    if (tensor.numel() == 0) return tensor;
    const std::int64_t rows = tensor.shape()[0], columns = tensor.numel() / rows;
    const std::int64_t count = std::min(rows, columns), length = std::max(rows, columns);
    const Tensor q = randn({count, length}, 0, 1, DType::float64, generator);
    orthonormalize_rows(q.mutable_data<double>(), count, length);
    const auto* in = q.data<double>();
    T* out = tensor.mutable_data<T>();
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t c = 0; c < columns; ++c) {
        const double value = rows <= columns ? in[r * length + c] : in[c * length + r];
        out[r * columns + c] = static_cast<T>(gain * value);
      }
    }
    return tensor;
  });
}

const Tensor& sparse_(const Tensor& tensor, double sparsity, double std, Generator& generator) {
  detail::check_defined("sparse_", "tensor", tensor);
  if (tensor.dim() != 2) {
    throw ShapeError(
        fmt::format("sparse_: the tensor is {}, it must have two axes", tensor.shape().str()));
  }
  if (!(sparsity >= 0 && sparsity <= 1)) {
    throw ValueError(fmt::format("sparse_: sparsity is {}, it must be between 0 and 1", sparsity));
  }
  fill_normal("sparse_", tensor, 0.0, std, generator);
  const NoGradGuard no_grad;
  const std::int64_t rows = tensor.shape()[0], columns = tensor.shape()[1];
  const auto zeros = static_cast<std::int64_t>(std::ceil(sparsity * static_cast<double>(rows)));
  detail::dispatch_float("sparse_", tensor.dtype(), [&]<class T>(T) {
    T* values = tensor.mutable_data<T>();
    for (std::int64_t c = 0; c < columns; ++c) {
      const Tensor order = randperm(rows, generator);
      for (std::int64_t i = 0; i < zeros; ++i) {
        values[order.data<std::int64_t>()[i] * columns + c] = T{0};
      }
    }
  });
  return tensor;
}

namespace {

const Tensor& fill_constant(const char* operation, const Tensor& tensor, double value) {
  detail::check_defined(operation, "tensor", tensor);
  if (!is_floating(tensor.dtype())) detail::throw_not_floating(operation, tensor.dtype());
  if (std::isnan(value)) throw ValueError(fmt::format("{}: the value is NaN", operation));
  const NoGradGuard no_grad;
  detail::check_writable(operation, tensor);
  return tensor.fill_(value);
}

}  // namespace

const Tensor& constant_(const Tensor& tensor, double value) {
  return fill_constant("constant_", tensor, value);
}
const Tensor& zeros_(const Tensor& tensor) { return fill_constant("zeros_", tensor, 0); }
const Tensor& ones_(const Tensor& tensor) { return fill_constant("ones_", tensor, 1); }

}  // namespace gradus
