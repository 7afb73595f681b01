#include <gradus/framework/creation.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/ops/broadcast.h>

#include <array>

namespace gradus::detail {

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const Tensor y = empty(shape, x.dtype());
  if (x.numel() == 1) {
    dispatch(x.dtype(),
             [&]<class T>(T) { kernels::fill(static_cast<T*>(raw(y)), *x.data<T>(), y.numel()); });
    return y;
  }
  std::array<std::int64_t, Shape::max_rank> strides{};
  std::int64_t stride = 1;
  for (int axis = shape.rank() - 1, own = x.dim() - 1; own >= 0; --axis, --own) {
    if (x.shape()[own] != 1) strides[static_cast<std::size_t>(axis)] = stride;
    stride *= x.shape()[own];
  }
  kernels::broadcast(data(x), raw(y), shape.rank(), strides.data(), shape.begin(),
                     static_cast<std::size_t>(item_size(x.dtype())));
  return y;
}

}  // namespace gradus::detail
