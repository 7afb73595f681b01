#pragma once
// What tests of ops share.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/inspect/gradcheck.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace gradus {

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// The values of a tensor of any dtype.
std::vector<double> values_of(const Tensor& x);

/// The dense gradient of a leaf; throws if it has none.
std::vector<double> gradient_of(const Tensor& leaf);

/// A trainable float64 leaf with values drawn from [low, high).
Tensor random_leaf(const Shape& shape, std::uint64_t seed = 1, double low = -2, double high = 2);

/// A trainable leaf with the given values: float64, or float32 for floats.
template <class T>
Tensor leaf(const std::vector<T>& values, const Shape& shape) {
  Tensor result = tensor(values, shape);
  result.set_trainable(true);
  return result;
}
Tensor leaf(std::initializer_list<double> values);
Tensor leaf(std::initializer_list<double> values, const Shape& shape);

/// The same values, not trainable.
inline Tensor frozen(const Tensor& x) { return x.clone(); }

/// Calls f(a, b, result) for all pairs of shapes up to rank 4 that broadcast: of each axis of the
/// result, of size 2 or 3, each operand has the size or 1, and it may lack leading axes.
void for_each_broadcast_pair(
    const std::function<void(const Shape&, const Shape&, const Shape&)>& f);

/// The offset in a tensor of shape `from` of the element that element `i` of `to` repeats.
std::int64_t broadcast_offset(const Shape& from, const Shape& to, std::int64_t i);

/// The shape, and each value b up to tolerance * (1 + |b|); NaN equals NaN.
testing::AssertionResult is_close(const Tensor& actual, const Shape& shape,
                                  const std::vector<double>& expected, double tolerance);

/// The shape and each value exactly; NaN equals NaN.
testing::AssertionResult has_values(const Tensor& actual, const Shape& shape,
                                    const std::vector<double>& expected);

/// Backward agrees with central differences for a random cotangent; see gradcheck().
testing::AssertionResult passes_gradcheck(
    const std::function<Tensor(const std::vector<Tensor>&)>& function,
    const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

/// `function` throws an E, or what derives from it, with exactly this text. A matcher of GoogleMock
/// would be compiled anew for each function.
template <class E>
testing::AssertionResult throws(const std::function<void()>& function, const std::string& text) {
  try {
    function();
  } catch (const E& error) {
    if (error.what() == text) return testing::AssertionSuccess();
    return testing::AssertionFailure() << "says: " << error.what() << "\nexpected: " << text;
  } catch (const std::exception& error) {
    return testing::AssertionFailure() << "throws another type; it says: " << error.what();
  }
  return testing::AssertionFailure() << "throws nothing";
}

}  // namespace gradus

/// The statement throws an exception of this type with exactly this text.
#define EXPECT_ERROR(statement, type, text) \
  EXPECT_TRUE(::gradus::throws<type>([&] { static_cast<void>(statement); }, text)) << #statement
