#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/reduced_axes.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>

namespace gradus {

using detail::Access;
using detail::ReducedAxes;

namespace {

// Reduces each run of adjacent axes, from the last one, by step(in, out, outer, n, inner).
template <class Step>
Tensor reduce(const Tensor& x, const ReducedAxes& plan, bool keepdim, Step step) {
  Tensor y = x;
  std::int64_t inner = 1;
  for (int end = x.dim(); end > 0;) {
    int begin = end - 1;
    const bool reduced = plan.reduced(begin);
    while (begin > 0 && plan.reduced(begin - 1) == reduced) --begin;
    const std::int64_t n = x.shape().numel(begin, end);
    if (reduced) {
      const std::int64_t outer = x.shape().numel(0, begin);
      const Tensor out = empty({outer, inner}, x.dtype());
      step(y, out, outer, n, inner);
      y = out;
    } else {
      inner *= n;
    }
    end = begin;
  }
  if (y.is_same(x)) y = x.clone();  // rank 0
  return Access::view(y, 0, plan.result(keepdim));
}

// The gradient of a reduction, repeated over the reduced axes.
Repeated repeat(const Tensor& g, const ReducedAxes& plan) {
  return {Access::view(g, 0, plan.result(true))};
}

Tensor add_up(const Tensor& x, const ReducedAxes& plan, bool keepdim) {
  if (x.dtype() == DType::boolean) return add_up(x.to(DType::int64), plan, keepdim);
  return reduce(x, plan, keepdim, [](const Tensor& in, const Tensor& out, auto... sizes) {
    detail::dispatch_number("sum", in.dtype(), [&]<class T>(T) {
      kernels::sum(in.data<T>(), out.mutable_data<T>(), sizes...);
    });
  });
}

Tensor sum(const Tensor& x, const ReducedAxes& plan, bool keepdim) {
  return record("sum", add_up(x, plan, keepdim),
                vjp(x, [plan](const Tensor& g) { return repeat(g, plan); }));
}

Tensor mean(const Tensor& x, const ReducedAxes& plan, bool keepdim) {
  if (!is_floating(x.dtype())) {
    throw DTypeError(fmt::format(
        "mean: a tensor of dtype {} where float32 or float64 is needed: convert it with "
        "to(DType::float32)",
        name(x.dtype())));
  }
  const auto step = [](const Tensor& in, const Tensor& out, auto... sizes) {
    visit_float("mean", in,
                [&]<class T>(T) { kernels::mean(in.data<T>(), out.mutable_data<T>(), sizes...); });
  };
  return record("mean", reduce(x, plan, keepdim, step), vjp(x, [plan](const Tensor& g) {
                  const double count = static_cast<double>(plan.count());
                  return repeat(detail::map("mean", g, count, kernels::div), plan);  // g / count
                }));
}

}  // namespace

Tensor sum(const Tensor& x) { return sum(x, ReducedAxes("sum", x), false); }
Tensor sum(const Tensor& x, const Axes& axes, bool keepdim) {
  return sum(x, ReducedAxes("sum", x, axes), keepdim);
}

Tensor mean(const Tensor& x) { return mean(x, ReducedAxes("mean", x), false); }
Tensor mean(const Tensor& x, const Axes& axes, bool keepdim) {
  return mean(x, ReducedAxes("mean", x, axes), keepdim);
}

Tensor any(const Tensor& x) { return not_equal(sum(detail::check_boolean("any", "x", x)), 0); }
Tensor any(const Tensor& x, const Axes& axes, bool keepdim) {
  return not_equal(sum(detail::check_boolean("any", "x", x), ReducedAxes("any", x, axes), keepdim),
                   0);
}

Tensor all(const Tensor& x) {
  const Tensor count = sum(detail::check_boolean("all", "x", x));
  return equal(count, x.numel());
}
Tensor all(const Tensor& x, const Axes& axes, bool keepdim) {
  const ReducedAxes plan("all", detail::check_boolean("all", "x", x), axes);
  return equal(sum(x, plan, keepdim), plan.count());
}

namespace {

void check_ordered(const char* operation, const Tensor& x) {
  if (x.dtype() != DType::boolean) return;
  throw DTypeError(
      fmt::format("{}: not defined for boolean tensors: see any() and all()", operation));
}

void check_not_empty(const char* operation, const ReducedAxes& plan) {
  for (int axis = 0; axis < plan.input().rank(); ++axis) {
    if (!plan.reduced(axis) || plan.input()[axis] > 0) continue;
    throw ShapeError(fmt::format(
        "{}: axis {} is empty, there is nothing to choose from: x is {}: reduce axes that are not "
        "empty",
        operation, axis, plan.input().str()));
  }
}

// Calls kernels::max or kernels::min, which see x as [outer, n, inner].
void choose(bool greatest, const Tensor& x, const Tensor& y, std::int64_t* index,
            std::int64_t outer, std::int64_t n, std::int64_t inner) {
  detail::dispatch_number(greatest ? "max" : "min", x.dtype(), [&]<class T>(T) {
    const auto kernel = greatest ? kernels::max<T> : kernels::min<T>;
    kernel(x.data<T>(), y.mutable_data<T>(), index, outer, n, inner);
  });
}

// Elements of x that equal y, repeated over x, are the extrema; each gets g / (their number).
Tensor share(const Tensor& g, const Tensor& x, const Tensor& y, const ReducedAxes& plan) {
  const Tensor whole = detail::repeat_to(Access::view(y, 0, plan.result(true)), plan.input());
  Tensor result = empty_like(x);
  visit_float("max", x, [&]<class T>(T) {
    T* tied = result.mutable_data<T>();
    const T* value = x.data<T>();
    const T* extremum = whole.data<T>();
    parallel_for_each(x.numel(), 1, [=](std::int64_t i) {
      const bool both_nan = value[i] != value[i] && extremum[i] != extremum[i];
      tied[i] = value[i] == extremum[i] || both_nan ? T{1} : T{0};
    });
    const Tensor ties = add_up(result, plan, true);
    const Tensor part_of = detail::map("max", Access::view(g, 0, ties.shape()), ties, kernels::div);
    const Tensor shares =
        detail::repeat_to(Access::view(part_of, 0, plan.result(true)), plan.input());
    const T* part = shares.data<T>();
    parallel_for_each(x.numel(), 1,
                      [=](std::int64_t i) { tied[i] = tied[i] != T{0} ? part[i] : T{0}; });
  });
  return result;
}

Tensor extremum(const char* operation, bool greatest, const Tensor& x, const ReducedAxes& plan,
                bool keepdim) {
  check_ordered(operation, x);
  check_not_empty(operation, plan);
  return reduce(x, plan, keepdim, [greatest](const Tensor& in, const Tensor& out, auto... sizes) {
    choose(greatest, in, out, nullptr, sizes...);
  });
}

ValuesAndIndices choose_along(const char* operation, bool greatest, const Tensor& x,
                              std::int64_t axis, bool keepdim) {
  const ReducedAxes plan(operation, x, axis);
  check_ordered(operation, x);
  check_not_empty(operation, plan);
  const int at = normalize_axis(axis, x.dim(), operation);
  const Shape shape = plan.result(keepdim);
  ValuesAndIndices y{empty(shape, x.dtype()), empty(shape, DType::int64)};
  choose(greatest, x, y.values, y.indices.mutable_data<std::int64_t>(), x.shape().numel(0, at),
         x.size(at), x.shape().numel(at + 1, x.dim()));
  return y;
}

// Adds g to the chosen elements of dx.
void add_to_chosen(const Tensor& g, const Tensor& indices, std::int64_t n, std::int64_t inner,
                   const Tensor& dx) {
  const auto* index = indices.data<std::int64_t>();
  visit_float("max", g, [&]<class T>(T) {
    const T* from = g.data<T>();
    T* to = dx.mutable_data<T>();
    parallel_for_each(g.numel(), 2, [=](std::int64_t i) {
      to[(i / inner * n + index[i]) * inner + i % inner] += from[i];
    });
  });
}

Tensor places_along(const char* operation, bool greatest, const Tensor& x, std::int64_t axis,
                    bool keepdim) {
  Tensor places = choose_along(operation, greatest, x, axis, keepdim).indices;
  detail::note_op(operation);
  return places;
}

// One place of the whole, in row-major order.
Tensor choose_place(const char* operation, bool greatest, const Tensor& x) {
  check_not_empty(operation, ReducedAxes(operation, x));
  return places_along(operation, greatest, Access::view(x, 0, {x.numel()}), 0, false);
}

// Equal extrema share the gradient evenly.
auto shared(const ReducedAxes& plan, const Tensor& x, const Tensor& y) {
  return [plan, x = Saved(x), y = Saved(y)](const Tensor& g) { return share(g, *x, *y, plan); };
}

// The chosen element gets the gradient.
auto chosen(const Tensor& x, std::int64_t axis, const Tensor& indices) {
  const int at = axis < 0 ? static_cast<int>(axis) + x.dim() : static_cast<int>(axis);
  const std::int64_t n = x.size(at);
  const std::int64_t inner = x.shape().numel(at + 1, x.dim());
  return [n, inner, indices = Saved(indices)](const Tensor& g, const Tensor& sum) {
    add_to_chosen(g, *indices, n, inner, sum);
  };
}

}  // namespace

Tensor max(const Tensor& x) {
  const ReducedAxes plan("max", x);
  const Tensor y = extremum("max", true, x, plan, false);
  return record("max", y, vjp(x, shared(plan, x, y)));
}

Tensor amax(const Tensor& x, const Axes& axes, bool keepdim) {
  const ReducedAxes plan("amax", x, axes);
  const Tensor y = extremum("amax", true, x, plan, keepdim);
  return record("amax", y, vjp(x, shared(plan, x, y)));
}

Tensor min(const Tensor& x) {
  const ReducedAxes plan("min", x);
  const Tensor y = extremum("min", false, x, plan, false);
  return record("min", y, vjp(x, shared(plan, x, y)));
}

Tensor amin(const Tensor& x, const Axes& axes, bool keepdim) {
  const ReducedAxes plan("amin", x, axes);
  const Tensor y = extremum("amin", false, x, plan, keepdim);
  return record("amin", y, vjp(x, shared(plan, x, y)));
}

ValuesAndIndices max(const Tensor& x, std::int64_t axis, bool keepdim) {
  ValuesAndIndices y = choose_along("max", true, x, axis, keepdim);
  y.values = record("max", y.values, vjp(x, chosen(x, axis, y.indices)));
  return y;
}

ValuesAndIndices min(const Tensor& x, std::int64_t axis, bool keepdim) {
  ValuesAndIndices y = choose_along("min", false, x, axis, keepdim);
  y.values = record("min", y.values, vjp(x, chosen(x, axis, y.indices)));
  return y;
}

Tensor argmax(const Tensor& x) { return choose_place("argmax", true, x); }
Tensor argmax(const Tensor& x, std::int64_t axis, bool keepdim) {
  return places_along("argmax", true, x, axis, keepdim);
}

Tensor argmin(const Tensor& x) { return choose_place("argmin", false, x); }
Tensor argmin(const Tensor& x, std::int64_t axis, bool keepdim) {
  return places_along("argmin", false, x, axis, keepdim);
}

}  // namespace gradus
