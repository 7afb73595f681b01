#pragma once
// For authors of fused ops: a Tensor as an xtensor expression, and an xtensor expression as a
// Tensor. Link gradus::xtensor and include this before any other header of xtensor.
//
//   template <class T>
//   Tensor gelu_forward(const Tensor& x) {
//     const auto v = xflat<T>(x);
//     return from_flat<T>(x.shape(), T(0.5) * v * (T(1) + xt::erf(v * T(M_SQRT1_2))));
//   }
//
// An adaptor does not own its memory: keep the Tensor alive, and do not use e beyond the statement
// `auto e = f(xflat<T>(temporary))`. Write numbers as T: a double makes an expression of floats
// many times slower. Assigning one adaptor to another makes it point elsewhere; assigning an
// expression to it writes the values. Evaluate (xt::eval) a keep_dims reducer before broadcasting
// it, and a lazy expression before xt::view adds an xt::newaxis(): otherwise xtensor reads past
// their ends.
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/detail/xtensor_shim.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/tensor.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

namespace gradus {

namespace detail {

template <std::size_t N>
std::array<std::size_t, N> static_shape(const Tensor& tensor) {
  if (static_cast<std::size_t>(tensor.dim()) != N) {
    throw ShapeError("xview: the tensor " + tensor.shape().str() + " does not have " +
                     std::to_string(N) + " axes");
  }
  std::array<std::size_t, N> shape{};
  for (std::size_t i = 0; i < N; ++i) {
    shape[i] = static_cast<std::size_t>(tensor.shape()[static_cast<int>(i)]);
  }
  return shape;
}

inline xt::dynamic_shape<std::size_t> dynamic_shape(const Tensor& tensor) {
  xt::dynamic_shape<std::size_t> shape;
  for (const std::int64_t size : tensor.shape()) shape.push_back(static_cast<std::size_t>(size));
  return shape;
}

template <class T, class E, class Shape>
void assign(const Tensor& result, const E& expression, const Shape& shape) {
  auto out = xt::adapt(result.mutable_data<T>(), static_cast<std::size_t>(result.numel()),
                       xt::no_ownership(), shape);
  xt::noalias(out) = expression;
}

}  // namespace detail

/// The values as one axis of numel() elements, read-only. Throws DTypeError unless T is the
/// element type.
template <class T>
auto xflat(const Tensor& tensor) {
  const std::array<std::size_t, 1> shape{static_cast<std::size_t>(tensor.numel())};
  return xt::adapt(tensor.data<T>(), shape[0], xt::no_ownership(), shape);
}

/// The values with the N axes of the tensor, read-only. Throws ShapeError unless it has N axes,
/// DTypeError unless T is the element type.
template <class T, std::size_t N>
auto xview(const Tensor& tensor) {
  return xt::adapt(tensor.data<T>(), static_cast<std::size_t>(tensor.numel()), xt::no_ownership(),
                   detail::static_shape<N>(tensor));
}

/// The values with all axes of the tensor, read-only: for ops of any rank. Slower for small tensors
/// than the forms above. Throws DTypeError unless T is the element type.
template <class T>
auto xview(const Tensor& tensor) {
  return xt::adapt(tensor.data<T>(), static_cast<std::size_t>(tensor.numel()), xt::no_ownership(),
                   detail::dynamic_shape(tensor));
}

/// The same for writing; this is a change in place (see Tensor::mutable_data).
template <class T>
auto xflat_mutable(const Tensor& tensor) {
  const std::array<std::size_t, 1> shape{static_cast<std::size_t>(tensor.numel())};
  return xt::adapt(tensor.mutable_data<T>(), shape[0], xt::no_ownership(), shape);
}
template <class T, std::size_t N>
auto xview_mutable(const Tensor& tensor) {
  return xt::adapt(tensor.mutable_data<T>(), static_cast<std::size_t>(tensor.numel()),
                   xt::no_ownership(), detail::static_shape<N>(tensor));
}
template <class T>
auto xview_mutable(const Tensor& tensor) {
  return xt::adapt(tensor.mutable_data<T>(), static_cast<std::size_t>(tensor.numel()),
                   xt::no_ownership(), detail::dynamic_shape(tensor));
}

/// A new tensor of the given shape with the values of a rank-1 expression of shape.numel()
/// elements. Throws ShapeError if the count differs.
template <class T, class E>
Tensor from_flat(const Shape& shape, const xt::xexpression<E>& expression) {
  const E& e = expression.derived_cast();
  if (e.dimension() != 1 || static_cast<std::int64_t>(e.size()) != shape.numel()) {
    throw ShapeError("from_flat: an expression of " + std::to_string(e.dimension()) + " axes and " +
                     std::to_string(e.size()) + " elements for the shape " + shape.str());
  }
  Tensor result = empty(shape, dtype_of<T>);
  detail::assign<T>(result, e, std::array<std::size_t, 1>{e.size()});
  return result;
}

/// A new tensor with the shape and values of an expression, which may read the tensor that the
/// result is assigned to: `x = from_xt<T>(xt::transpose(xview<T, 2>(x)))`.
template <class T, class E>
Tensor from_xt(const xt::xexpression<E>& expression) {
  const E& e = expression.derived_cast();
  std::vector<std::int64_t> sizes;
  for (const auto size : e.shape()) sizes.push_back(static_cast<std::int64_t>(size));
  Tensor result = empty(Shape(sizes), dtype_of<T>);
  if constexpr (requires { std::tuple_size<std::decay_t<decltype(e.shape())>>::value; }) {
    std::array<std::size_t, std::tuple_size_v<std::decay_t<decltype(e.shape())>>> shape{};
    std::copy(e.shape().begin(), e.shape().end(), shape.begin());
    detail::assign<T>(result, e, shape);
  } else {
    detail::assign<T>(result, e,
                      xt::dynamic_shape<std::size_t>(e.shape().begin(), e.shape().end()));
  }
  return result;
}

}  // namespace gradus
