#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/cotangent.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/reduce.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace gradus::detail {

Tensor sum_to(const Tensor& gradient, const Shape& shape) {
  Tensor sum = gradient;
  const int extra = gradient.dim() - shape.rank();
  // Runs of axes that were broadcast, from the last one: view as [outer, n, inner], sum over n.
  for (int end = gradient.dim(); end > 0;) {
    const auto repeated = [&](int axis) {
      return axis < extra || (shape[axis - extra] == 1 && gradient.shape()[axis] != 1);
    };
    if (!repeated(end - 1)) {
      --end;
      continue;
    }
    int begin = end - 1;
    while (begin > 0 && repeated(begin - 1)) --begin;
    std::vector<std::int64_t> sizes(sum.shape().begin(), sum.shape().end());
    const auto first = sizes.begin();
    const std::int64_t outer = sum.shape().numel(0, begin);
    const std::int64_t n = sum.shape().numel(begin, end);
    const std::int64_t inner = sum.shape().numel(end, sum.dim());
    std::fill(first + begin, first + end, 1);
    Tensor result = empty(Shape(sizes), sum.dtype());
    dispatch_float("backward", sum.dtype(), [&]<class T>(T) {
      kernels::sum(sum.data<T>(), static_cast<T*>(raw(result)), outer, n, inner);
    });
    sum = std::move(result);
    end = begin;
  }
  return Access::view(sum, 0, shape);
}

Tensor repeat_to(const Tensor& gradient, const Shape& shape) {
  Tensor result = empty(shape, gradient.dtype());
  repeat_into(gradient, result);
  return result;
}

void repeat_into(const Tensor& gradient, const Tensor& y) {
  const Shape& shape = y.shape();
  std::array<std::int64_t, Shape::max_rank> strides{};
  std::int64_t stride = 1;
  for (int i = 1; i <= gradient.dim(); ++i) {
    const std::int64_t size = gradient.shape()[gradient.dim() - i];
    strides[static_cast<std::size_t>(shape.rank() - i)] = size == 1 ? 0 : stride;
    stride *= size;
  }
  kernels::broadcast(data(gradient), raw(y), shape.rank(), strides.data(), shape.begin(),
                     static_cast<std::size_t>(item_size(gradient.dtype())));
}

}  // namespace gradus::detail
