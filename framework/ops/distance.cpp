#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/distance.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/distance.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/norm.h>

#include <cmath>

namespace gradus {

using detail::AxisView;
using kernels::CosineMoments;

namespace {

void check_pair(const char* operation, const Tensor& a, const Tensor& b) {
  detail::check_defined(operation, {{"a", a}, {"b", b}});
  if (!is_floating(a.dtype())) detail::throw_not_floating(operation, a.dtype());
  detail::check_same_dtype(operation, a, b);
}

/// The values of x, repeated to `shape`; not part of any graph.
Tensor spread(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x.detach() : detail::repeat_to(x.detach(), shape);
}

CosineMoments* moments_of(const Tensor& moments) {
  return static_cast<CosineMoments*>(detail::raw(moments));
}

Tensor cosine_vjp(const Tensor& g, const Tensor& a, const Tensor& b, double eps,
                  const Tensor& moments, bool swapped, const AxisView& slices, const Shape& shape) {
  const Tensor rows_a = to_rows(spread(a, shape), slices);
  const Tensor rows_b = to_rows(spread(b, shape), slices);
  const Tensor da = empty_like(rows_a);
  visit_float("cosine_similarity", g, [&]<class T>(T) {
    kernels::cosine_similarity_vjp(g.data<T>(), rows_a.data<T>(), rows_b.data<T>(), eps,
                                   moments_of(moments), swapped, da.mutable_data<T>(),
                                   rows_a.size(0), slices.n);
  });
  return from_rows(da, slices, shape);
}

}  // namespace

Tensor cosine_similarity(const Tensor& a, const Tensor& b, std::int64_t axis, double eps) {
  check_pair("cosine_similarity", a, b);
  if (!(eps >= 0) || std::isinf(eps)) {
    throw ValueError(
        fmt::format("cosine_similarity: eps is {}: it must be a finite number >= 0", eps));
  }
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), "cosine_similarity");
  const Tensor all_a = spread(a, shape), all_b = spread(b, shape);
  const AxisView slices = detail::slice_view(all_a, axis, "cosine_similarity");
  const Tensor rows_a = to_rows(all_a, slices), rows_b = to_rows(all_b, slices);
  const Shape result = shape.rank() == 0 ? shape : detail::splice(shape, slices.axis, 1, {});
  const Tensor y = empty(result, a.dtype());
  const Tensor moments = empty({rows_a.size(0), 3}, DType::float64);
  visit_float("cosine_similarity", a, [&]<class T>(T) {
    kernels::cosine_similarity(rows_a.data<T>(), rows_b.data<T>(), eps, y.mutable_data<T>(),
                               moments_of(moments), rows_a.size(0), slices.n);
  });
  // b / (|a| |b|) - cosine a / |a|^2
  const auto derivative = [=, a = Saved(a), b = Saved(b), moments = Saved(moments)](bool swapped) {
    return [=](const Tensor& g) {
      return swapped ? cosine_vjp(g, *b, *a, eps, *moments, true, slices, shape)
                     : cosine_vjp(g, *a, *b, eps, *moments, false, slices, shape);
    };
  };
  return record("cosine_similarity", y, vjp(a, derivative(false)), vjp(b, derivative(true)));
}

namespace {

/// The sizes of cdist, with the batch axes broadcast.
struct Pairs {
  Pairs(const Shape& a, const Shape& b) : P(a[a.rank() - 2]), R(b[b.rank() - 2]) {
    M = a[a.rank() - 1];
    batch = detail::broadcast_leading("cdist", a, b);
  }
  Shape with(std::int64_t rows, std::int64_t columns) const {
    return detail::splice(batch, batch.rank(), 0, {rows, columns});
  }
  std::int64_t P, R, M = 0;
  Shape batch;
};

void check_cdist(const Tensor& a, const Tensor& b, double p) {
  check_pair("cdist", a, b);
  if (a.dim() < 2 || b.dim() < 2 || a.size(-1) != b.size(-1)) {
    throw ShapeError(
        fmt::format("cdist: a is {}, b is {}: they must be [..., P, M] and [..., R, M]",
                    a.shape().str(), b.shape().str()));
  }
  if (!(p >= 0)) throw ValueError(fmt::format("cdist: p is {}: it must be a number >= 0", p));
}

}  // namespace

Tensor cdist(const Tensor& a, const Tensor& b, double p) {
  check_cdist(a, b, p);
  const Pairs pairs(a.shape(), b.shape());
  const Shape shape_a = pairs.with(pairs.P, pairs.M), shape_b = pairs.with(pairs.R, pairs.M);
  const Tensor y = empty(pairs.with(pairs.P, pairs.R), a.dtype());
  visit_float("cdist", a, [&]<class T>(T) {
    const Tensor all_a = spread(a, shape_a), all_b = spread(b, shape_b);
    kernels::cdist(all_a.data<T>(), all_b.data<T>(), y.mutable_data<T>(), pairs.batch.numel(),
                   pairs.P, pairs.R, pairs.M, p);
  });
  // g sign(a - b) (|a - b| / y)^(p - 1), summed over the other rows
  const auto derivative = [=, a = Saved(a), b = Saved(b), y = Saved(y)](bool of_b) {
    return [=](const Tensor& g) {
      const Tensor all_a = spread(*a, shape_a), all_b = spread(*b, shape_b), distances = *y;
      Tensor dx = empty_like(of_b ? all_b : all_a);
      const std::int64_t batch = pairs.batch.numel(), P = pairs.P, R = pairs.R, M = pairs.M;
      visit_float("cdist", g, [&]<class T>(T) {
        const T *cotangent = g.data<T>(), *distance = distances.data<T>();
        T* to = dx.mutable_data<T>();
        if (of_b)
          kernels::cdist_vjp(cotangent, distance, 1, R, all_b.data<T>(), all_a.data<T>(), to, batch,
                             R, P, M, p);
        else
          kernels::cdist_vjp(cotangent, distance, R, 1, all_a.data<T>(), all_b.data<T>(), to, batch,
                             P, R, M, p);
      });
      return dx;
    };
  };
  return record("cdist", y, vjp(a, derivative(false)), vjp(b, derivative(true)));
}

Tensor pairwise_distance(const Tensor& a, const Tensor& b, double p, double eps, bool keepdim) {
  detail::check_defined("pairwise_distance", {{"a", a}, {"b", b}});
  return norm(a - b + eps, p, -1, keepdim);
}

}  // namespace gradus
