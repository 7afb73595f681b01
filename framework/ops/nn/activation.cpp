#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/activation.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/map_float.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/where.h>

#include <cmath>

namespace gradus {

using detail::map;
using detail::map_float;
using detail::map_over;
using detail::map_vjp;

namespace {

void check_floating(const char* operation, const Tensor& x) {
  detail::check_defined(operation, "x", x);
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
}

}  // namespace

Tensor gelu(const Tensor& x, Approximate approximate) {
  const bool with_tanh = approximate == Approximate::tanh;
  if (!grad_enabled() || !detail::needs_gradient(x)) {
    return record("gelu", map("gelu", x, with_tanh ? kernels::gelu_tanh : kernels::gelu));
  }
  Tensor slope;
  const Tensor y = map_float("gelu", x, [&]<class T>(const T* in, T* out, std::int64_t n) {
    slope = empty_like(x);
    kernels::run(with_tanh ? kernels::gelu_tanh_with_slope : kernels::gelu_with_slope, in, out,
                 slope.mutable_data<T>(), n);
  });
  return record("gelu", y, vjp(x, [slope = Saved(slope)](const Tensor& g) {
                  return map_over("gelu", g, *slope, kernels::mul_vjp);
                }));
}

Tensor silu(const Tensor& x) {
  const Tensor y = map("silu", x, kernels::silu);
  return record("silu", y, vjp(x, map_vjp("silu", x, kernels::silu_vjp)));  // g s (1 + x (1 - s))
}

Tensor logsigmoid(const Tensor& x) {
  const Tensor y = map("logsigmoid", x, kernels::logsigmoid);
  return record("logsigmoid", y,
                vjp(x, map_vjp("logsigmoid", x, kernels::logsigmoid_vjp)));  // g sigmoid(-x)
}

Tensor softplus(const Tensor& x, double beta, double threshold) {
  if (beta == 0 || !std::isfinite(beta)) {
    throw ValueError(fmt::format("softplus: beta is {}, it must be finite and not 0", beta));
  }
  if (std::isnan(threshold)) throw ValueError("softplus: threshold is NaN");
  const Tensor y = map_float("softplus", x, [=](const auto* in, auto* out, std::int64_t n) {
    kernels::softplus(in, out, n, beta, threshold);
  });
  const auto derivative = [x = Saved(x), beta, threshold](const Tensor& g) {
    return map_float("softplus", g, *x,
                     [=](const auto* gy, const auto* in, auto* dx, std::int64_t n) {
                       kernels::softplus_vjp(gy, in, dx, n, beta, threshold);  // g sigmoid(beta x)
                     });
  };
  return record("softplus", y, vjp(x, derivative));
}

Tensor elu(const Tensor& x, double alpha) {
  const Tensor y = map_float("elu", x, [=](const auto* in, auto* out, std::int64_t n) {
    kernels::elu(in, out, n, alpha);
  });
  const auto derivative = [x = Saved(x), alpha](const Tensor& g) {
    return map_float("elu", g, *x, [=](const auto* gy, const auto* in, auto* dx, std::int64_t n) {
      kernels::elu_vjp(gy, in, dx, n, alpha);  // g where x > 0, else g alpha exp(x)
    });
  };
  return record("elu", y, vjp(x, derivative));
}

Tensor selu(const Tensor& x) {
  check_floating("selu", x);
  return elu(x, 1.6732632423543772848170429916717) * 1.0507009873554804934193349852946;
}

Tensor relu6(const Tensor& x) {
  check_floating("relu6", x);
  return hardtanh(x, 0, 6);
}

Tensor hardshrink(const Tensor& x, double lambda) {
  check_floating("hardshrink", x);
  if (std::isnan(lambda)) throw ValueError("hardshrink: lambda is NaN");
  return where(abs(x.detach()) <= lambda, 0, x);
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  const Tensor y = map_float("leaky_relu", x, [=](const auto* in, auto* out, std::int64_t n) {
    kernels::leaky_relu(in, out, n, negative_slope);
  });
  const auto derivative = [x = Saved(x), negative_slope](const Tensor& g) {
    return map_float(
        "leaky_relu", g, *x, [=](const auto* gy, const auto* in, auto* dx, std::int64_t n) {
          kernels::leaky_relu_vjp(gy, in, dx, n, negative_slope);  // g where x > 0, else g slope
        });
  };
  return record("leaky_relu", y, vjp(x, derivative));
}

Tensor celu(const Tensor& x, double alpha) {
  if (alpha == 0 || !std::isfinite(alpha)) {
    throw ValueError(fmt::format("celu: alpha is {}, it must be finite and not 0", alpha));
  }
  const Tensor y = map_float("celu", x, [=](const auto* in, auto* out, std::int64_t n) {
    kernels::celu(in, out, n, alpha);
  });
  const auto derivative = [x = Saved(x), alpha](const Tensor& g) {
    return map_float("celu", g, *x, [=](const auto* gy, const auto* in, auto* dx, std::int64_t n) {
      kernels::celu_vjp(gy, in, dx, n, alpha);  // g where x > 0, else g exp(x / alpha)
    });
  };
  return record("celu", y, vjp(x, derivative));
}

Tensor prelu(const Tensor& x, const Tensor& weight) {
  detail::check_defined("prelu", {{"x", x}, {"weight", weight}});
  if (!is_floating(x.dtype())) detail::throw_not_floating("prelu", x.dtype());
  detail::check_same_dtype("prelu", "x", x, "weight", weight);
  const bool by_feature = weight.dim() == 1 && x.dim() > 0 && weight.size(0) == x.size(-1);
  if (weight.numel() != 1 && !by_feature) {
    throw ShapeError(
        fmt::format("prelu: weight is {}, x is {}: it must have one element, or one "
                    "for each feature, which are the last axis of x",
                    weight.shape().str(), x.shape().str()));
  }
  return where(x > 0, x, (by_feature ? weight : reshape(weight, {})) * x);
}

Tensor mish(const Tensor& x) {
  return record("mish", map("mish", x, kernels::mish),
                vjp(x, map_vjp("mish", x, kernels::mish_vjp)));
}

Tensor softsign(const Tensor& x) {
  return record("softsign", map("softsign", x, kernels::softsign),
                vjp(x, map_vjp("softsign", x, kernels::softsign_vjp)));  // g / (1 + |x|)^2
}

Tensor hardsigmoid(const Tensor& x) {
  return record("hardsigmoid", map("hardsigmoid", x, kernels::hardsigmoid),
                vjp(x, map_vjp("hardsigmoid", x, kernels::hardsigmoid_vjp)));
}

Tensor hardswish(const Tensor& x) {
  return record("hardswish", map("hardswish", x, kernels::hardswish),
                vjp(x, map_vjp("hardswish", x, kernels::hardswish_vjp)));
}

Tensor glu(const Tensor& x, std::int64_t axis) {
  const detail::AxisView view = detail::axis_view(x, axis, "glu");
  if (!is_floating(x.dtype())) detail::throw_not_floating("glu", x.dtype());
  if (view.n % 2 != 0) {
    throw ShapeError(fmt::format("glu: x is {}: axis {} has an odd size, it must have two halves",
                                 x.shape().str(), axis));
  }
  return slice(x, axis, 0, view.n / 2) * sigmoid(slice(x, axis, view.n / 2, view.n));
}

}  // namespace gradus
