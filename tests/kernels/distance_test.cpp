#include <gradus/framework/kernels/distance.h>
#include <gtest/gtest.h>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

using Real = long double;

template <class T>
class Distance : public testing::Test {
 protected:
  static constexpr double tolerance = sizeof(T) == 4 ? 1e-6 : 1e-14;
};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Distance, Floats);

constexpr double powers[] = {0, 0.5, 1, 1.5, 2, 3, infinity<double>};

template <class T>
Real exact_distance(const T* a, const T* b, int64_t M, double p) {
  Real total = 0;
  for (int64_t m = 0; m < M; ++m) {
    const Real d = std::fabs(static_cast<Real>(a[m]) - static_cast<Real>(b[m]));
    if (std::isinf(p))
      total = std::max(total, d);
    else
      total += p == 0 ? (d != 0 ? 1 : 0) : std::pow(d, static_cast<Real>(p));
  }
  return p == 0 || std::isinf(p) ? total : std::pow(total, 1 / static_cast<Real>(p));
}

TYPED_TEST(Distance, AgreesWithTheDefinitionAroundTheSizesOfTiles) {
  using T = TypeParam;
  for (const auto& [P, R, M] : {std::array<int64_t, 3>{1, 1, 1},
                                {3, 5, 2},
                                {4, 16, 3},
                                {5, 31, 63},
                                {9, 33, 64},
                                {2, 70, 65},
                                {131, 8, 7},
                                {130, 40, 200}}) {
    for (const double p : powers) {
      const bool has_powers = p != 0 && p != 1 && p != 2 && !std::isinf(p);
      if (has_powers && P * R * M > 20000) continue;  // std::pow is slow
      SCOPED_TRACE(testing::Message() << P << " " << R << " " << M << " p " << p);
      const auto a = random_values<T>(2 * P * M, T(-2), T(2)),
                 b = random_values<T>(2 * R * M, T(-2), T(2), 2);
      std::vector<T> y(static_cast<size_t>(2 * P * R));
      cdist(a.data(), b.data(), y.data(), 2, P, R, M, p);
      for (int64_t i = 0; i < 2 * P; ++i) {
        for (int64_t r = 0; r < R; ++r) {
          const auto exact = static_cast<double>(
              exact_distance(a.data() + i * M, b.data() + (i / P * R + r) * M, M, p));
          ASSERT_NEAR(y[static_cast<size_t>(i * R + r)], exact, this->tolerance * (1 + exact));
        }
      }
    }
  }
}

TYPED_TEST(Distance, NeitherOverflowsNorVanishesNorSwallowsNaN) {
  using T = TypeParam;
  const T units[] = {std::numeric_limits<T>::max() / 64, std::numeric_limits<T>::min() * 64};
  for (const double p : powers) {
    for (const T unit : units) {
      const T a[] = {3 * unit, 0, 0, 0}, b[] = {0, 4 * unit, 0, 0};
      T y[4];
      cdist(a, b, y, 1, 2, 2, 2, p);
      const T c[] = {3, 0, 0, 0}, d[] = {0, 4, 0, 0};
      for (int i = 0; i < 4 && p > 0; ++i) {
        const Real exact = exact_distance(c + i / 2 * 2, d + i % 2 * 2, 2, p);
        EXPECT_NEAR(y[i] / unit, static_cast<double>(exact), 1e-5);
      }
    }
    for (size_t at = 0; at < 100; at += 9) {
      std::vector<T> a(100, T(1)), b(100, T(2));
      a[at] = nan_value<T>;
      T y = 0;
      cdist(a.data(), b.data(), &y, 1, 1, 1, 100, p);
      EXPECT_TRUE(std::isnan(y)) << p;
    }
  }
}

TYPED_TEST(Distance, OfNothing) {
  using T = TypeParam;
  T y[] = {9, 9}, da = 9;
  cdist<T>(nullptr, nullptr, y, 0, 3, 3, 3, 2);
  cdist<T>(nullptr, nullptr, y, 2, 0, 3, 3, 2);
  EXPECT_EQ(y[0], T(9));
  cdist<T>(nullptr, nullptr, y, 1, 1, 2, 0, 2);
  EXPECT_EQ(y[0], T(0));
  EXPECT_EQ(y[1], T(0));
  cdist_vjp<T>(nullptr, nullptr, 0, 1, nullptr, nullptr, &da, 1, 1, 0, 1, 2);
  EXPECT_EQ(da, T(0));
  cosine_similarity<T>(nullptr, nullptr, 1e-8, y, nullptr, 0, 4);
  CosineMoments moments;
  y[0] = 9;
  cosine_similarity<T>(nullptr, nullptr, 1e-8, y, &moments, 1, 0);
  EXPECT_EQ(y[0], T(0));
}

TYPED_TEST(Distance, CosinesAgreeWithTheDefinitionAtEveryWidth) {
  using T = TypeParam;
  for (const int64_t C : {1, 2, 7, 8, 9, 16, 100, 1024, 1025, 3000}) {
    const auto a = random_values<T>(3 * C, T(-1), T(2)),
               b = random_values<T>(3 * C, T(-1), T(2), 2);
    T y[3];
    CosineMoments moments[3];
    cosine_similarity(a.data(), b.data(), 1e-8, y, moments, 3, C);
    for (int64_t r = 0; r < 3; ++r) {
      Real ab = 0, aa = 0, bb = 0;
      for (int64_t i = r * C; i < (r + 1) * C; ++i) {
        const Real u = a[static_cast<size_t>(i)], v = b[static_cast<size_t>(i)];
        ab += u * v;
        aa += u * u;
        bb += v * v;
      }
      ASSERT_NEAR(y[r], static_cast<double>(ab / std::sqrt(aa * bb)), this->tolerance) << C;
    }
  }
}

TYPED_TEST(Distance, AnyNumberOfThreadsGivesTheSameBits) {
  using T = TypeParam;
  const int64_t P = 150, R = 70, M = 20;
  const auto a = random_values<T>(P * M, T(-2), T(2)), b = random_values<T>(R * M, T(-2), T(2), 2);
  const auto g = random_values<T>(P * R, T(-2), T(2), 3);
  for (const double p : powers) {
    const auto results = with_threads([&] {
      std::vector<T> y(static_cast<size_t>(P * R + (P + R) * M));
      T* da = y.data() + P * R;
      cdist(a.data(), b.data(), y.data(), 1, P, R, M, p);
      cdist_vjp(g.data(), y.data(), R, 1, a.data(), b.data(), da, 1, P, R, M, p);
      cdist_vjp(g.data(), y.data(), 1, R, b.data(), a.data(), da + P * M, 1, R, P, M, p);
      return y;
    });
    for (const auto& y : results) EXPECT_TRUE(same_bits(y, results[0])) << p;
  }
}

}  // namespace
}  // namespace gradus::kernels
