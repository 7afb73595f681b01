#include <gradus/framework/kernels/nn/normalization.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

namespace gradus::kernels {
namespace {

using Real = long double;
template <class T>
using Values = std::vector<T>;

template <class T>
class Normalization : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(Normalization, Floats);

constexpr int64_t widths[] = {1,  2,  3,   7,   8,    15,   16,   17,  31,
                              33, 64, 100, 768, 1023, 1024, 1025, 3000};

/// The definition, row by row, in long double.
struct Exact {
  template <class T>
  Exact(const Values<T>& x, const Values<T>& weight, const Values<T>& bias, double eps, bool center,
        int64_t C)
      : normal(x.size()), y(x.size()), scale(x.size() / static_cast<size_t>(C)) {
    const auto n = static_cast<size_t>(C);
    for (size_t r = 0; r < scale.size(); ++r) {
      const T* row = x.data() + r * n;
      const Real first = center ? row[0] : Real{0};  // from which the differences are exact
      Real mean = 0, square = 0;
      Real* const deviation = normal.data() + r * n;
      for (size_t c = 0; c < n; ++c) {
        deviation[c] = row[c] - first;
        if (center) mean += deviation[c] / C;
      }
      for (size_t c = 0; c < n; ++c) {
        deviation[c] -= mean;
        square += deviation[c] * deviation[c] / C;
      }
      scale[r] = square + eps == 0 ? 0 : 1 / std::sqrt(square + eps);
      for (size_t c = 0; c < n; ++c) {
        deviation[c] *= scale[r];
        y[r * n + c] =
            deviation[c] * (weight.empty() ? 1 : weight[c]) + (bias.empty() ? 0 : bias[c]);
      }
    }
  }
  Values<Real> normal, y, scale;
};

struct ExactVjp {
  template <class T>
  ExactVjp(const Values<T>& g, const Exact& e, const Values<T>& weight, bool center, int64_t C)
      : dx(g.size()), dweight(static_cast<size_t>(C)), dbias(static_cast<size_t>(C)) {
    const auto n = static_cast<size_t>(C);
    for (size_t r = 0; r < e.scale.size(); ++r) {
      Real sum = 0, dot = 0;
      const auto weighted = [&](size_t c) {
        return static_cast<Real>(g[r * n + c]) * (weight.empty() ? 1 : weight[c]);
      };
      for (size_t c = 0; c < n; ++c) {
        if (center) sum += weighted(c) / C;
        dot += weighted(c) * e.normal[r * n + c] / C;
        dweight[c] += g[r * n + c] * e.normal[r * n + c];
        dbias[c] += g[r * n + c];
      }
      for (size_t c = 0; c < n; ++c)
        dx[r * n + c] = e.scale[r] * (weighted(c) - sum - e.normal[r * n + c] * dot);
    }
  }
  Values<Real> dx, dweight, dbias;
};

/// What the kernels compute.
template <class T>
struct Computed {
  Computed(const Values<T>& x, const Values<T>& weight, const Values<T>& bias, const Values<T>& g,
           double eps, bool center, int64_t C)
      : y(x.size()), dx(x.size()), dweight(static_cast<size_t>(C)), dbias(static_cast<size_t>(C)) {
    const auto R = static_cast<int64_t>(x.size()) / C;
    moments.resize(static_cast<size_t>(R));
    const T* w = weight.empty() ? nullptr : weight.data();
    const T* b = bias.empty() ? nullptr : bias.data();
    if (center) {
      layer_norm(x.data(), w, b, eps, y.data(), moments.data(), R, C);
      layer_norm_vjp(g.data(), x.data(), w, moments.data(), dx.data(), dweight.data(), dbias.data(),
                     R, C);
    } else {
      rms_norm(x.data(), w, eps, y.data(), moments.data(), R, C);
      rms_norm_vjp(g.data(), x.data(), w, moments.data(), dx.data(), dweight.data(), R, C);
    }
  }
  Values<T> y, dx, dweight, dbias;
  Values<RowMoments> moments;
};

/// |actual - exact| <= tolerance (unit + |exact|).
template <class T>
testing::AssertionResult near(const Values<T>& actual, const Values<Real>& exact, double tolerance,
                              double unit = 1) {
  for (size_t i = 0; i < actual.size(); ++i) {
    const auto error = std::fabs(static_cast<double>(actual[i] - exact[i]));
    if (!(error <= tolerance * (unit + std::fabs(static_cast<double>(exact[i])))))
      return testing::AssertionFailure() << "element " << i << " is " << actual[i] << ", exact "
                                         << static_cast<double>(exact[i]);
  }
  return testing::AssertionSuccess();
}

template <class T>
constexpr double tolerance = sizeof(T) == 4 ? 2e-6 : 4e-15;

template <class T>
void check(const Values<T>& x, const Values<T>& weight, const Values<T>& bias, double eps,
           bool center, int64_t C, double factor = 1) {
  const auto g = random_values<T>(static_cast<int64_t>(x.size()), T(-2), T(2), 5);
  const Computed<T> c(x, weight, bias, g, eps, center, C);
  const Exact e(x, weight, bias, eps, center, C);
  const ExactVjp v(g, e, weight, center, C);
  const double rows = 2 * std::sqrt(static_cast<double>(e.scale.size()));
  double greatest = 0;
  for (const Real s : e.scale) greatest = std::max(greatest, static_cast<double>(s));
  ASSERT_TRUE(near(c.y, e.y, factor * tolerance<T>));
  ASSERT_TRUE(near(c.dx, v.dx, 4 * factor * tolerance<T>, greatest));
  ASSERT_TRUE(near(c.dweight, v.dweight, 2 * tolerance<T>, rows));
  if (center) {
    ASSERT_TRUE(near(c.dbias, v.dbias, 2 * tolerance<T>, rows));
  }
}

TYPED_TEST(Normalization, AgreesWithTheDefinitionAtEveryWidth) {
  using T = TypeParam;
  for (const int64_t C : widths) {
    SCOPED_TRACE(C);
    const auto x = random_values<T>(5 * C, T(-3), T(4));
    const auto weight = random_values<T>(C, T(-2), T(2), 2),
               bias = random_values<T>(C, T(-2), T(2), 3);
    for (const bool center : {true, false}) {
      const Values<T> b = center ? bias : Values<T>{};
      check<T>(x, weight, b, 1e-3, center, C);
      check<T>(x, {}, {}, 1e-3, center, C);
      check<T>(x, weight, {}, 1e-3, center, C);
      check<T>(x, {}, b, 1e-3, center, C);
    }
  }
}

TYPED_TEST(Normalization, ManyRowsOfManyTasks) {
  using T = TypeParam;
  for (const auto& [R, C] : {std::pair<int64_t, int64_t>{1000, 3}, {700, 1000}, {20, 9000}}) {
    const auto x = random_values<T>(R * C, T(-3), T(4));
    const auto weight = random_values<T>(C, T(-2), T(2), 2);
    check<T>(x, weight, weight, 1e-5, true, C, 3);
    check<T>(x, weight, {}, 1e-5, false, C, 3);
  }
}

TYPED_TEST(Normalization, KeepsTheDigitsOfValuesFarFromZero) {
  using T = TypeParam;
  const T offset = sizeof(T) == 4 ? T(1e6) : T(1e12);
  for (const int64_t C : {2, 16, 100, 768}) {
    auto x = random_values<T>(3 * C, T(-1), T(1));
    for (T& v : x) v += offset;
    check<T>(x, {}, {}, 1e-5, true, C, 4);
  }
}

TYPED_TEST(Normalization, KeepsTheDigitsBesideAnOutlier) {
  using T = TypeParam;
  auto x = random_values<T>(100, T(-1), T(1));
  for (const size_t i : {0u, 37u}) {
    auto far = x;
    far[i] = T(1e6);
    check<T>(far, {}, {}, 0, true, 100);
    check<T>(far, {}, {}, 0, false, 100);
  }
}

TYPED_TEST(Normalization, KeepsTheDigitsWhereTheFirstValuesAreFarFromTheOthers) {
  using T = TypeParam;
  for (const int64_t first : {1, 63, 64, 65, 200}) {
    auto x = random_values<T>(100'000, T(-1), T(1));
    for (int64_t i = 0; i < first; ++i) x[static_cast<size_t>(i)] += T(1000);
    check<T>(x, {}, {}, 0, true, 100'000);
    check<T>(x, {}, {}, 0, false, 100'000);
  }
}

TYPED_TEST(Normalization, ReachesTheEndsOfTheRange) {
  using T = TypeParam;
  const T ends[] = {std::numeric_limits<T>::max() / T(1024), std::numeric_limits<T>::min() * T(64)};
  for (const T unit : ends) {
    for (const int64_t C : {3, 40}) {
      auto x = random_values<T>(2 * C, T(-2), T(2));
      for (T& v : x) v *= unit;
      const Values<T> g(x.size(), T(1));
      for (const bool center : {true, false}) {
        const Computed<T> c(x, {}, {}, g, 0, center, C);
        EXPECT_TRUE(near(c.y, Exact(x, {}, Values<T>{}, 0, center, C).y, tolerance<T>)) << C;
      }
    }
  }
}

TYPED_TEST(Normalization, EqualValuesGiveTheBiasExactly) {
  using T = TypeParam;
  for (const T value : {T(0), T(0.1), T(-1e6), T(1) / T(3)}) {
    for (const int64_t C : {1, 5, 16, 100, 768}) {
      const Values<T> x(static_cast<size_t>(2 * C), value);
      const auto bias = random_values<T>(C, T(-2), T(2)), g = random_values<T>(2 * C, T(-2), T(2));
      for (const double eps : {1e-5, 0.0}) {
        const Computed<T> c(x, {}, bias, g, eps, true, C);
        for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(c.y[i], bias[i % bias.size()]);
        for (const T v : c.dweight) ASSERT_EQ(v, 0);
        for (const T v : c.dx) ASSERT_TRUE(std::isfinite(v) && (eps > 0 || v == 0));
      }
    }
  }
}

TYPED_TEST(Normalization, NaNAndInfinityStayInTheirRowAndAZeroCotangentStopsThem) {
  using T = TypeParam;
  for (const int64_t C : {1, 5, 16, 40}) {
    const auto n = static_cast<size_t>(C);
    for (const T bad : {nan_value<T>, infinity<T>}) {
      auto x = random_values<T>(2 * C, T(-2), T(2));
      x[n - 1] = bad;
      auto g = random_values<T>(2 * C, T(1), T(2));
      const Computed<T> all(x, {}, {}, g, 1e-5, true, C);
      std::fill(g.begin(), g.begin() + C, T(0));
      const Computed<T> some(x, {}, {}, g, 1e-5, true, C);
      for (size_t i = 0; i < 2 * n; ++i) {
        ASSERT_EQ(std::isnan(all.y[i]), i < n);
        ASSERT_EQ(std::isnan(all.dx[i]), i < n);
        ASSERT_TRUE(std::isnan(all.dweight[i % n]));
        ASSERT_TRUE(i < n ? some.dx[i] == 0 : std::isfinite(some.dx[i]));
        ASSERT_TRUE(std::isfinite(some.dweight[i % n]));
      }
      const Computed<T> rms(x, {}, {}, g, 1e-5, false, C);
      for (size_t i = 0; i < 2 * n; ++i) {
        ASSERT_EQ(std::isnan(rms.y[i]), i < n);
        ASSERT_TRUE(i < n ? rms.dx[i] == 0 : std::isfinite(rms.dx[i]));
        ASSERT_TRUE(std::isfinite(rms.dweight[i % n]));
      }
    }
  }
}

TYPED_TEST(Normalization, LeavesOutGradientsThatAreNotWanted) {
  using T = TypeParam;
  const int64_t R = 100, C = 33;
  const auto x = random_values<T>(R * C, T(-2), T(2)), g = random_values<T>(R * C, T(-2), T(2), 2);
  const auto weight = random_values<T>(C, T(-2), T(2), 3);
  const Computed<T> all(x, weight, {}, g, 1e-5, true, C);
  Values<T> dx(x.size()), dweight(weight.size()), dbias(weight.size());
  const auto vjp = [&](T* a, T* b, T* c) {
    layer_norm_vjp(g.data(), x.data(), weight.data(), all.moments.data(), a, b, c, R, C);
  };
  vjp(dx.data(), nullptr, nullptr);
  EXPECT_TRUE(same_bits(dx, all.dx));
  vjp(nullptr, dweight.data(), nullptr);
  EXPECT_TRUE(same_bits(dweight, all.dweight));
  vjp(nullptr, nullptr, dbias.data());
  EXPECT_TRUE(same_bits(dbias, all.dbias));
}

TYPED_TEST(Normalization, OfNothing) {
  using T = TypeParam;
  T value = 9;
  RowMoments m{};
  layer_norm<T>(nullptr, nullptr, nullptr, 1, &value, &m, 3, 0);
  rms_norm<T>(nullptr, nullptr, 1, &value, &m, 0, 3);
  layer_norm_vjp<T>(nullptr, nullptr, nullptr, &m, &value, &value, &value, 3, 0);
  EXPECT_EQ(value, T(9));
  T sums[4] = {9, 9, 9, 9};
  layer_norm_vjp<T>(nullptr, nullptr, nullptr, nullptr, nullptr, sums, sums + 2, 0, 2);
  for (const T sum : sums) EXPECT_EQ(sum, T(0));
}

TYPED_TEST(Normalization, AnyNumberOfThreadsAndAnyPositionGivesTheSameBits) {
  using T = TypeParam;
  const ThreadsGuard guard;
  for (const auto& [rows, columns] :
       {std::pair<int64_t, int64_t>{3000, 21}, {3000, 768}, {12, 30000}}) {
    const int64_t R = rows, C = columns;
    const auto x = random_values<T>(R * C, T(-4), T(4)),
               g = random_values<T>(R * C, T(-1), T(1), 2);
    const auto weight = random_values<T>(C, T(-4), T(4), 3);
    const auto results = with_threads([&] {
      const Computed<T> c(x, weight, weight, g, 1e-5, true, C);
      Values<T> all;
      for (const auto* part : {&c.y, &c.dx, &c.dweight, &c.dbias})
        all.insert(all.end(), part->begin(), part->end());
      return all;
    });
    for (const auto& all : results) EXPECT_TRUE(same_bits(all, results[0])) << R << " " << C;
    // A row alone, which is small and stays in the caches.
    const Values<T> row(x.end() - C, x.end()), cotangent(g.end() - C, g.end());
    const Computed<T> alone(row, weight, weight, cotangent, 1e-5, true, C);
    const auto at = results[0].begin() + (R - 1) * C;
    EXPECT_TRUE(same_bits(alone.y, Values<T>(at, at + C)));
    EXPECT_TRUE(same_bits(alone.dx, Values<T>(at + R * C, at + R * C + C)));
  }
}

}  // namespace
}  // namespace gradus::kernels
