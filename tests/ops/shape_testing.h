#pragma once
// What tests of ops that move values share.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace gradus {

/// 0, 1, 2, ... as float64.
inline Tensor counting(const Shape& shape) {
  return reshape(arange(shape.numel()), shape).to(DType::float64);
}

using Index = std::vector<std::int64_t>;

/// f(index) for every index of `shape`, in row-major order.
template <class F>
std::vector<double> by_index(const Shape& shape, F f) {
  std::vector<double> values;
  Index index(static_cast<std::size_t>(shape.rank()));
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    std::int64_t rest = i;
    for (int axis = shape.rank(); axis-- > 0; rest /= shape[axis]) {
      index[static_cast<std::size_t>(axis)] = rest % shape[axis];
    }
    values.push_back(f(index));
  }
  return values;
}

/// The element of x at an index.
inline double at(const Tensor& x, const Index& index) {
  std::int64_t offset = 0;
  for (int axis = 0; axis < x.dim(); ++axis) {
    offset = offset * x.shape()[axis] + index[static_cast<std::size_t>(axis)];
  }
  return values_of(x)[static_cast<std::size_t>(offset)];
}

/// A change in place through the view is seen by the base, and backward notices it.
inline void expect_shared(const std::function<Tensor(const Tensor&)>& view_of) {
  const Tensor base = ones({1, 2, 3}, DType::float64);
  const Tensor other = random_leaf({1, 2, 3});
  const Tensor y = mul(other, base);  // saves base
  view_of(base).fill_(5);
  EXPECT_TRUE(values_of(base) != std::vector<double>(6, 1.0));
  EXPECT_THROW(y.backward(ones_like(y)), AutogradError);
}

inline void expect_copied(const std::function<Tensor(const Tensor&)>& function) {
  const Tensor base = ones({1, 2, 3}, DType::float64);
  const Tensor result = function(base);
  result.fill_(5);
  EXPECT_EQ(values_of(base), std::vector<double>(6, 1.0));
}

/// The function of any dtype gives what it gives for float64.
inline void expect_any_dtype(const std::function<Tensor(const Tensor&)>& function) {
  const Tensor bits = tensor({0.0, 1.0, 1.0, 0.0, 0.0, 1.0}, {1, 2, 3});
  const Tensor expected = function(bits);
  for (const DType type : {DType::float32, DType::int64, DType::boolean}) {
    const Tensor y = function(bits.to(type));
    EXPECT_EQ(y.dtype(), type);
    EXPECT_TRUE(has_values(y, expected.shape(), values_of(expected)));
  }
}

}  // namespace gradus
