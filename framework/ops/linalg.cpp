#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/detail/lapack.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace gradus {

using detail::splice;
using detail::Triangle;

namespace {

/// The shape of A [..., m, n], split into its batch and its matrix.
struct Matrices {
  explicit Matrices(const Shape& shape)
      : batch(splice(shape, shape.rank() - 2, 2, {})),
        m(shape[shape.rank() - 2]),
        n(shape[shape.rank() - 1]) {}
  Shape with(std::int64_t rows, std::int64_t columns) const {
    return splice(batch, batch.rank(), 0, {rows, columns});
  }
  Shape batch;
  std::int64_t m, n;
};

void check_matrices(const char* operation, const Tensor& a, bool square) {
  detail::check_defined(operation, "a", a);
  if (!is_floating(a.dtype())) detail::throw_not_floating(operation, a.dtype());
  if (a.dim() < 2 || (square && a.size(-1) != a.size(-2))) {
    throw ShapeError(fmt::format("{}: a is {}: it must be [..., {}]", operation, a.shape().str(),
                                 square ? "n, n" : "m, n"));
  }
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  if (a.size(-1) > most || a.size(-2) > most) {
    throw ShapeError(
        fmt::format("{}: a is {}: LAPACK takes at most {}", operation, a.shape().str(), most));
  }
}

/// "a", or "matrix [1, 0] of a" for entry i of a batch.
std::string entry_name(const Shape& batch, std::int64_t i) {
  if (batch.rank() == 0) return "a";
  return fmt::format("matrix {} of a", detail::position(batch, i));
}

/// The first entry of a batch for which f(i) is false, or -1. Calls f for all entries, in parallel.
template <class F>
std::int64_t first_failure(std::int64_t batch, std::int64_t cost, const F& f) {
  std::vector<char> fine(static_cast<std::size_t>(batch));
  parallel_for_each(batch, cost,
                    [&](std::int64_t i) { fine[static_cast<std::size_t>(i)] = f(i) ? 1 : 0; });
  const auto found = std::find(fine.begin(), fine.end(), 0);
  return found == fine.end() ? -1 : found - fine.begin();
}

std::int64_t cost_of(std::int64_t m, std::int64_t n, std::int64_t k) { return m * n * k + 1000; }

Tensor spread(const Tensor& x, const Shape& shape) {
  return x.shape() == shape ? x.detach() : detail::repeat_to(x.detach(), shape);
}

/// Solves op(A) x = b for b [batch, n, k]. Throws ValueError naming the operation and the entry.
Tensor solve_all(const char* operation, const Tensor& a, bool transposed, const Tensor& b) {
  const Matrices shape(b.shape());
  const std::int64_t n = shape.m, k = shape.n;
  Tensor x = empty_like(b);
  if (x.numel() == 0) return x;
  const std::int64_t failed = visit_float(operation, a, [&]<class T>(T) {
    const T *from = a.data<T>(), *right = b.data<T>();
    T* to = x.mutable_data<T>();
    return first_failure(shape.batch.numel(), cost_of(n, n, n + k), [=](std::int64_t i) {
      return detail::lapack_solve(from + i * n * n, transposed, right + i * n * k, to + i * n * k,
                                  n, k);
    });
  });
  if (failed >= 0)
    throw ValueError(fmt::format("{}: {} is singular", operation, entry_name(shape.batch, failed)));
  return x;
}

/// Writes zeros to the entries of `gradient` [batch, ...] where all of the cotangents [batch, ...]
/// are 0: NaN times 0 would be NaN.
void clear_unused(std::int64_t batch, const std::vector<Tensor>& cotangents,
                  const Tensor& gradient) {
  if (batch == 0) return;
  visit_float("linalg", gradient, [&]<class T>(T) {
    for (std::int64_t i = 0; i < batch; ++i) {
      const bool unused = std::all_of(cotangents.begin(), cotangents.end(), [&](const Tensor& g) {
        if (!g.defined()) return true;
        const std::int64_t n = g.numel() / batch;
        return std::all_of(g.data<T>() + i * n, g.data<T>() + (i + 1) * n,
                           [](T v) { return v == 0; });
      });
      const std::int64_t n = gradient.numel() / batch;
      T* to = gradient.mutable_data<T>();
      if (unused) std::fill(to + i * n, to + (i + 1) * n, T{0});
    }
  });
}

/// solve() for b [..., n, k].
Tensor solve_matrix(const Tensor& a, const Tensor& b) {
  if (a.size(-1) != b.size(-2)) {
    throw ShapeError(fmt::format("solve: a is {}, b is {}: b must be [..., n, k] or [..., n]",
                                 a.shape().str(), b.shape().str()));
  }
  Matrices shape(a.shape());
  shape.batch = detail::broadcast_leading("solve", a.shape(), b.shape());
  const Shape shape_a = shape.with(shape.n, shape.n), shape_b = shape.with(shape.n, b.size(-1));
  Tensor x = solve_all("solve", spread(a, shape_a), false, spread(b, shape_b));
  record_joint("solve", {x}, {a, b},
               [shape_a, batch = shape.batch.numel(), a = Saved(a), x = Saved(x)](
                   Cotangents g, Needs needs) -> std::vector<Gradient> {
                 const Tensor db = solve_all("solve", spread(*a, shape_a), true, g[0]);  // A^-T g
                 clear_unused(batch, {g[0]}, db);
                 if (!needs[0]) return {Gradient(), db};
                 const Tensor da = matmul(db, *x, {.trans_b = true}).mul_(-1);  // -db x^T
                 clear_unused(batch, {g[0]}, da);
                 return {da, db};
               });
  return x;
}

}  // namespace

Tensor solve(const Tensor& a, const Tensor& b) {
  check_matrices("solve", a, true);
  detail::check_same_dtype("solve", a, b);
  if (b.dim() == 0) {
    throw ShapeError(
        fmt::format("solve: a is {}, b is []: b must be [..., n, k] or [..., n]", a.shape().str()));
  }
  const bool vectors = b.dim() == 1 || b.shape() == splice(a.shape(), a.dim() - 1, 1, {});
  return vectors ? squeeze(solve_matrix(a, unsqueeze(b, -1)), -1) : solve_matrix(a, b);
}

Tensor inv(const Tensor& a) {
  check_matrices("inv", a, true);
  return solve_matrix(a, eye(a.size(-1), a.dtype()));
}

namespace {

/// phi(M): the lower triangle with half of the diagonal; the rest is 0.
template <class T>
void take_lower(T* matrix, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    matrix[i * n + i] /= 2;
    std::fill(matrix + i * n + i + 1, matrix + (i + 1) * n, T{0});
  }
}

/// (M + M^T) / 2.
template <class T>
void make_symmetric(T* matrix, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < i; ++j) {
      const T mean = (matrix[i * n + j] + matrix[j * n + i]) / 2;
      matrix[i * n + j] = matrix[j * n + i] = mean;
    }
  }
}

/// L^-T phi(L^T g) L^-1, made symmetric.
Tensor cholesky_vjp(const Tensor& l, const Tensor& g) {
  const Matrices shape(l.shape());
  const std::int64_t n = shape.n;
  const Tensor product = matmul(l, g, {.trans_a = true});
  Tensor da = empty_like(l);
  if (da.numel() == 0) return da;
  visit_float("cholesky", l, [&]<class T>(T) {
    const T* factor = l.data<T>();
    T *middle = product.mutable_data<T>(), *to = da.mutable_data<T>();
    first_failure(shape.batch.numel(), cost_of(n, n, 2 * n), [=](std::int64_t i) {
      const std::int64_t at = i * n * n;
      take_lower(middle + at, n);
      const Triangle right{.lower = true, .transposed = false, .right = true};
      const Triangle left{.lower = true, .transposed = true, .right = false};
      detail::lapack_solve_triangular(factor + at, right, middle + at, to + at, n, n);
      std::copy(to + at, to + at + n * n, middle + at);
      detail::lapack_solve_triangular(factor + at, left, middle + at, to + at, n, n);
      make_symmetric(to + at, n);
      return true;  // the diagonal of L is positive
    });
  });
  return da;
}

}  // namespace

Tensor cholesky(const Tensor& a) {
  check_matrices("cholesky", a, true);
  const Matrices shape(a.shape());
  const std::int64_t n = shape.n;
  const Tensor l = empty_like(a);
  const std::int64_t failed = visit_float("cholesky", a, [&]<class T>(T) {
    const T* from = a.data<T>();
    T* to = l.mutable_data<T>();
    if (n == 0) return std::int64_t{-1};
    return first_failure(shape.batch.numel(), cost_of(n, n, n), [=](std::int64_t i) {
      return detail::lapack_cholesky(from + i * n * n, to + i * n * n, n);
    });
  });
  if (failed >= 0)
    throw ValueError(
        fmt::format("cholesky: {} is not positive definite", entry_name(shape.batch, failed)));
  return record("cholesky", l,
                vjp(a, [l = Saved(l)](const Tensor& g) { return cholesky_vjp(*l, g); }));
}

namespace {

/// M = tril(M) + tril(M, -1)^T: the lower triangle, mirrored.
template <class T>
void mirror_lower(T* matrix, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < i; ++j) matrix[j * n + i] = matrix[i * n + j];
  }
}

/// (gq + Q mirrored(R gr^T - gq^T Q)) R^-T; an undefined cotangent is 0.
Tensor qr_vjp(const Tensor& q, const Tensor& r, const Tensor& gq, const Tensor& gr) {
  const Matrices shape(q.shape());
  const std::int64_t m = shape.m, n = shape.n, batch = shape.batch.numel();
  Tensor da = empty_like(q);
  if (da.numel() == 0) return da;
  const Tensor middle = gr.defined() ? matmul(r, gr, {.trans_b = true}) : zeros_like(r);
  if (gq.defined()) middle.add_(matmul(gq, q, {.trans_a = true}), -1);
  visit_float("qr", q, [&]<class T>(T) {
    for (std::int64_t i = 0; i < batch; ++i) mirror_lower(middle.mutable_data<T>() + i * n * n, n);
  });
  const Tensor left = matmul(q, middle);
  if (gq.defined()) left.add_(gq);
  const std::int64_t failed = visit_float("qr", q, [&]<class T>(T) {
    const T *upper = r.data<T>(), *from = left.data<T>();
    T* to = da.mutable_data<T>();
    const Triangle form{.lower = false, .transposed = true, .right = true};
    return first_failure(batch, cost_of(m, n, n), [=](std::int64_t i) {
      return detail::lapack_solve_triangular(upper + i * n * n, form, from + i * m * n,
                                             to + i * m * n, m, n);
    });
  });
  if (failed >= 0) {
    throw AutogradError(fmt::format("qr: {} does not have full rank: no derivative",
                                    entry_name(shape.batch, failed)));
  }
  clear_unused(batch, {gq, gr}, da);
  return da;
}

}  // namespace

QR qr(const Tensor& a) {
  check_matrices("qr", a, false);
  const Matrices shape(a.shape());
  const std::int64_t m = shape.m, n = shape.n, k = std::min(m, n);
  QR result{empty(shape.with(m, k), a.dtype()), empty(shape.with(k, n), a.dtype())};
  visit_float("qr", a, [&]<class T>(T) {
    const T* from = a.data<T>();
    T *q = result.q.mutable_data<T>(), *r = result.r.mutable_data<T>();
    first_failure(k == 0 ? 0 : shape.batch.numel(), cost_of(m, n, 2 * k), [=](std::int64_t i) {
      detail::lapack_qr(from + i * m * n, q + i * m * k, r + i * k * n, m, n);
      return true;
    });
  });
  record_joint(
      "qr", {result.q, result.r}, {a},
      [shape = a.shape(), q = Saved(result.q), r = Saved(result.r)](
          Cotangents g, Needs) -> std::vector<Gradient> {
        if (q.shape() != shape) {
          throw AutogradError(fmt::format(
              "qr: no derivative if there are more columns than rows: a is {}", shape.str()));
        }
        return {qr_vjp(*q, *r, g[0], g[1])};
      });
  return result;
}

SVD svd(const Tensor& a) {
  check_matrices("svd", a, false);
  if (grad_enabled() && a.requires_grad()) {
    throw AutogradError(
        "svd: no derivative, and a requires a gradient: detach() it or use a NoGradGuard");
  }
  const Matrices shape(a.shape());
  const std::int64_t m = shape.m, n = shape.n, k = std::min(m, n);
  SVD result{empty(shape.with(m, k), a.dtype()),
             empty(splice(shape.batch, shape.batch.rank(), 0, {k}), a.dtype()),
             empty(shape.with(k, n), a.dtype())};
  const std::int64_t failed = visit_float("svd", a, [&]<class T>(T) {
    const T* from = a.data<T>();
    T *u = result.u.mutable_data<T>(), *s = result.s.mutable_data<T>(),
      *vh = result.vh.mutable_data<T>();
    return first_failure(k == 0 ? 0 : shape.batch.numel(), cost_of(m, n, 8 * k),
                         [=](std::int64_t i) {
                           return detail::lapack_svd(from + i * m * n, u + i * m * k, s + i * k,
                                                     vh + i * k * n, m, n);
                         });
  });
  if (failed >= 0)
    throw ValueError(fmt::format("svd: {} does not converge", entry_name(shape.batch, failed)));
  detail::note_op("svd");
  return result;
}

}  // namespace gradus
