#include <gradus/framework/kernels/gemm.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <type_traits>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
struct Problem {
  bool ta, tb;
  int64_t m, n, k;
  T alpha = 1, beta = 0;
  int64_t pad = 0;  // how much longer than needed a row of A, B and C is

  int64_t lda() const { return (ta ? m : k) + pad; }
  int64_t ldb() const { return (tb ? k : n) + pad; }
  int64_t ldc() const { return n + pad; }
  std::vector<T> a() const { return random_values<T>((ta ? k : m) * lda(), -1, 1, 1); }
  std::vector<T> b() const { return random_values<T>((tb ? n : k) * ldb(), -1, 1, 2); }
  std::vector<T> c() const { return random_values<T>(m * ldc(), -1, 1, 3); }

  std::vector<T> run(const std::vector<T>& x, const std::vector<T>& y, std::vector<T> z) const {
    gemm<T>(ta, tb, m, n, k, alpha, x.data(), lda(), y.data(), ldb(), beta, z.data(), ldc());
    return z;
  }
};

template <class T>
std::ostream& operator<<(std::ostream& out, const Problem<T>& p) {
  return out << (p.ta ? "T" : "N") << (p.tb ? "T " : "N ") << p.m << "x" << p.n << "x" << p.k
             << " alpha " << p.alpha << " beta " << p.beta << " pad " << p.pad;
}

template <class T>
void expect_right(const Problem<T>& p) {
  const auto a = p.a(), b = p.b(), c = p.c(), actual = p.run(a, b, c);
  const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
  const int64_t x_step = p.ta ? p.lda() : 1, y_step = p.tb ? 1 : p.ldb();
  const T *const from_a = a.data(), *const from_b = b.data();
  for (int64_t i = 0; i < p.m; ++i) {
    for (int64_t j = 0; j < p.ldc(); ++j) {
      const size_t place = at(i * p.ldc() + j);
      if (j >= p.n) {
        ASSERT_EQ(actual[place], c[place]) << p << ": wrote behind a row";
        continue;
      }
      const int64_t x = p.ta ? i : i * p.lda(), y = p.tb ? j * p.ldb() : j;
      double sum = 0, magnitude = 1;
      for (int64_t q = 0; q < p.k; ++q) {
        const double product = static_cast<double>(from_a[x + q * x_step]) *
                               static_cast<double>(from_b[y + q * y_step]);
        sum += product;
        magnitude += product < 0 ? -product : product;
      }
      const double expected = static_cast<double>(p.alpha) * sum +
                              static_cast<double>(p.beta) * static_cast<double>(c[place]);
      ASSERT_NEAR(static_cast<double>(actual[place]), expected, 8 * unit * magnitude)
          << p << " at " << i << ", " << j;
    }
  }
}

template <class T>
void expect_right_for_all_transposes(Problem<T> p) {
  for (const bool ta : {false, true}) {
    for (const bool tb : {false, true}) {
      p.ta = ta, p.tb = tb;
      expect_right(p);
    }
  }
}

TEST(Gemm, AgreesWithTheDefinition) {
  for (const int64_t m : {1, 2, 5, 17, 33}) {
    for (const int64_t n : {1, 3, 16, 29}) {
      for (const int64_t k : {0, 1, 7, 32, 65}) {
        expect_right_for_all_transposes<float>({false, false, m, n, k});
        expect_right_for_all_transposes<float>({false, false, m, n, k, 0.5f, -2.0f, 3});
        expect_right_for_all_transposes<double>({false, false, m, n, k, 1.5, 1.0, 1});
      }
    }
  }
}

TEST(Gemm, AgreesWithTheDefinitionWhereItIsCutIntoBlocks) {
  const ThreadsGuard guard;
  set_num_threads(3);
  expect_right_for_all_transposes<float>({false, false, 401, 67, 130});
  expect_right_for_all_transposes<float>({false, false, 67, 405, 130, 1.0f, 0.5f, 2});
  expect_right_for_all_transposes<double>({false, false, 1029, 33, 129});
  expect_right_for_all_transposes<float>({false, false, 21, 4103, 71});
  expect_right_for_all_transposes<float>({false, false, 1, 3001, 401});
  expect_right_for_all_transposes<float>({false, false, 3001, 1, 401, 2.0f, 1.0f, 5});
  expect_right<float>({true, false, 521, 64, 1025, 2.0f, 1.0f, 3});  // of many tokens
}

TEST(Gemm, OfManyTokensIsRightWhereItsLastBlockIsShort) {
  const int64_t m = 16385, n = 64, k = 1024;  // 17 rows in the last block
  std::vector<float> a(at(m * k)), b(at(n * k)), c(at(m * n));
  for (int64_t i = 0; i < m * k; ++i) a[at(i)] = static_cast<float>(i % m % 7);
  for (int64_t j = 0; j < n * k; ++j) b[at(j)] = static_cast<float>(j % n % 5);
  gemm<float>(true, false, m, n, k, 1, a.data(), m, b.data(), n, 0, c.data(), n);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      ASSERT_EQ(c[at(i * n + j)], static_cast<float>(k * (i % 7) * (j % 5))) << i << ", " << j;
    }
  }
}

TEST(Gemm, HasTheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  for (const Problem<float>& p :
       {Problem<float>{false, true, 130, 515, 101}, Problem<float>{true, false, 1100, 70, 64},
        Problem<float>{false, false, 517, 67, 111}, Problem<float>{false, true, 1, 5000, 201},
        Problem<float>{false, false, 1, 5000, 201}, Problem<float>{true, true, 4097, 1, 300}}) {
    const auto a = p.a(), b = p.b(), c = p.c();
    for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain, int64_t{1} << 40}) {
      set_parallel_grain(grain);
      const auto results = with_threads([&] { return p.run(a, b, c); });
      for (const auto& result : results) EXPECT_TRUE(same_bits(result, results[0])) << p;
    }
  }
}

TEST(Gemm, ScalesCWhereKIsZero) {
  std::vector<float> c = {1, 2, 3, 4};
  gemm<float>(false, false, 2, 2, 0, 1, nullptr, 0, nullptr, 2, 0.5f, c.data(), 2);
  EXPECT_EQ(c, (std::vector<float>{0.5f, 1, 1.5f, 2}));
  gemm<float>(false, false, 2, 2, 0, 1, nullptr, 0, nullptr, 2, 0, c.data(), 2);
  EXPECT_EQ(c, (std::vector<float>{0, 0, 0, 0}));
  c = {1, 2, 3, 4};
  gemm<float>(false, false, 1, 4, 0, 1, nullptr, 0, nullptr, 4, 0, c.data(), 4);
  EXPECT_EQ(c, (std::vector<float>{0, 0, 0, 0}));
  gemm<float>(false, false, 0, 4, 3, 1, nullptr, 3, nullptr, 4, 0, nullptr, 4);
  gemm<float>(false, false, 4, 0, 3, 1, nullptr, 3, nullptr, 0, 0, nullptr, 0);
}

TEST(Gemm, LongSumsKeepTheirDigits) {
  // Of positive terms: floats added one by one are 1 % off. k of the last is above 2^18.
  for (const auto& [m, n, k] :
       {std::array<int64_t, 3>{1, 1, 1000000}, {1, 5, 300000}, {5, 1, 300000}, {3, 2, 600000}}) {
    const std::vector<float> a = random_values<float>(m * k, 0.5F, 1, 1);
    const std::vector<float> b = random_values<float>(n * k, 0.5F, 1, 2);
    for (const int flags : {0, 1, 2, 3}) {
      const bool ta = (flags & 1) != 0, tb = (flags & 2) != 0;
      std::vector<float> c(at(m * n), 100.0F);
      gemm<float>(ta, tb, m, n, k, 1, a.data(), ta ? m : k, b.data(), tb ? k : n, 2, c.data(), n);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          double exact = 200;
          for (int64_t p = 0; p < k; ++p) {
            exact += static_cast<double>(a[at(ta ? p * m + i : i * k + p)]) *
                     static_cast<double>(b[at(tb ? j * k + p : p * n + j)]);
          }
          EXPECT_NEAR(static_cast<double>(c[at(i * n + j)]), exact, 1e-5 * exact)
              << m << " x " << k << " x " << n << ", transposed " << ta << tb;
        }
      }
    }
  }
}

// Equal terms are rounded in the same direction: in one float sum of 10^5 they lose 0.1 %.
TEST(Gemm, LongSumsOfEqualTermsKeepTheirDigits) {
  for (const auto& [m, n] : {std::array<int64_t, 2>{2, 2},
                             {4, 4},
                             {2, 8},
                             {8, 2},
                             {16, 16},
                             {8, 8},
                             {4, 16},
                             {5, 13},
                             {1, 7},
                             {7, 1},
                             {1, 64},
                             {64, 1}}) {
    for (const int64_t k : {4096, 5000, 20000, 100000, 260000}) {
      const std::vector<float> a(at(m * k), 0.1F), b(at(n * k), 0.7F);
      const double exact = 0.07 * static_cast<double>(k);
      for (const int flags : {0, 1, 2, 3}) {
        const bool ta = (flags & 1) != 0, tb = (flags & 2) != 0;
        std::vector<float> c(at(m * n));
        gemm<float>(ta, tb, m, n, k, 1, a.data(), ta ? m : k, b.data(), tb ? k : n, 0, c.data(), n);
        for (const float value : c) {
          ASSERT_NEAR(static_cast<double>(value), exact, 3e-5 * exact)
              << m << " x " << k << " x " << n << ", transposed " << ta << tb;
        }
      }
    }
  }
}

TEST(Gemm, LongSumsOfDoubleKeepTheirDigits) {
  constexpr int64_t k = 2'000'000;
  const double exact = 0.07 * k;
  for (const auto& [m, n] : {std::array<int64_t, 2>{1, 1}, {1, 3}, {3, 1}}) {
    const std::vector<double> a(at(m * k), 0.1), b(at(n * k), 0.7);
    for (const int flags : {0, 1, 2, 3}) {
      const bool ta = (flags & 1) != 0, tb = (flags & 2) != 0;
      std::vector<double> c(at(m * n));
      gemm<double>(ta, tb, m, n, k, 1, a.data(), ta ? m : k, b.data(), tb ? k : n, 0, c.data(), n);
      for (const double value : c) EXPECT_NEAR(value, exact, 3e-13 * exact) << m << n << ta << tb;
    }
  }
}

TEST(Gemm, OfAMatrixOfOneRowHasNoUseForTheDistanceOfRows) {
  const std::vector<float> a(1000, 2), b(1000, 3);
  std::vector<float> c(1'000'000);
  gemm<float>(true, false, 1000, 1000, 1, 1, a.data(), 1000, b.data(), 1, 0, c.data(), 1000);
  EXPECT_EQ(c, std::vector<float>(1'000'000, 6));
}

template <class T>
class GemmOf : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(GemmOf, Floats);

TYPED_TEST(GemmOf, ReadsNoOperandWhereAlphaIsZero) {
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{1, 5, 3},
                                {5, 1, 3},
                                {3, 3, 3},
                                {16, 128, 4},
                                {100, 90, 80},
                                {600, 513, 4}}) {
    for (const int flags : {0, 1, 2, 3}) {
      const bool ta = (flags & 1) != 0, tb = (flags & 2) != 0;
      for (const TypeParam value : {TypeParam{1}, nan_value<TypeParam>}) {
        const std::vector<TypeParam> a(at(m * k), value), b(at(k * n), value);
        for (const TypeParam beta : {TypeParam{0}, TypeParam{2}}) {
          std::vector<TypeParam> c(at(m * n), beta == 0 ? nan_value<TypeParam> : TypeParam{3});
          gemm<TypeParam>(ta, tb, m, n, k, 0, a.data(), ta ? m : k, b.data(), tb ? k : n, beta,
                          c.data(), n);
          EXPECT_EQ(c, std::vector<TypeParam>(at(m * n), beta * 3)) << m << " " << flags;
        }
      }
    }
  }
}

TYPED_TEST(GemmOf, OverwritesNanInCWhereBetaIsZero) {
  for (const int64_t m : {1, 3, 50}) {
    for (const int64_t n : {1, 4, 70}) {
      for (const int64_t k : {0, 1, 9}) {
        const std::vector<TypeParam> a(at(m * k), 2), b(at(k * n), 3);
        std::vector<TypeParam> c(at(m * n), nan_value<TypeParam>);
        gemm<TypeParam>(false, false, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
        EXPECT_EQ(c, std::vector<TypeParam>(at(m * n), static_cast<TypeParam>(6 * k)));
      }
    }
  }
}

TYPED_TEST(GemmOf, CarriesNanOfAnOperandIntoItsRowOrColumn) {
  for (const int64_t m : {1, 3, 50}) {
    for (const int64_t n : {1, 4, 70}) {
      const int64_t k = 9;
      std::vector<TypeParam> a(at(m * k), 0), b(at(k * n), 0), c(at(m * n));
      a[at(k - 1)] = nan_value<TypeParam>;  // row 0, times zeros of B
      b[at(n - 1)] = infinity<TypeParam>;   // column n - 1, times zeros of A
      gemm<TypeParam>(false, false, m, n, k, 1, a.data(), k, b.data(), n, 0, c.data(), n);
      for (int64_t i = 0; i < m; ++i) {
        for (int64_t j = 0; j < n; ++j) {
          EXPECT_EQ(std::isnan(c[at(i * n + j)]), i == 0 || j == n - 1) << m << " " << n;
        }
      }
    }
  }
}

TEST(Gemm, TakesRowsFurtherApartThanAnIntCounts) {
  const int64_t ld = (int64_t{1} << 31) + 3;
  const size_t bytes = at(2 * ld) * sizeof(float);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "no room for the addresses";
  auto* a = static_cast<float*>(memory);
  a[0] = 1, a[1] = 2, a[ld] = 3, a[ld + 1] = 4;
  const float b[] = {5, 6, 7, 8};
  float c[] = {1, 1, 1, nan_value<float>};
  gemm<float>(false, false, 2, 2, 2, 1, a, ld, b, 2, 0, c, 2);
  EXPECT_EQ(std::vector<float>(c, c + 4), (std::vector<float>{19, 22, 43, 50}));
  gemm<float>(true, true, 2, 2, 2, 1, a, ld, b, 2, 2, c, 2);  // A^T B^T + 2 C
  EXPECT_EQ(std::vector<float>(c, c + 4), (std::vector<float>{61, 75, 120, 146}));
  munmap(memory, bytes);
}

TEST(GemmBatched, MultipliesEveryMatrix) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        for (const int64_t batch : {0, 1, 7, 300}) {
          for (const bool shared : {false, true}) {
            const int64_t m = 5, n = 9, k = 4, stride_b = shared ? 0 : k * n + 2;
            const auto a = random_values<double>(batch * m * k, -1, 1, 1);
            const auto b = random_values<double>(batch * (k * n + 2) + k * n, -1, 1, 2);
            std::vector<double> c(at(batch * m * n), 0.5), expected = c;
            gemm_batched<double>(ta, tb, batch, m, n, k, 2.0, a.data(), m * k, b.data(), stride_b,
                                 -1.0, c.data(), m * n);
            for (int64_t i = 0; i < batch; ++i) {
              gemm<double>(ta, tb, m, n, k, 2.0, a.data() + i * m * k, ta ? m : k,
                           b.data() + i * stride_b, tb ? k : n, -1.0, expected.data() + i * m * n,
                           n);
            }
            for (size_t i = 0; i < c.size(); ++i) ASSERT_NEAR(c[i], expected[i], 1e-14) << i;
          }
        }
      }
    }
  }
}

TEST(GemmBatched, ReadsHeadsInPlace) {
  // scores [B, H, T, T] = q k^T for q, k [B, T, H * D]
  const int64_t B = 3, T = 6, H = 2, D = 5;
  const auto q = random_values<float>(B * T * H * D, -1, 1, 1);
  const auto k = random_values<float>(B * T * H * D, -1, 1, 2);
  std::vector<float> scores(at(B * H * T * T));
  gemm_batched<float>(false, true, B, H, T, T, D, 1, {q.data(), H * D, T * H * D, D},
                      {k.data(), H * D, T * H * D, D}, 0, {scores.data(), T, H * T * T, T * T});
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t h = 0; h < H; ++h) {
      for (int64_t i = 0; i < T; ++i) {
        for (int64_t j = 0; j < T; ++j) {
          double expected = 0;
          for (int64_t d = 0; d < D; ++d) {
            expected += static_cast<double>(q[at(((b * T + i) * H + h) * D + d)]) *
                        static_cast<double>(k[at(((b * T + j) * H + h) * D + d)]);
          }
          EXPECT_NEAR(static_cast<double>(scores[at(((b * H + h) * T + i) * T + j)]), expected,
                      1e-6);
        }
      }
    }
  }
}

TEST(GemmBatched, HasTheSameBitsForAnyNumberOfThreads) {
  const auto a = random_values<float>(40 * 33 * 65, -1, 1, 1);
  const auto b = random_values<float>(40 * 65 * 31, -1, 1, 2);
  const auto results = with_threads([&] {
    std::vector<float> c(40 * 33 * 31);
    gemm_batched<float>(false, false, 40, 33, 31, 65, 1, a.data(), 33 * 65, b.data(), 65 * 31, 0,
                        c.data(), 33 * 31);
    return c;
  });
  for (const auto& result : results) EXPECT_TRUE(same_bits(result, results[0]));
}

// Some of these are cut into blocks of rows or of columns.
TEST(LinearKernel, AddsTheBiasOnceToEveryElementOfTheProduct) {
  const ThreadsGuard guard;
  set_num_threads(3);
  for (const int64_t rows : {0, 1, 3, 800}) {
    for (const int64_t in : {0, 1, 40}) {
      for (const int64_t out : {0, 1, 5, 600}) {
        const auto x = random_values<float>(rows * in, -1, 1, 1);
        const auto w = random_values<float>(out * in, -1, 1, 2);
        const auto bias = random_values<float>(out, -1, 1, 3);
        std::vector<float> expected(at(rows * out)), y(expected.size(), 7), alone(y);
        const int64_t ld = std::max<int64_t>(in, 1), ldc = std::max<int64_t>(out, 1);
        gemm<float>(false, true, rows, out, in, 1, x.data(), ld, w.data(), ld, 0, expected.data(),
                    ldc);
        linear<float>(x.data(), w.data(), nullptr, alone.data(), rows, in, out);
        EXPECT_TRUE(same_bits(alone, expected)) << rows << " " << in << " " << out;
        for (size_t i = 0; i < expected.size(); ++i) expected[i] += bias[i % bias.size()];
        linear<float>(x.data(), w.data(), bias.data(), y.data(), rows, in, out);
        EXPECT_TRUE(same_bits(y, expected)) << rows << " " << in << " " << out;
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
