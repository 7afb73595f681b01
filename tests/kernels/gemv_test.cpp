#include <gradus/framework/kernels/gemv.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
struct Gemv : testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Gemv, Floats);

template <class T>
void expect_right(bool transposed, int64_t rows, int64_t columns, T alpha, T beta, int64_t gap) {
  const int64_t lda = columns + gap, step_x = 1 + gap, step_y = 1 + gap;
  const int64_t inner = transposed ? rows : columns, outer = transposed ? columns : rows;
  const std::vector<T> a = random_values<T>(rows * lda, -1, 1, 1);
  const std::vector<T> x = random_values<T>(inner * step_x, -1, 1, 2);
  const std::vector<T> before = random_values<T>(outer * step_y, -1, 1, 3);
  std::vector<T> y = before;
  gemv<T>(transposed, rows, columns, alpha, a.data(), lda, x.data(), step_x, beta, y.data(),
          step_y);
  const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (int64_t i = 0; i < outer * step_y; ++i) {
    if (i % step_y != 0) {
      ASSERT_EQ(y[at(i)], before[at(i)]) << "wrote between elements";
      continue;
    }
    const int64_t place = i / step_y;
    double sum = 0;
    for (int64_t p = 0; p < inner; ++p) {
      const T element = a[at(transposed ? p * lda + place : place * lda + p)];
      sum += static_cast<double>(element) * static_cast<double>(x[at(p * step_x)]);
    }
    const double expected = static_cast<double>(alpha) * sum +
                            static_cast<double>(beta) * static_cast<double>(before[at(i)]);
    ASSERT_NEAR(static_cast<double>(y[at(i)]), expected, 4 * unit * static_cast<double>(inner + 2))
        << rows << " x " << columns << ", transposed " << transposed << ", gap " << gap;
  }
}

TYPED_TEST(Gemv, AgreesWithTheDefinition) {
  using T = TypeParam;
  for (const bool transposed : {false, true}) {
    for (const int64_t rows : {0, 1, 2, 3, 7, 8, 9, 17, 70}) {
      for (const int64_t columns : {0, 1, 2, 3, 4, 5, 8, 15, 16, 17, 63, 64, 65, 131}) {
        expect_right<T>(transposed, rows, columns, T{1}, T{0}, 0);
        expect_right<T>(transposed, rows, columns, T{-0.5}, T{2}, 1);
      }
    }
    expect_right<T>(transposed, 21, 5003, T{1}, T{1}, 3);  // longer than what is summed at once
    expect_right<T>(transposed, 5003, 21, T{1}, T{1}, 3);
    expect_right<T>(transposed, 9000, 3, T{1}, T{0}, 0);
  }
}

TYPED_TEST(Gemv, ReadsOnlyWhatTheNumbersAskFor) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  const std::vector<T> a(12, T{1}), broken(12, nan);
  for (const bool transposed : {false, true}) {
    std::vector<T> y(transposed ? 4 : 3, nan);
    gemv<T>(transposed, 3, 4, T{1}, a.data(), 4, a.data(), 1, T{0}, y.data(), 1);
    for (const T value : y) EXPECT_EQ(value, T(transposed ? 3 : 4));
    gemv<T>(transposed, 3, 4, T{0}, broken.data(), 4, broken.data(), 1, T{2}, y.data(), 1);
    for (const T value : y) EXPECT_EQ(value, T(transposed ? 6 : 8));
  }
}

TYPED_TEST(Gemv, CarriesNanAndInfinityIntoTheirElementOnly) {
  using T = TypeParam;
  const T infinity = std::numeric_limits<T>::infinity();
  for (const bool transposed : {false, true}) {
    for (const int64_t n : {3, 40}) {
      std::vector<T> a(at(n * n), T{1}), y(at(n));
      const std::vector<T> x(at(n), T{0});
      a[at(n + 2)] = infinity;  // times 0
      gemv<T>(transposed, n, n, T{1}, a.data(), n, x.data(), 1, T{0}, y.data(), 1);
      for (int64_t i = 0; i < n; ++i) {
        EXPECT_EQ(std::isnan(y[at(i)]), i == (transposed ? 2 : 1)) << i << " of " << n;
      }
    }
  }
}

TYPED_TEST(Gemv, SumsARowOrAColumnAlikeWhereverItLies) {
  using T = TypeParam;
  for (const int64_t inner : {3, 44, 203}) {
    for (const int64_t outer : {5, 17, 40}) {
      const std::vector<T> same = random_values<T>(inner, -1, 1, 1);
      const std::vector<T> x = random_values<T>(inner, -1, 1, 2);
      std::vector<T> rows, columns;
      for (int64_t i = 0; i < outer; ++i) rows.insert(rows.end(), same.begin(), same.end());
      for (const T value : same) columns.insert(columns.end(), at(outer), value);
      for (const bool transposed : {false, true}) {
        std::vector<T> y(at(outer), T(0.7));
        gemv<T>(transposed, transposed ? inner : outer, transposed ? outer : inner, T(1.3),
                transposed ? columns.data() : rows.data(), transposed ? outer : inner, x.data(), 1,
                T(0.37), y.data(), 1);
        EXPECT_TRUE(same_bits(y, std::vector<T>(at(outer), y[0]))) << inner << " " << outer;
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
