#pragma once
// What tests of ops that work element by element share.
#include <gradus/framework/core/creation.h>
#include <gradus/tests/support/op_cases.h>

#include <string>
#include <vector>

namespace gradus {

using Unary = Tensor (*)(const Tensor&);
using Binary = Tensor (*)(const Tensor&, const Tensor&);
using DoubleBinary = double (*)(double, double);

/// op against f for every pair of broadcast shapes, in both float types.
inline void check_broadcast_values(Binary op, DoubleBinary f) {
  for_each_broadcast_pair([&](const Shape& a, const Shape& b, const Shape& result) {
    SCOPED_TRACE(a.str() + " and " + b.str());
    const Tensor x = frozen(random_leaf(a, 1, 1, 2));
    const Tensor y = frozen(random_leaf(b, 2, 1, 2));
    std::vector<double> expected;
    for (std::int64_t i = 0; i < result.numel(); ++i) {
      expected.push_back(f(x.data<double>()[broadcast_offset(a, result, i)],
                           y.data<double>()[broadcast_offset(b, result, i)]));
    }
    EXPECT_TRUE(has_values(op(x, y), result, expected));
    EXPECT_TRUE(is_close(op(x.to(DType::float32), y.to(DType::float32)), result, expected, 1e-6));
  });
}

inline void check_binary_gradients(Binary op) {
  const auto function = [op](const Inputs& in) { return op(in[0], in[1]); };
  for_each_broadcast_pair([&](const Shape& a, const Shape& b, const Shape&) {
    SCOPED_TRACE(a.str() + " and " + b.str());
    EXPECT_TRUE(passes_gradcheck(function, {random_leaf(a, 1, 1, 2), random_leaf(b, 2, -2, -1)}));
  });
  const Tensor x = random_leaf({2, 3}, 3, 1, 2);
  const Tensor y = random_leaf({3}, 4, 1, 2);
  EXPECT_TRUE(passes_gradcheck(function, {x, frozen(y)}));
  EXPECT_TRUE(passes_gradcheck(function, {frozen(x), y}));
  EXPECT_TRUE(passes_gradcheck([op](const Inputs& in) { return op(in[0], in[0]); }, {x}));
  EXPECT_FALSE(op(frozen(x), frozen(y)).requires_grad());
}

inline void check_empty(Binary op) {
  EXPECT_TRUE(has_values(op(zeros({0, 3}), ones({3})), {0, 3}, {}));
  EXPECT_TRUE(has_values(op(zeros({0}), ones({1})), {0}, {}));
  const Tensor x = random_leaf({1, 3});
  const Tensor y = random_leaf({0, 3});
  op(x, y).backward(zeros({0, 3}, DType::float64));
  EXPECT_EQ(gradient_of(x), std::vector<double>(3, 0.0));
  EXPECT_TRUE(gradient_of(y).empty());
}

inline void check_broken_binary(Binary op, const std::string& name) {
  EXPECT_ERROR(op(zeros({2, 3}), zeros({4})), ShapeError,
               name + ": shapes do not broadcast: a is [2, 3], b is [4]");
  EXPECT_ERROR(op(zeros({2}), zeros({2}, DType::float64)), DTypeError,
               name + ": dtypes differ: a is float32 [2], b is float64 [2]: convert one with to()");
  EXPECT_ERROR(op(zeros({}, DType::int64), zeros({2})), DTypeError,
               name + ": dtypes differ: a is int64 [], b is float32 [2]: convert one with to()");
  EXPECT_ERROR(op(zeros({2}, DType::boolean), zeros({2}, DType::boolean)), DTypeError,
               name + ": not defined for boolean tensors");
}

/// Gradients in [low, high] for shapes of rank 0 to 3.
inline void check_unary_gradients(Unary op, double low, double high) {
  const auto function = [op](const Inputs& in) { return op(in[0]); };
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{17}, Shape{2, 3}, Shape{2, 1, 3}}) {
    SCOPED_TRACE(shape.str());
    EXPECT_TRUE(passes_gradcheck(function, {random_leaf(shape, 1, low, high)}));
  }
  EXPECT_FALSE(op(ones({2})).requires_grad());
  const Tensor empty = random_leaf({0, 3});
  op(empty).backward(zeros({0, 3}, DType::float64));
  EXPECT_TRUE(gradient_of(empty).empty());
}

inline void check_broken_float_unary(Unary op, const std::string& name) {
  EXPECT_ERROR(op(zeros({2}, DType::int64)), DTypeError, name + ": not defined for int64 tensors");
  EXPECT_ERROR(op(zeros({2}, DType::boolean)), DTypeError,
               name + ": not defined for boolean tensors");
}

/// The same for an op that takes numbers too.
inline void check_broken_floating(Unary op, const std::string& name) {
  EXPECT_ERROR(op(zeros({2}, DType::int64)), DTypeError,
               name + ": a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_ERROR(op(zeros({2}, DType::boolean)), DTypeError,
               name + ": a tensor of dtype boolean where float32 or float64 is needed");
}

/// op against f at the given points, in both float types.
inline void check_unary_values(Unary op, double (*f)(double), const std::vector<double>& points) {
  std::vector<double> expected;
  for (const double x : points) expected.push_back(f(x));
  const Shape shape{static_cast<std::int64_t>(points.size())};
  EXPECT_TRUE(is_close(op(tensor(points)), shape, expected, 1e-15));
  const std::vector<float> rounded(points.begin(), points.end());
  expected.clear();
  for (const float x : rounded) expected.push_back(f(static_cast<double>(x)));
  EXPECT_TRUE(is_close(op(tensor(rounded)), shape, expected, 1e-6));
}

inline double gradient_at(Unary op, double x, double cotangent) {
  const Tensor input = leaf({x});
  op(input).backward(tensor({cotangent}));
  return gradient_of(input)[0];
}

}  // namespace gradus
