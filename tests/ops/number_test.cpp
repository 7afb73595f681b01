// C++ numbers as arguments of ops.
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/pad.h>
#include <gradus/framework/ops/rounding.h>
#include <gradus/framework/ops/scatter.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/where.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace gradus {
namespace {

using Limits = std::numeric_limits<std::int64_t>;

TEST(Number, KeepsIntegersAndRoundsTheRest) {
  EXPECT_TRUE(Number(3).is_integer());
  EXPECT_EQ(Number(Limits::min()).integer(), Limits::min());
  EXPECT_EQ(Number(static_cast<std::uint8_t>(200)).integer(), 200);
  EXPECT_EQ(Number(std::uint64_t{1} << 62).integer(), std::int64_t{1} << 62);
  EXPECT_FALSE(Number(std::uint64_t{1} << 63).is_integer());  // too large for int64
  EXPECT_EQ(Number(std::uint64_t{1} << 63).real(), 0x1p63);
  EXPECT_FALSE(Number(3.0).is_integer());
  EXPECT_EQ(Number(0.5F).real(), 0.5);
  EXPECT_TRUE(Number(true).is_integer());
}

TEST(Number, KeepsTheDigitsOfALongDouble) {
  constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(full({1}, 9007199254740993.0L, DType::int64).item<std::int64_t>(), odd);
  EXPECT_FALSE(Number(0.1L).is_integer());
  EXPECT_FALSE(Number(3.0L).is_integer());
  EXPECT_EQ(Number(0x1p80L).real(), 0x1p80);
}

__extension__ using Wide = __int128;

// Of types that strict C++ does not count as numbers, and such a call does not compile there.
template <class T>
void expect_wide_numbers_are_checked() {
  if constexpr (std::is_arithmetic_v<T>) {
    const Tensor x = tensor({1, 2});
    for (const int power : {63, 64, 100}) {
      EXPECT_THROW(full({1}, T{1} << power, DType::int64), DTypeError) << power;
      EXPECT_THROW(x + (T{1} << power), DTypeError) << power;
      EXPECT_EQ(full({1}, T{1} << power, DType::float64).item(), std::ldexp(1, power));
    }
    EXPECT_EQ(Number(-(T{1} << 62) * 2).integer(), Limits::min());
    EXPECT_EQ((x + T{40})[1].template item<std::int64_t>(), 42);
    EXPECT_TRUE(scalar<std::int64_t>(Limits::min()).template item<T>() == T{Limits::min()});
    using Unsigned = std::make_unsigned_t<T>;
    EXPECT_TRUE(scalar<std::int64_t>(5).template item<Unsigned>() == Unsigned{5});
    EXPECT_THROW(scalar<std::int64_t>(-5).template item<Unsigned>(), ValueError);
  }
}

TEST(Number, OfMoreThan64BitsIsChecked) { expect_wide_numbers_are_checked<Wide>(); }

TEST(Number, ReachesEveryOpOfInt64Exactly) {
  constexpr std::int64_t odd = (std::int64_t{1} << 53) + 1;  // its neighbours are doubles
  const Tensor x = tensor({odd - 1, odd, odd + 1}), zero = tensor({0, 0, 0});
  const Tensor mask = tensor({true, false, true}), ids = tensor({1});
  const auto is = [](const Tensor& y, std::vector<std::int64_t> expected) {
    const auto values = y.span<std::int64_t>();
    return std::vector<std::int64_t>(values.begin(), values.end()) == expected;
  };
  const auto truths = [](const Tensor& y) {
    const auto values = y.span<bool>();
    return std::vector<bool>(values.begin(), values.end());
  };
  EXPECT_TRUE(is(zero + odd, {odd, odd, odd}));
  EXPECT_TRUE(is(odd + zero, {odd, odd, odd}));
  EXPECT_TRUE(is(x - odd, {-1, 0, 1}));
  EXPECT_TRUE(is(odd - x, {1, 0, -1}));
  EXPECT_TRUE(is(tensor({1, -1}) * odd, {odd, -odd}));
  EXPECT_TRUE(is(zero + Limits::max(), {Limits::max(), Limits::max(), Limits::max()}));
  EXPECT_EQ(truths(equal(x, odd)), (std::vector<bool>{false, true, false}));
  EXPECT_EQ(truths(not_equal(x, odd)), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(truths(less(x, odd)), (std::vector<bool>{true, false, false}));
  EXPECT_EQ(truths(less_equal(x, odd)), (std::vector<bool>{true, true, false}));
  EXPECT_EQ(truths(greater(x, odd)), (std::vector<bool>{false, false, true}));
  EXPECT_EQ(truths(greater_equal(x, odd)), (std::vector<bool>{false, true, true}));
  EXPECT_EQ(truths(x < odd), truths(less(x, odd)));
  EXPECT_EQ(truths(x <= odd), truths(less_equal(x, odd)));
  EXPECT_EQ(truths(odd < x), truths(greater(x, odd)));
  EXPECT_EQ(truths(odd <= x), truths(greater_equal(x, odd)));
  EXPECT_EQ(truths(odd > x), truths(less(x, odd)));
  EXPECT_EQ(truths(odd >= x), truths(less_equal(x, odd)));
  EXPECT_TRUE(is(fmod(x, odd), {odd - 1, 0, 1}));
  EXPECT_TRUE(is(remainder(x, odd), {odd - 1, 0, 1}));
  EXPECT_TRUE(is(floor_divide(x, odd), {0, 1, 1}));
  EXPECT_TRUE(is(clamp(x, odd, odd), {odd, odd, odd}));
  EXPECT_TRUE(is(where(mask, zero, odd), {0, odd, 0}));
  EXPECT_TRUE(is(where(mask, odd, zero), {odd, 0, odd}));
  EXPECT_TRUE(is(masked_fill(zero, mask, odd), {odd, 0, odd}));
  EXPECT_TRUE(is(scatter(zero, 0, ids, odd), {0, odd, 0}));
  EXPECT_TRUE(is(index_fill(zero, 0, ids, odd), {0, odd, 0}));
  EXPECT_TRUE(is(index_add(zero, 0, ids, tensor({3}), odd), {0, 3 * odd, 0}));
  EXPECT_TRUE(is(pad(tensor({7}), {1, 0}, {.value = odd}), {odd, 7}));
  EXPECT_TRUE(is(searchsorted(x, odd), {1}));
  EXPECT_TRUE(is(searchsorted(x, odd, true), {2}));
}

TEST(Number, OfTheLeastInt64IsValidEverywhere) {
  const Tensor x = tensor({Limits::min(), std::int64_t{0}}), mask = tensor({true, false});
  EXPECT_TRUE(has_values(equal(x, -0x1p63), {2}, {1, 0}));
  EXPECT_TRUE(has_values(masked_fill(x, mask, -0x1p63), {2}, {-0x1p63, 0}));
  EXPECT_TRUE(has_values(clamp(x, -0x1p63, -1), {2}, {-0x1p63, -1}));
  EXPECT_TRUE(has_values(scatter(x, 0, tensor({1}), -0x1p63), {2}, {-0x1p63, -0x1p63}));
  EXPECT_TRUE(has_values(pad(x, {0, 1}, {.value = -0x1p63}), {3}, {-0x1p63, 0, -0x1p63}));
  EXPECT_ERROR(x + 0x1p63, DTypeError,
               "add: the number 9.223372036854776e+18 is not an int64: use a float dtype");
}

TEST(Number, OfABooleanTensorIs0Or1) {
  const Tensor x = tensor({true, false}), mask = tensor({true, true});
  EXPECT_TRUE(has_values(masked_fill(x, mask, 0), {2}, {0, 0}));
  EXPECT_TRUE(has_values(where(mask, 1, x), {2}, {1, 1}));
  EXPECT_ERROR(masked_fill(x, mask, 0.5), DTypeError,
               "masked_fill: the number 0.5 is not a boolean: use 0, 1 or another dtype");
  EXPECT_ERROR(where(mask, x, 2), DTypeError,
               "where: the number 2 is not a boolean: use 0, 1 or another dtype");
}

}  // namespace
}  // namespace gradus
