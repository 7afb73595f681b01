#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/softmax.h>
#include <gradus/framework/ops/softmax.h>

#include <array>

namespace gradus {

using detail::Access;
using detail::raw;

namespace {

/// A tensor seen as slices [outer, n, inner] along the middle axis.
struct Slices {
  Slices(const Shape& shape, int axis)
      : outer(shape.numel(0, axis)), n(shape[axis]), inner(shape.numel(axis + 1, shape.rank())) {}

  std::int64_t outer, n, inner;

  std::int64_t rows() const { return outer * inner; }

  /// x as rows [outer, inner, n]; x itself if the axis is the last one.
  Tensor to_rows(const Tensor& x) const { return swap(x, n, inner, {outer, inner, n}); }
  /// Rows back in the order of a tensor of the given shape.
  Tensor from_rows(const Tensor& rows, const Shape& shape) const {
    return swap(rows, inner, n, shape);
  }

 private:
  // x seen as [outer, a, b], with the last two axes swapped.
  Tensor swap(const Tensor& x, std::int64_t a, std::int64_t b, const Shape& result) const {
    if (inner == 1 || n == 1) return Access::view(x, 0, result);
    Tensor y = empty(result, x.dtype());
    const std::array<std::int64_t, 3> sizes{outer, a, b};
    const std::array<std::int64_t, 3> axes{0, 2, 1};
    kernels::permute(detail::data(x), raw(y), 3, sizes.data(), axes.data(),
                     static_cast<std::size_t>(item_size(x.dtype())));
    return y;
  }
};

// y = kernel(x) along the slices.
template <class Kernel>
Tensor along(const char* operation, const Tensor& x, const Slices& slices, Kernel kernel) {
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  const Tensor rows = slices.to_rows(x);
  const Tensor y = empty_like(rows);
  detail::dispatch_float(x.dtype(), operation, [&]<class T>(T) {
    kernel(rows.data<T>(), static_cast<T*>(raw(y)), slices.rows(), slices.n);
  });
  return slices.from_rows(y, x.shape());
}

// dx = kernel(g, y) along the slices.
template <class Kernel>
Tensor along(const char* operation, const Tensor& g, const Tensor& y, const Slices& slices,
             Kernel kernel) {
  const Tensor g_rows = slices.to_rows(g);
  const Tensor y_rows = slices.to_rows(y);
  const Tensor dx = empty_like(y_rows);
  detail::dispatch_float(y.dtype(), operation, [&]<class T>(T) {
    kernel(g_rows.data<T>(), y_rows.data<T>(), static_cast<T*>(raw(dx)), slices.rows(), slices.n);
  });
  return slices.from_rows(dx, y.shape());
}

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t axis) {
  const Slices slices(x.shape(), normalize_axis(axis, x.dim(), "softmax"));
  const Tensor y = along("softmax", x, slices, [](auto... a) { kernels::softmax(a...); });
  return record("softmax", y, vjp(x, [slices, y = Saved(y)](const Tensor& g) {
                  return along("softmax", g, *y, slices,  // y (g - sum(g y))
                               [](auto... a) { kernels::softmax_vjp(a...); });
                }));
}

Tensor log_softmax(const Tensor& x, std::int64_t axis) {
  const Slices slices(x.shape(), normalize_axis(axis, x.dim(), "log_softmax"));
  const Tensor y = along("log_softmax", x, slices, [](auto... a) { kernels::log_softmax(a...); });
  return record("log_softmax", y, vjp(x, [slices, y = Saved(y)](const Tensor& g) {
                  return along("log_softmax", g, *y, slices,  // g - exp(y) sum(g)
                               [](auto... a) { kernels::log_softmax_vjp(a...); });
                }));
}

}  // namespace gradus
