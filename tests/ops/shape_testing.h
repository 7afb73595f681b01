#pragma once
// What tests of ops that move values share.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_testing.h>

#include <functional>

namespace gradus {

/// 0, 1, 2, ... as float64.
inline Tensor counting(const Shape& shape) {
  return reshape(arange(shape.numel()), shape).to(DType::float64);
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
