#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/scatter.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/scatter.h>

namespace gradus {

using detail::map;
using detail::splice;

namespace {

// Maps between entries of an axis and the positions of ids. The ids have the shape of the tensor
// except on that axis, or are one vector for all.
class Path {
 public:
  Path(const char* operation, const Tensor& x, std::int64_t axis, const Tensor& ids,
       bool one_vector)
      : view_(detail::axis_view(x, axis, operation)),
        ids_(detail::defined(operation, "ids", ids)),
        m_(0),
        one_vector_(one_vector) {
    if (one_vector && ids.dim() != 1) {
      throw ShapeError(
          fmt::format("{}: ids are {}: a vector [n] is needed", operation, ids.shape().str()));
    }
    if (!one_vector)
      detail::check_same_except(operation, view_.axis, x.shape(), "ids are", ids.shape());
    detail::check_ids(operation, ids, view_.n);
    m_ = one_vector ? ids.numel() : ids.shape()[view_.axis];
  }

  // Throws unless src has one element for each position.
  void check_source(const char* operation, const Tensor& x, const Tensor& src) const {
    detail::check_defined(operation, "src", src);
    detail::check_same_dtype(operation, "x", x, "src", src);
    const Shape needed = splice(x.shape(), view_.axis, 1, {m_});
    if (src.shape() == needed) return;
    throw ShapeError(fmt::format("{}: src is {}, {} is needed: x is {}, ids are {}", operation,
                                 src.shape().str(), needed.str(), x.shape().str(),
                                 ids_.shape().str()));
  }

  Shape source_shape(const Shape& x) const { return splice(x, view_.axis, 1, {m_}); }

  // Calls f(routes) with what the kernels need.
  template <class F>
  void run(const F& f) const {
    const Tensor ids = *ids_;
    f(kernels::Routes{ids.data<std::int64_t>(), view_.outer, m_, view_.n, view_.inner,
                      one_vector_});
  }

 private:
  detail::AxisView view_;
  Saved ids_;
  std::int64_t m_;
  bool one_vector_;
};

// A copy of x with the sources, or the number, written to their places.
Tensor overwritten(const char* operation, const Tensor& x, const Path& path, const Tensor* src,
                   const Number& value) {
  return detail::dispatch(x.dtype(), [&]<class T>(T) {
    const T element = detail::to_element<T>(operation, value);
    Tensor y = x.clone();
    path.run([&](const kernels::Routes& routes) {
      kernels::scatter(routes, src ? src->data<T>() : nullptr, element, y.mutable_data<T>());
    });
    return y;
  });
}

// The gradient is 0 where something was overwritten.
auto overwritten_vjp(const Tensor& x, const Path& path) {
  return vjp(x, [path](const Tensor& g) { return overwritten("scatter", g, path, nullptr, 0); });
}

// g at the place that each source went to; with from_last, 0 for sources that another one
// overwrote.
template <class Kernel>
Tensor gathered(const Tensor& g, const Path& path, const Kernel& kernel) {
  Tensor dx = empty(path.source_shape(g.shape()), g.dtype());
  path.run([&](const kernels::Routes& routes) {
    visit_float("scatter", g,
                [&]<class T>(T) { kernel(routes, g.data<T>(), dx.mutable_data<T>()); });
  });
  return dx;
}

void check_adds(const char* operation, const Tensor& x) {
  detail::check_defined(operation, "x", x);
  if (x.dtype() == DType::boolean) detail::throw_boolean(operation);
}

// A copy of x with the sources added.
Tensor added(const Tensor& x, const Path& path, const Tensor& src) {
  Tensor y = x.clone();
  path.run([&](const kernels::Routes& routes) {
    detail::dispatch_number("scatter_add", x.dtype(), [&]<class T>(T) {
      kernels::scatter_add(routes, src.data<T>(), y.mutable_data<T>());
    });
  });
  return y;
}

constexpr auto from_each = [](const auto&... arguments) { kernels::gather(arguments...); };
constexpr auto from_last = [](const auto&... arguments) { kernels::gather_last(arguments...); };

}  // namespace

Tensor scatter(const Tensor& x, std::int64_t axis, const Tensor& ids, const Tensor& src) {
  const Path path("scatter", x, axis, ids, false);
  path.check_source("scatter", x, src);
  return record("scatter", overwritten("scatter", x, path, &src, 0), overwritten_vjp(x, path),
                vjp(src, [path](const Tensor& g) { return gathered(g, path, from_last); }));
}

Tensor scatter(const Tensor& x, std::int64_t axis, const Tensor& ids, Number value) {
  const Path path("scatter", x, axis, ids, false);
  return record("scatter", overwritten("scatter", x, path, nullptr, value),
                overwritten_vjp(x, path));
}

Tensor index_fill(const Tensor& x, std::int64_t axis, const Tensor& ids, Number value) {
  const Path path("index_fill", x, axis, ids, true);
  return record("index_fill", overwritten("index_fill", x, path, nullptr, value),
                overwritten_vjp(x, path));
}

Tensor scatter_add(const Tensor& x, std::int64_t axis, const Tensor& ids, const Tensor& src) {
  check_adds("scatter_add", x);
  const Path path("scatter_add", x, axis, ids, false);
  path.check_source("scatter_add", x, src);
  return record("scatter_add", added(x, path, src), vjp(x, [](const Tensor& g) { return g; }),
                vjp(src, [path](const Tensor& g) { return gathered(g, path, from_each); }));
}

Tensor index_add(const Tensor& x, std::int64_t axis, const Tensor& ids, const Tensor& src,
                 Number alpha) {
  check_adds("index_add", x);
  const Path path("index_add", x, axis, ids, true);
  path.check_source("index_add", x, src);
  const bool plain = alpha.real() == 1;
  const Tensor scaled = plain ? src : map("index_add", src, alpha, kernels::mul);
  return record("index_add", added(x, path, scaled), vjp(x, [](const Tensor& g) { return g; }),
                vjp(src, [path, alpha, plain](const Tensor& g) {
                  const Tensor dx = gathered(g, path, from_each);
                  return plain ? dx : map("index_add", dx, alpha, kernels::mul_vjp);
                }));
}

}  // namespace gradus
