#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/normalization.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/nn/normalization.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace gradus {

using detail::data_or_null;
using detail::mutable_data_or_null;
using kernels::RowMoments;

namespace {

bool ends_with(const Shape& shape, const Shape& end) {
  return shape.rank() >= end.rank() && std::equal(end.begin(), end.end(), shape.end() - end.rank());
}

void check_columns(const char* operation, const char* name, const Tensor& values, const Tensor& x,
                   const Shape& normalized) {
  if (!values.defined()) return;
  detail::check_same_dtype(operation, "x", x, name, values);
  if (values.shape() != normalized) {
    throw ShapeError(fmt::format("{}: {} is {}, normalized_shape is {}", operation, name,
                                 values.shape().str(), normalized.str()));
  }
}

void check(const char* operation, const Tensor& x, const Shape& normalized, double eps) {
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  if (normalized.rank() == 0)
    throw ShapeError(fmt::format("{}: normalized_shape has no axes", operation));
  if (!ends_with(x.shape(), normalized)) {
    throw ShapeError(fmt::format("{}: x is {}, its last axes must be normalized_shape {}",
                                 operation, x.shape().str(), normalized.str()));
  }
  if (!(eps >= 0) || std::isinf(eps))
    throw ValueError(fmt::format("{}: eps is {}: it must be a finite number >= 0", operation, eps));
}

/// x as rows [R, C], each of which is normalized as one.
struct NormalizedRows {
  NormalizedRows(const Shape& shape, const Shape& normalized)
      : R(shape.numel(0, shape.rank() - normalized.rank())), C(normalized.numel()) {}
  std::int64_t R, C;
};

/// One RowMoments for each row, in a tensor that backward can hold.
Tensor new_moments(const NormalizedRows& rows) {
  return empty({rows.R, sizeof(RowMoments) / sizeof(double)}, DType::float64);
}
RowMoments* moments_of(const Tensor& moments) {
  return static_cast<RowMoments*>(detail::raw(moments));
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  detail::check_defined("layer_norm", "x", x);
  check("layer_norm", x, normalized_shape, eps);
  check_columns("layer_norm", "weight", weight, x, normalized_shape);
  check_columns("layer_norm", "bias", bias, x, normalized_shape);
  const NormalizedRows rows(x.shape(), normalized_shape);
  Tensor y = empty_like(x);
  const Tensor moments = new_moments(rows);
  visit_float("layer_norm", x, [&]<class T>(T) {
    kernels::layer_norm(x.data<T>(), data_or_null<T>(weight), data_or_null<T>(bias), eps,
                        y.mutable_data<T>(), moments_of(moments), rows.R, rows.C);
  });
  record_joint("layer_norm", {y}, {x, weight, bias},
               [rows, normalized_shape, x = Saved(x), weight = Saved(weight),
                moments = Saved(moments)](Cotangents g, Needs needs) {
                 const Tensor in = *x, w = *weight, m = *moments;
                 const Tensor dx = needs[0] ? empty_like(in) : Tensor();
                 const Tensor dw = needs[1] ? empty(normalized_shape, in.dtype()) : Tensor();
                 const Tensor db = needs[2] ? empty(normalized_shape, in.dtype()) : Tensor();
                 visit_float("layer_norm", in, [&]<class T>(T) {
                   kernels::layer_norm_vjp(g[0].data<T>(), in.data<T>(), data_or_null<T>(w),
                                           moments_of(m), mutable_data_or_null<T>(dx),
                                           mutable_data_or_null<T>(dw), mutable_data_or_null<T>(db),
                                           rows.R, rows.C);
                 });
                 return std::vector<Gradient>{dx, dw, db};
               });
  return y;
}

Tensor rms_norm(const Tensor& x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  detail::check_defined("rms_norm", "x", x);
  if (!eps) {
    eps = x.dtype() == DType::float64 ? std::numeric_limits<double>::epsilon()
                                      : double{std::numeric_limits<float>::epsilon()};
  }
  check("rms_norm", x, normalized_shape, *eps);
  check_columns("rms_norm", "weight", weight, x, normalized_shape);
  const NormalizedRows rows(x.shape(), normalized_shape);
  Tensor y = empty_like(x);
  const Tensor moments = new_moments(rows);
  visit_float("rms_norm", x, [&]<class T>(T) {
    kernels::rms_norm(x.data<T>(), data_or_null<T>(weight), *eps, y.mutable_data<T>(),
                      moments_of(moments), rows.R, rows.C);
  });
  record_joint("rms_norm", {y}, {x, weight},
               [rows, normalized_shape, x = Saved(x), weight = Saved(weight),
                moments = Saved(moments)](Cotangents g, Needs needs) {
                 const Tensor in = *x, w = *weight, m = *moments;
                 const Tensor dx = needs[0] ? empty_like(in) : Tensor();
                 const Tensor dw = needs[1] ? empty(normalized_shape, in.dtype()) : Tensor();
                 visit_float("rms_norm", in, [&]<class T>(T) {
                   kernels::rms_norm_vjp(g[0].data<T>(), in.data<T>(), data_or_null<T>(w),
                                         moments_of(m), mutable_data_or_null<T>(dx),
                                         mutable_data_or_null<T>(dw), rows.R, rows.C);
                 });
                 return std::vector<Gradient>{dx, dw};
               });
  return y;
}

}  // namespace gradus
