#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/shape.h>

namespace gradus {

using detail::map;

Tensor equal(const Tensor& a, const Tensor& b) { return map("equal", a, b, kernels::equal); }
Tensor equal(const Tensor& a, Number b) { return map("equal", a, b, kernels::equal); }

Tensor not_equal(const Tensor& a, const Tensor& b) {
  return map("not_equal", a, b, kernels::not_equal);
}
Tensor not_equal(const Tensor& a, Number b) { return map("not_equal", a, b, kernels::not_equal); }

Tensor less(const Tensor& a, const Tensor& b) { return map("less", a, b, kernels::less); }
Tensor less(const Tensor& a, Number b) { return map("less", a, b, kernels::less); }

Tensor less_equal(const Tensor& a, const Tensor& b) {
  return map("less_equal", a, b, kernels::less_equal);
}
Tensor less_equal(const Tensor& a, Number b) {
  return map("less_equal", a, b, kernels::less_equal);
}

Tensor greater(const Tensor& a, const Tensor& b) { return map("greater", a, b, kernels::greater); }
Tensor greater(const Tensor& a, Number b) { return map("greater", a, b, kernels::greater); }

Tensor greater_equal(const Tensor& a, const Tensor& b) {
  return map("greater_equal", a, b, kernels::greater_equal);
}
Tensor greater_equal(const Tensor& a, Number b) {
  return map("greater_equal", a, b, kernels::greater_equal);
}

Tensor isnan(const Tensor& x) {
  detail::check_defined("isnan", "x", x);
  if (!is_floating(x.dtype())) {
    throw DTypeError(fmt::format("isnan: not defined for {} tensors", name(x.dtype())));
  }
  return map("isnan", x, x, kernels::not_equal);
}

namespace {

// y = f(a, b) for booleans.
template <class F>
Tensor combine(const char* operation, const Tensor& a, const Tensor& b, F f) {
  detail::check_defined(operation, {{"a", a}, {"b", b}});
  detail::check_boolean(operation, "a", a);
  detail::check_boolean(operation, "b", b);
  const Shape shape = broadcast_shapes(a.shape(), b.shape(), operation);
  const Tensor full_a = broadcast_to(a, shape);
  const Tensor full_b = broadcast_to(b, shape);
  Tensor y = empty(shape, DType::boolean);
  const bool* p = full_a.data<bool>();
  const bool* q = full_b.data<bool>();
  bool* out = y.mutable_data<bool>();
  parallel_for_each(shape.numel(), 1, [&](std::int64_t i) { out[i] = f(p[i], q[i]); });
  detail::note_op(operation);
  return y;
}

}  // namespace

Tensor logical_not(const Tensor& x) {
  detail::check_defined("logical_not", "x", x);
  return combine("logical_not", x, x, [](bool p, bool) { return !p; });
}

Tensor logical_and(const Tensor& a, const Tensor& b) {
  return combine("logical_and", a, b, [](bool p, bool q) { return p && q; });
}

Tensor logical_or(const Tensor& a, const Tensor& b) {
  return combine("logical_or", a, b, [](bool p, bool q) { return p || q; });
}

Tensor logical_xor(const Tensor& a, const Tensor& b) {
  return combine("logical_xor", a, b, [](bool p, bool q) { return p != q; });
}

}  // namespace gradus
