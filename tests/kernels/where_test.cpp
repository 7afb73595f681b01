#include <gradus/framework/kernels/where.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
class Select : public ::testing::Test {};
using Types = ::testing::Types<float, double, int64_t>;
TYPED_TEST_SUITE(Select, Types);

TYPED_TEST(Select, EveryStrideAndLength) {
  using T = TypeParam;
  for (int64_t n = 0; n <= 70; ++n) {
    const auto size = static_cast<size_t>(n) + 1;
    const auto mask = std::make_unique<bool[]>(size);
    std::vector<T> a(size), b(size);
    for (size_t i = 0; i < size; ++i) {
      mask[i] = (i * i + i / 3 + size_t(n)) % 3 == 0;
      a[i] = static_cast<T>(i);
      b[i] = static_cast<T>(i) + T(1000);
    }
    for (const int64_t sm : {0, 1}) {
      for (const int64_t sa : {0, 1}) {
        for (const int64_t sb : {0, 1}) {
          std::vector<T> y(size, T(-5));
          select(mask.get(), sm, a.data(), sa, b.data(), sb, y.data(), n);
          for (int64_t i = 0; i < n; ++i)
            ASSERT_EQ(y[size_t(i)], mask[size_t(i * sm)] ? a[size_t(i * sa)] : b[size_t(i * sb)]);
          ASSERT_EQ(y.back(), T(-5));
        }
      }
    }
  }
}

TEST(SelectBits, NaNsKeepTheirs) {
  const float nan = -nan_value<float>;
  const bool mask[] = {true, false};
  const float a[] = {nan, nan}, b[] = {1, 2};
  float y[2];
  select(mask, 1, a, 1, b, 1, y, 2);
  EXPECT_TRUE(same_bits(y[0], nan));
  EXPECT_EQ(y[1], 2);
}

TEST(SelectPositions, InOrder) {
  for (const int64_t n : {0, 1, 17, 1000}) {
    const auto mask = std::make_unique<bool[]>(static_cast<size_t>(n) + 1);
    std::vector<int64_t> expected;
    for (int64_t i = 0; i < n; ++i) {
      mask[size_t(i)] = i % 3 == 1 || i == n - 1;
      if (mask[size_t(i)]) expected.push_back(i);
    }
    ASSERT_EQ(count_true(mask.get(), n), static_cast<int64_t>(expected.size()));
    std::vector<int64_t> found(expected.size() + 1, -5);
    true_positions(mask.get(), count_true(mask.get(), n), found.data());
    EXPECT_EQ(found.back(), -5);
    found.pop_back();
    EXPECT_EQ(found, expected);
  }
}

}  // namespace
}  // namespace gradus::kernels
