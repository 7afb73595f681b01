#include <fmt/format.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/io/detail/short_decimal.h>
#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace gradus {
namespace {

// What the short form of a number reads as, and what the library does; they agree in all bits or
// the first declines.
void expect_same(const std::string& text) {
  float value = 0, expected = 0;
  const char* end = text.data() + text.size();
  const char* stop = detail::read_short_decimal(text.data(), end, value);
  if (stop == nullptr) return;
  ASSERT_EQ(stop, end) << text;
  const auto result = std::from_chars(text.data(), end, expected);
  ASSERT_EQ(result.ec, std::errc()) << text;
  ASSERT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(expected)) << text;
}

bool is_read(const std::string& text) {
  float value = 0;
  return detail::read_short_decimal(text.data(), text.data() + text.size(), value) != nullptr;
}

TEST(ShortDecimal, AgreesWithTheStandardLibraryInAllBits) {
  Generator generator(7);
  for (int i = 0; i < 200'000; ++i) {
    const auto digits = static_cast<std::uint64_t>(generator.bits()) >> generator.below(60);
    const std::int64_t exponent = generator.below(61) - 35;
    expect_same(fmt::format("{}e{}", digits, exponent));
    expect_same(fmt::format("-{}.{}", digits % 100, digits / 100));
    const float near = std::bit_cast<float>(static_cast<std::uint32_t>(generator.bits()));
    if (std::isfinite(near)) expect_same(fmt::format("{}", near));
  }
}

// Midpoints of two floats, and decimals so near to them that their doubles are the midpoints:
// rounding these a second time would go the wrong way.
TEST(ShortDecimal, DoesNotRoundTwice) {
  for (const char* text :
       {"4.000000715255737", "4.000002145767212", "16777217", "16777219", "33554434",
        "1.00000005960464477", "1.000000059604644775390626", "1.00000017881393432617187499",
        "9007199791611905", "9007199791611904", "8388608.5", "8388609.5", "0.5000000298023224",
        "0.50000002980232238", "0.50000002980232239"}) {
    expect_same(text);
  }
  for (std::uint32_t bits = 0x3F800000; bits < 0x3F800400; ++bits) {
    const double low = std::bit_cast<float>(bits), high = std::bit_cast<float>(bits + 1);
    const double middle = (low + high) / 2;
    for (const double x : {middle, std::nextafter(middle, 0), std::nextafter(middle, 2)}) {
      expect_same(fmt::format("{:.14g}", x));
      expect_same(fmt::format("{:.16g}", x));
      expect_same(fmt::format("{:.18g}", x));
    }
  }
}

TEST(ShortDecimal, ReadsTheUsualNumbersAndDeclinesOthers) {
  for (const char* text :
       {"0", "-0.0", "0.418", "-0.00066023", "4.57e-5", "+1", "1E+2", ".5", "2."}) {
    EXPECT_TRUE(is_read(text)) << text;
    expect_same(text[0] == '+' ? text + 1 : text);
  }
  for (const char* text : {"", "-", "+", ".", "e5", "-e5", "1e", "1e-", "1e39", "1e-39", "nan",
                           "inf", "x", "12345678901234567890", "1e00005"}) {
    EXPECT_FALSE(is_read(text)) << text;
  }
}

}  // namespace
}  // namespace gradus
