#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/kernels/where.h>
#include <gradus/framework/ops/author/broadcast.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/where.h>

#include <algorithm>

namespace gradus {

namespace {

void check_mask(const char* operation, const Tensor& mask) {
  detail::check_defined(operation, "mask", mask);
  if (mask.dtype() == DType::boolean) return;
  throw DTypeError(
      fmt::format("{}: a mask of dtype {} where boolean is needed: compare it first, as "
                  "in not_equal(mask, 0)",
                  operation, name(mask.dtype())));
}

// The broadcast shape of a mask and values.
Shape shape_with_mask(const char* operation, const Shape& mask, const Shape& values) {
  if (!broadcastable(mask, values)) {
    throw ShapeError(fmt::format("{}: shapes do not broadcast: the mask is {}, the values are {}",
                                 operation, mask.str(), values.str()));
  }
  return broadcast_shapes(mask, values, operation);
}

// mask ? a : b; the dtypes of a and b are equal and the shapes fit.
Tensor selected(const Tensor& mask, const Tensor& a, const Tensor& b, const Shape& shape) {
  Tensor y = empty(shape, a.dtype());
  const detail::Broadcast<3> loop(shape, {&mask.shape(), &a.shape(), &b.shape()});
  const auto stride = loop.run_strides();
  detail::dispatch(a.dtype(), [&]<class T>(T) {
    T* out = y.mutable_data<T>();
    detail::for_each_run(
        loop, y.numel(), 1, [&](const auto& at, std::int64_t begin, std::int64_t n) {
          kernels::select(mask.data<bool>() + at[0], stride[0], a.data<T>() + at[1], stride[1],
                          b.data<T>() + at[2], stride[2], out + begin, n);
        });
  });
  return y;
}

Tensor selected(const char* operation, const Tensor& mask, const Tensor& a, const Tensor& b) {
  check_mask(operation, mask);
  detail::check_same_dtype(operation, a, b);
  return selected(
      mask, a, b,
      shape_with_mask(operation, mask.shape(), broadcast_shapes(a.shape(), b.shape(), operation)));
}

// g where the mask is true (or false), else 0: the gradient of where and masked_fill.
Tensor kept(const Tensor& g, const Tensor& mask, bool where_true) {
  const Tensor zero = zeros({}, g.dtype());
  return selected(mask, where_true ? g : zero, where_true ? zero : g, g.shape());
}

// Adds g [n] to the elements ids [n] of sum: the gradient of masked_select. No id repeats if they
// are `distinct`.
void scatter(const Tensor& g, const Tensor& ids, bool distinct, const Tensor& sum) {
  visit_float("masked_select", g, [&]<class T>(T) {
    const auto* from = g.data<T>();
    const auto* id = ids.data<std::int64_t>();
    auto* to = sum.mutable_data<T>();
    if (!distinct)
      return kernels::scatter_add_rows(from, id, ids.numel(), 1, T{1}, to, sum.numel());
    parallel_for_each(ids.numel(), 4, [=](std::int64_t k) { to[id[k]] += from[k]; });
  });
}

}  // namespace

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  const Tensor y = selected("where", mask, a, b);
  return record("where", y,
                vjp(a, [mask = Saved(mask)](const Tensor& g) { return kept(g, *mask, true); }),
                vjp(b, [mask = Saved(mask)](const Tensor& g) { return kept(g, *mask, false); }));
}

Tensor where(const Tensor& mask, const Tensor& a, Number b) {
  detail::check_defined("where", "a", a);
  return where(mask, a, detail::number_like("where", b, a));
}

Tensor where(const Tensor& mask, Number a, const Tensor& b) {
  detail::check_defined("where", "b", b);
  return where(mask, detail::number_like("where", a, b), b);
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, Number value) {
  detail::check_defined("masked_fill", "x", x);
  const Tensor y = selected("masked_fill", mask, detail::number_like("masked_fill", value, x), x);
  return record("masked_fill", y,
                vjp(x, [mask = Saved(mask)](const Tensor& g) { return kept(g, *mask, false); }));
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  detail::check_defined("masked_select", "x", x);
  check_mask("masked_select", mask);
  const Shape shape = shape_with_mask("masked_select", mask.shape(), x.shape());
  const Tensor full_mask = broadcast_to(mask, shape);
  const bool* flags = full_mask.data<bool>();
  const Tensor ids = empty({kernels::count_true(flags, shape.numel())}, DType::int64);
  auto* id = ids.mutable_data<std::int64_t>();
  kernels::true_positions(flags, ids.numel(), id);
  if (x.shape() != shape) {  // from positions in the result to positions in x
    const Tensor places = broadcast_to(reshape(arange(x.numel()), x.shape()), shape);
    const auto* place = places.data<std::int64_t>();
    std::for_each(id, id + ids.numel(), [place](std::int64_t& k) { k = place[k]; });
  }
  const Tensor y = empty(ids.shape(), x.dtype());
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    T* out = y.mutable_data<T>();
    parallel_for_each(ids.numel(), 4,
                      [=, from = x.data<T>()](std::int64_t k) { out[k] = from[id[k]]; });
  });
  const bool distinct = x.shape() == shape;
  return record("masked_select", y,
                vjp(x, [ids = Saved(ids), distinct](const Tensor& g, const Tensor& sum) {
                  scatter(g, *ids, distinct, sum);
                }));
}

}  // namespace gradus
