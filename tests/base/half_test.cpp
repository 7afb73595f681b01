#include <gradus/framework/base/detail/half.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

using namespace gradus::detail;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

// The value of the definition: (-1)^s 2^(e - 15) (1 + f / 1024), without 1 + for e = 0.
double half_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const double fraction = (bits & 1023) / 1024.0;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1 + fraction, exponent - 15);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace

TEST(Half, EveryFiniteValueIsThatOfTheDefinition) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    if ((bits >> 10 & 31) == 31) continue;
    const auto half = static_cast<std::uint16_t>(bits);
    ASSERT_EQ(from_half(half), half_value(half)) << bits;
    ASSERT_EQ(to_half(from_half(half)), half) << bits;
  }
}

TEST(Half, ValuesBetweenTwoGoToTheNearestAndTiesToTheEvenOne) {
  for (std::uint16_t low = 0; low < 0x7BFF; ++low) {
    const auto high = static_cast<std::uint16_t>(low + 1);
    const auto middle = static_cast<float>((half_value(low) + half_value(high)) / 2);
    ASSERT_EQ(to_half(middle), low % 2 == 0 ? low : high) << low;
    ASSERT_EQ(to_half(std::nextafter(middle, 0.0F)), low) << low;
    ASSERT_EQ(to_half(std::nextafter(middle, infinity)), high) << low;
    ASSERT_EQ(to_half(-middle), to_half(middle) | 0x8000) << low;
  }
}

TEST(Half, LargeValuesAreInfiniteAndNanStaysNan) {
  EXPECT_EQ(to_half(65519.996F), 0x7BFF);
  EXPECT_EQ(to_half(65520.0F), 0x7C00);
  EXPECT_EQ(to_half(-infinity), 0xFC00);
  EXPECT_EQ(from_half(0x7C00), infinity);
  EXPECT_TRUE(std::isnan(from_half(to_half(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(from_half(to_half(std::bit_cast<float>(0x7F800001U)))));
}

TEST(BFloat16, RoundsToTheNearestAndTiesToTheEvenOne) {
  EXPECT_EQ(to_bfloat16(1.0F), 0x3F80);
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F808000U)), 0x3F80);  // a tie
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F808001U)), 0x3F81);
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F818000U)), 0x3F82);  // a tie
  EXPECT_EQ(to_bfloat16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(to_bfloat16(-0.0F), 0x8000);
  for (const int bits : {0, 1, 0x3F80, 0x7F7F, 0x7F80, 0xFF80, 0x8001}) {
    EXPECT_EQ(to_bfloat16(from_bfloat16(static_cast<std::uint16_t>(bits))), bits);
  }
  EXPECT_TRUE(std::isnan(from_bfloat16(to_bfloat16(std::bit_cast<float>(0x7F800001U)))));
}
