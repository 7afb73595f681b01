#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/product.h>
#include <gradus/framework/ops/shape.h>

namespace gradus {

using detail::map;
using detail::map_vjp;

namespace {

void check_vectors(const char* operation, const Tensor& a, const Tensor& b) {
  detail::check_same_dtype(operation, a, b);
  if (!is_floating(a.dtype())) detail::throw_not_floating(operation, a.dtype());
  if (a.dim() == 1 && b.dim() == 1) return;
  throw ShapeError(fmt::format("{}: two vectors are needed: a is {}, b is {}", operation,
                               a.shape().str(), b.shape().str()));
}

}  // namespace

Tensor dot(const Tensor& a, const Tensor& b) {
  check_vectors("dot", a, b);
  if (a.numel() != b.numel()) {
    throw ShapeError(
        fmt::format("dot: lengths differ: a is {}, b is {}", a.shape().str(), b.shape().str()));
  }
  const Tensor y = empty({}, a.dtype());
  const std::int64_t n = a.numel();
  visit_float("dot", a, [&]<class T>(T) {
    kernels::gemm<T>(false, false, 1, 1, n, 1, a.data<T>(), n, b.data<T>(), 1, 0,
                     y.mutable_data<T>(), 1);
  });
  return record("dot", y, vjp(a, map_vjp("dot", b, kernels::mul_vjp)),
                vjp(b, map_vjp("dot", a, kernels::mul_vjp)));
}

Tensor outer(const Tensor& a, const Tensor& b) {
  check_vectors("outer", a, b);
  return unsqueeze(a, 1) * unsqueeze(b, 0);
}

namespace {

void check_addmm(const Tensor& c, const Tensor& a, const Tensor& b) {
  detail::check_defined("addmm", {{"c", c}, {"a", a}, {"b", b}});
  if (a.dim() != 2 || b.dim() != 2 || a.shape()[1] != b.shape()[0] ||
      !broadcasts_to(c.shape(), {a.shape()[0], b.shape()[1]})) {
    throw ShapeError(
        fmt::format("addmm: matrices a [m, k] and b [k, n], and c that broadcasts to [m, n], are "
                    "needed: c is {}, a is {}, b is {}",
                    c.shape().str(), a.shape().str(), b.shape().str()));
  }
  if (c.dtype() != a.dtype() || b.dtype() != a.dtype()) {
    throw DTypeError(
        fmt::format("addmm: dtypes differ: c is {}, a is {}, b is {}: convert with "
                    "to()",
                    name(c.dtype()), name(a.dtype()), name(b.dtype())));
  }
  if (!is_floating(a.dtype())) detail::throw_not_floating("addmm", a.dtype());
}

// y = alpha op(a) op(b) + beta y, where y is m x n.
void add_product(bool trans_a, bool trans_b, double alpha, const Tensor& a, const Tensor& b,
                 double beta, const Tensor& y) {
  const std::int64_t m = y.shape()[0], n = y.shape()[1], k = a.shape()[trans_a ? 0 : 1];
  visit_float("addmm", y, [&]<class T>(T) {
    kernels::gemm(trans_a, trans_b, m, n, k, static_cast<T>(alpha), a.data<T>(), trans_a ? m : k,
                  b.data<T>(), trans_b ? k : n, static_cast<T>(beta), y.mutable_data<T>(), n);
  });
}

}  // namespace

Tensor addmm(const Tensor& c, const Tensor& a, const Tensor& b, const AddmmOptions& options) {
  check_addmm(c, a, b);
  const double beta = options.beta, alpha = options.alpha;
  const Shape shape{a.shape()[0], b.shape()[1]};
  const Tensor y = beta == 0 ? empty(shape, a.dtype()) : detail::repeat_to(c, shape);
  add_product(false, false, alpha, a, b, beta, y);
  const auto scaled = [beta](const Tensor& g) {
    if (beta == 0) return zeros_like(g);  // whatever g is
    return beta == 1 ? g : map("addmm", g, beta, kernels::mul);
  };
  return record("addmm", y, vjp(c, scaled),
                vjp(a,
                    [alpha, b = Saved(b), shape = a.shape()](const Tensor& g) {
                      Tensor da = empty(shape, g.dtype());
                      add_product(false, true, alpha, g, *b, 0, da);  // alpha g b^T
                      return da;
                    }),
                vjp(b, [alpha, a = Saved(a), shape = b.shape()](const Tensor& g) {
                  Tensor db = empty(shape, g.dtype());
                  add_product(true, false, alpha, *a, g, 0, db);  // alpha a^T g
                  return db;
                }));
}

}  // namespace gradus
