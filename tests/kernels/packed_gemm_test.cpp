#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

struct Sizes {
  int64_t m, n, k;
};

/// Against the definition, with every way of storing A and B; rows of C are 2 elements longer.
template <class T>
void expect_right(const Sizes& s, T alpha, T beta) {
  for (int which = 0; which < 4; ++which) {
    const bool ta = which % 2 == 1, tb = which / 2 == 1;
    const int64_t lda = ta ? s.m : s.k, ldb = tb ? s.k : s.n, ldc = s.n + 2;
    const auto a = random_values<T>(s.m * s.k, -1, 1, 1), b = random_values<T>(s.k * s.n, -1, 1, 2);
    const auto before = random_values<T>(s.m * ldc, -1, 1, 3);
    const T *const from_a = a.data(), *const from_b = b.data();
    auto c = before;
    packed_gemm<T>(ta, tb, s.m, s.n, s.k, alpha, a.data(), lda, b.data(), ldb, beta, c.data(), ldc);
    for (int64_t i = 0; i < s.m; ++i) {
      for (int64_t j = 0; j < ldc; ++j) {
        const size_t place = at(i * ldc + j);
        double expected = static_cast<double>(before[place]), magnitude = 1;
        if (j < s.n) {
          double sum = 0;
          for (int64_t p = 0; p < s.k; ++p) {
            const double product = static_cast<double>(from_a[ta ? p * lda + i : i * lda + p]) *
                                   static_cast<double>(from_b[tb ? j * ldb + p : p * ldb + j]);
            sum += product;
            magnitude += product < 0 ? -product : product;
          }
          expected = static_cast<double>(alpha) * sum + static_cast<double>(beta) * expected;
        } else {
          magnitude = 0;
        }
        const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
        ASSERT_NEAR(static_cast<double>(c[place]), expected, 8 * unit * magnitude)
            << ta << tb << " " << s.m << "x" << s.n << "x" << s.k << " at " << i << ", " << j;
      }
    }
  }
}

template <class T>
class PackedGemm : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(PackedGemm, Floats);

TYPED_TEST(PackedGemm, AgreesWithTheDefinitionAboutTheSizeOfATile) {
  for (const int64_t m : {1, 5, 6, 7, 13, 14, 15, 28}) {
    for (const int64_t n : {1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33}) {
      for (const int64_t k : {1, 2, 7, 8, 9, 33}) {
        expect_right<TypeParam>({m, n, k}, 1, 0);
        expect_right<TypeParam>({m, n, k}, static_cast<TypeParam>(-0.5), 2);
      }
    }
  }
}

TYPED_TEST(PackedGemm, AgreesWithTheDefinitionOverSeveralBlocks) {
  expect_right<TypeParam>({301, 37, 255}, 1, 0);     // of rows
  expect_right<TypeParam>({9, 1100, 250}, 1, 1);     // of columns
  expect_right<TypeParam>({65, 130, 257}, 2, 0);     // C^T = B^T A^T
  expect_right<TypeParam>({331, 15, 130}, 1, -1);    // the same for few columns
  expect_right<TypeParam>({3, 5, 40'000}, 1, 0.25);  // of k
}

TYPED_TEST(PackedGemm, OverwritesNanInCWhereBetaIsZero) {
  for (const bool tb : {false, true}) {
    for (const int64_t n : {5, 64}) {
      const std::vector<TypeParam> a(at(70 * 300), 2), b(at(300 * n), 3);
      std::vector<TypeParam> c(at(70 * n), nan_value<TypeParam>);
      packed_gemm<TypeParam>(false, tb, 70, n, 300, 1, a.data(), 300, b.data(), tb ? 300 : n, 0,
                             c.data(), n);
      EXPECT_EQ(c, std::vector<TypeParam>(at(70 * n), 1800)) << tb << n;
    }
  }
}

TYPED_TEST(PackedGemm, CarriesNanAndInfinityIntoTheirRowOnly) {
  const int64_t m = 8, n = 19, k = 10;
  std::vector<TypeParam> a(at(m * k), 1), c(at(m * n));
  const std::vector<TypeParam> b(at(k * n), 1);
  a[at(2 * k + 9)] = nan_value<TypeParam>;
  a[at(7 * k)] = std::numeric_limits<TypeParam>::infinity();
  packed_gemm<TypeParam>(false, false, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      const TypeParam value = c[at(i * n + j)];
      EXPECT_EQ(std::isnan(value), i == 2) << i << ", " << j;
      EXPECT_EQ(std::isinf(value), i == 7) << i << ", " << j;
    }
  }
}

TYPED_TEST(PackedGemm, AMatrixThatIsPackedOnceGivesTheSameProducts) {
  for (const bool transposed : {false, true}) {
    for (const int64_t k : {1, 9, 512, 513, 1100}) {
      for (const int64_t n : {1, 16, 37}) {
        const int64_t m = 17, ldb = (transposed ? k : n) + 1, lda = k + 2, ldc = n + 3;
        const auto a = random_values<TypeParam>(m * lda, -1, 1, 1);
        const auto b = random_values<TypeParam>((transposed ? n : k) * ldb, -1, 1, 2);
        const auto before = random_values<TypeParam>(m * ldc, -1, 1, 3);
        const PackedMatrix<TypeParam> matrix(transposed, k, n, b.data(), ldb);
        for (const TypeParam beta : {TypeParam{0}, TypeParam{1}}) {
          auto c = before, expected = before;
          matrix.multiply(m, a.data(), lda, beta, c.data(), ldc);
          packed_gemm<TypeParam>(false, transposed, m, n, k, 1, a.data(), lda, b.data(), ldb, beta,
                                 expected.data(), ldc);
          for (size_t i = 0; i < c.size(); ++i) {
            ASSERT_NEAR(c[i], expected[i], 1e3 * std::numeric_limits<TypeParam>::epsilon());
          }
          std::vector<TypeParam> row(at(n));  // a row does not depend on those beside it
          std::copy_n(before.data() + 5 * ldc, n, row.data());
          matrix.multiply(1, a.data() + 5 * lda, lda, beta, row.data(), n);
          EXPECT_TRUE(same_bits(row, {c.data() + 5 * ldc, c.data() + 5 * ldc + n}));
        }
      }
    }
  }
}

TYPED_TEST(PackedGemm, TransposesABlockOfALargerMatrix) {
  for (const int64_t rows : {1, 7, 8, 9, 20}) {
    for (const int64_t columns : {1, 8, 11, 24}) {
      const int64_t x_stride = columns + 3, y_stride = rows + 2;
      const auto x = random_values<TypeParam>(rows * x_stride, -1, 1, 4);
      std::vector<TypeParam> y(at(columns * y_stride), 7);
      transpose_block<TypeParam>(x.data(), x_stride, y.data(), y_stride, rows, columns);
      for (int64_t j = 0; j < columns; ++j) {
        for (int64_t i = 0; i < y_stride; ++i) {
          EXPECT_EQ(y[at(j * y_stride + i)], i < rows ? x[at(i * x_stride + j)] : TypeParam{7});
        }
      }
    }
  }
}

TEST(PackedGemmRule, LeavesToTheEngineWhatIsLarge) {
  EXPECT_TRUE(packed_gemm_is_faster<float>(false, false, 16, 16, 16));
  EXPECT_TRUE(packed_gemm_is_faster<double>(false, false, 16, 16, 16));
  EXPECT_FALSE(packed_gemm_is_faster<float>(false, false, 1024, 1024, 1024));
  EXPECT_FALSE(packed_gemm_is_faster<double>(false, false, 20, 800, 200));
  EXPECT_FALSE(packed_gemm_is_faster<double>(false, true, 128, 512, 1025));
  EXPECT_FALSE(packed_gemm_is_faster<float>(false, false, 8, 8, 4096));
  EXPECT_FALSE(packed_gemm_is_faster<double>(true, false, 1024, 256, 12800));
  const int64_t long_side = int64_t{1} << 24;
  EXPECT_FALSE(packed_gemm_is_faster<float>(true, true, long_side, long_side, long_side));
}

TEST(PackedGemmRule, TakesTheWeightGradientsOfManyTokens) {
#ifdef __FMA__
  constexpr bool taken = GRADUS_ONEDNN;
#else
  constexpr bool taken = false;
#endif
  EXPECT_EQ(packed_gemm_is_faster<float>(true, false, 1024, 256, 12800), taken);
  EXPECT_EQ(packed_gemm_is_faster<float>(true, false, 64, 64, 1024), taken);
  EXPECT_FALSE(packed_gemm_is_faster<float>(true, false, 64, 64, 1023));
  EXPECT_FALSE(packed_gemm_is_faster<float>(true, false, 63, 64, 1024));
  EXPECT_FALSE(packed_gemm_is_faster<float>(true, false, 64, 63, 1024));
  EXPECT_FALSE(packed_gemm_is_faster<float>(true, true, 64, 64, 1024));
  EXPECT_FALSE(packed_gemm_is_faster<float>(false, false, 64, 64, 1024));
}

}  // namespace
}  // namespace gradus::kernels
