#include <gradus/framework/kernels/nn/cross_entropy.h>
#include <gradus/framework/kernels/nn/softmax.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace gradus::kernels {
namespace {

using Real = long double;
constexpr int64_t ignored = -100;

template <class T>
class Softmax : public ::testing::Test {
 protected:
  /// How far a result of size about 1 may be from the exact one.
  static constexpr double tolerance = std::is_same_v<T, float> ? 1e-6 : 2e-15;
};

template <class T>
ClassLabels<T> with_labels(const int64_t* labels) {
  return {.labels = labels, .ignore_index = ignored};
}

using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Softmax, FloatTypes);

template <class T>
Real log_sum_exp(const T* x, int64_t C) {
  const Real greatest = *std::max_element(x, x + C);
  Real sum = 0;
  for (int64_t c = 0; c < C; ++c) sum += std::exp(x[c] - greatest);
  return greatest + std::log(sum);
}

std::vector<int64_t> widths() {
  std::vector<int64_t> result;
  for (int64_t C = 1; C <= 70; ++C) result.push_back(C);
  result.insert(result.end(), {1000, 1023, 1024, 1025, 5003});
  return result;
}

TYPED_TEST(Softmax, RowsAgreeWithTheDefinition) {
  using T = TypeParam;
  for (const int64_t C : widths()) {
    const int64_t R = 3;
    const auto x = random_values<T>(R * C + 1, T(-8), T(8));
    std::vector<T> p(x.size(), T(-5)), log_p(x.size(), T(-5));
    softmax(x.data() + 1, p.data(), R, C);  // + 1: not aligned
    log_softmax(x.data() + 1, log_p.data(), R, C);
    for (int64_t r = 0; r < R; ++r) {
      const Real lse = log_sum_exp(x.data() + 1 + r * C, C);
      for (int64_t c = 0; c < C; ++c) {
        const auto i = static_cast<size_t>(r * C + c);
        const auto exact = static_cast<double>(std::exp(x[i + 1] - lse));
        ASSERT_NEAR(p[i], exact, 1.5 * this->tolerance * exact) << C;
        ASSERT_NEAR(log_p[i], static_cast<double>(x[i + 1] - lse), 2 * this->tolerance) << C;
      }
    }
    EXPECT_EQ(p.back(), T(-5));
    EXPECT_EQ(log_p.back(), T(-5));
  }
}

TYPED_TEST(Softmax, DerivativesAgreeWithTheDefinition) {
  using T = TypeParam;
  for (const int64_t C : widths()) {
    const int64_t R = 2;
    const auto x = random_values<T>(R * C, T(-4), T(4), 1),
               g = random_values<T>(R * C, T(-1), T(1), 2);
    std::vector<T> p(x.size()), log_p(x.size()), dx(x.size()), log_dx(x.size());
    softmax(x.data(), p.data(), R, C);
    log_softmax(x.data(), log_p.data(), R, C);
    softmax_vjp(g.data(), p.data(), dx.data(), R, C);
    log_softmax_vjp(g.data(), log_p.data(), log_dx.data(), R, C);
    for (int64_t r = 0; r < R; ++r) {
      Real dot = 0, total = 0;
      for (int64_t c = 0; c < C; ++c) {
        const auto i = static_cast<size_t>(r * C + c);
        dot += static_cast<Real>(g[i]) * p[i];
        total += g[i];
      }
      for (int64_t c = 0; c < C; ++c) {
        const auto i = static_cast<size_t>(r * C + c);
        ASSERT_NEAR(dx[i], static_cast<double>(p[i] * (g[i] - dot)), this->tolerance * p[i]) << C;
        const Real softmaxed = std::exp(static_cast<Real>(log_p[i]));
        const double limit =
            this->tolerance * static_cast<double>(1 + softmaxed * std::fabs(total));
        ASSERT_NEAR(log_dx[i], static_cast<double>(g[i] - softmaxed * total), limit) << C;
      }
    }
  }
}

TYPED_TEST(Softmax, WorksInPlace) {
  using T = TypeParam;
  const int64_t R = 5, C = 37;
  const auto x = random_values<T>(R * C, T(-4), T(4), 1),
             g = random_values<T>(R * C, T(-1), T(1), 2);
  const std::function<void(const T*, T*)> functions[] = {
      [&](const T* in, T* out) { softmax(in, out, R, C); },
      [&](const T* in, T* out) { log_softmax(in, out, R, C); },
      [&](const T* in, T* out) { softmax_vjp(in, x.data(), out, R, C); },
      [&](const T* in, T* out) { log_softmax_vjp(in, x.data(), out, R, C); },
      [&](const T* in, T* out) { softmax_vjp(g.data(), in, out, R, C); },
      [&](const T* in, T* out) { log_softmax_vjp(g.data(), in, out, R, C); }};
  for (const auto& f : functions) {
    std::vector<T> y(x.size()), z = x;
    f(x.data(), y.data());
    f(z.data(), z.data());
    EXPECT_TRUE(same_bits(y, z));
  }
}

TYPED_TEST(Softmax, ExtremeLogitsStayExact) {
  using T = TypeParam;
  const T x[] = {T(1e4), T(1e4) - 1, -1e4, 0};
  T p[4], log_p[4];
  softmax(x, p, 1, 4);
  log_softmax(x, log_p, 1, 4);
  const double first = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(p[0], first, this->tolerance);
  EXPECT_NEAR(p[1], 1 - first, this->tolerance);
  EXPECT_EQ(p[2], T(0));
  EXPECT_EQ(p[3], T(0));
  EXPECT_NEAR(log_p[0], std::log(first), this->tolerance);
  EXPECT_NEAR(log_p[1], std::log(1 - first), this->tolerance);
  EXPECT_EQ(log_p[2], T(-20000.0 + std::log(first)));
  EXPECT_EQ(log_p[3], T(-10000.0 + std::log(first)));

  const int64_t label = 1;
  const T scale = 1;
  T loss = 0, dx[4];
  double lse = 0;
  cross_entropy(x, with_labels<T>(&label), &loss, &lse, 1, 4);
  cross_entropy_vjp(x, with_labels<T>(&label), &lse, &scale, 1, dx, 1, 4);
  EXPECT_NEAR(loss, -std::log(1 - first), this->tolerance);
  EXPECT_NEAR(dx[0], first, 1e-11 + this->tolerance);  // lse has 12 decimals at 1e4
  EXPECT_NEAR(dx[1], -first, 1e-11 + this->tolerance);
  EXPECT_EQ(dx[2], T(0));
}

TYPED_TEST(Softmax, MaskedEntriesAndRows) {
  using T = TypeParam;
  const T inf = infinity<T>;
  for (const int64_t C : {1, 2, 15, 16, 17, 33, 70, 1030}) {
    const auto n = static_cast<size_t>(C);
    std::vector<T> x(n, -inf), y(n, T(7));
    softmax(x.data(), y.data(), 1, C);
    for (const T value : y) ASSERT_EQ(value, T(0)) << C;
    std::vector<T> g(n, T(1)), dx(n, T(7));
    softmax_vjp(g.data(), y.data(), dx.data(), 1, C);
    for (const T value : dx) ASSERT_EQ(value, T(0)) << C;
    log_softmax(x.data(), y.data(), 1, C);
    for (const T value : y) ASSERT_EQ(value, -inf) << C;
    log_softmax_vjp(g.data(), y.data(), dx.data(), 1, C);
    for (const T value : dx) ASSERT_TRUE(std::isfinite(value)) << C;
    // One entry that is not masked takes everything, wherever it is.
    for (size_t i = 0; i < n; ++i) {
      x.assign(n, -inf);
      x[i] = T(-3);
      softmax(x.data(), y.data(), 1, C);
      for (size_t k = 0; k < n; ++k) ASSERT_EQ(y[k], T(k == i ? 1 : 0)) << C;
      log_softmax(x.data(), y.data(), 1, C);
      for (size_t k = 0; k < n; ++k) ASSERT_EQ(y[k], k == i ? T(0) : -inf) << C;
    }
  }
}

TYPED_TEST(Softmax, NanAndInfinityMakeTheRowNanAndNoOther) {
  using T = TypeParam;
  for (const int64_t C : {1, 5, 16, 40, 1030}) {
    const auto n = static_cast<size_t>(C);
    for (const T bad : {nan_value<T>, infinity<T>}) {
      for (const T other : {T(1), -infinity<T>}) {
        for (size_t i = 0; i < n; i += 3) {
          std::vector<T> x(2 * n, other), y(2 * n), z(2 * n);
          std::fill(x.begin() + C, x.end(), T(1));
          x[i] = bad;
          softmax(x.data(), y.data(), 2, C);
          log_softmax(x.data(), z.data(), 2, C);
          for (size_t k = 0; k < 2 * n; ++k) {
            ASSERT_EQ(std::isnan(y[k]), k < n) << C << " " << i;
            ASSERT_EQ(std::isnan(z[k]), k < n) << C << " " << i;
          }
          const std::vector<int64_t> labels(2, C - 1);
          T loss[2];
          double lse[2];
          cross_entropy(x.data(), with_labels<T>(labels.data()), loss, lse, 2, C);
          ASSERT_TRUE(std::isnan(loss[0]));
          ASSERT_NEAR(loss[1], std::log(static_cast<double>(C)), 1e-6);
        }
      }
    }
  }
}

TYPED_TEST(Softmax, CrossEntropyAgreesWithTheDefinition) {
  using T = TypeParam;
  for (const int64_t C : widths()) {
    const int64_t R = 4;
    const auto x = random_values<T>(R * C, T(-4), T(4));
    const std::vector<int64_t> labels = {0, C - 1, ignored, C / 2};
    const std::vector<T> scale = {T(0.5), T(-2), T(3), T(0)};
    std::vector<T> loss(4), dx(x.size()), same_scale(x.size());
    std::vector<double> lse(4);
    cross_entropy(x.data(), with_labels<T>(labels.data()), loss.data(), lse.data(), R, C);
    cross_entropy_vjp(x.data(), with_labels<T>(labels.data()), lse.data(), scale.data(), 1,
                      dx.data(), R, C);
    cross_entropy_vjp(x.data(), with_labels<T>(labels.data()), lse.data(), scale.data(), 0,
                      same_scale.data(), R, C);
    for (size_t r = 0; r < 4; ++r) {
      const Real exact = log_sum_exp(x.data() + static_cast<int64_t>(r) * C, C);
      ASSERT_NEAR(lse[r], static_cast<double>(exact), 5 * this->tolerance) << C;
      const bool counts = labels[r] != ignored;
      const size_t row = r * static_cast<size_t>(C);
      const Real expected = counts ? exact - x[row + static_cast<size_t>(labels[r])] : 0;
      ASSERT_NEAR(loss[r], static_cast<double>(expected), 10 * this->tolerance) << C;
      for (size_t c = 0; c < static_cast<size_t>(C); ++c) {
        const Real p =
            counts ? std::exp(x[row + c] - exact) - (static_cast<int64_t>(c) == labels[r] ? 1 : 0)
                   : 0;
        ASSERT_NEAR(dx[row + c], static_cast<double>(scale[r] * p), 4 * this->tolerance) << C;
        ASSERT_NEAR(same_scale[row + c], static_cast<double>(scale[0] * p), 4 * this->tolerance)
            << C;
      }
    }
  }
}

TYPED_TEST(Softmax, CrossEntropyOfMaskedLogits) {
  using T = TypeParam;
  const T inf = infinity<T>;
  const T x[] = {0, -inf, 0, -inf, -inf, -inf};
  const int64_t labels[] = {1, 0};
  const T scale = 2;
  T loss[2], dx[6];
  double lse[2];
  cross_entropy(x, with_labels<T>(labels), loss, lse, 2, 3);
  EXPECT_EQ(loss[0], inf);
  EXPECT_EQ(loss[1], inf);
  EXPECT_EQ(lse[1], -infinity<double>);
  cross_entropy_vjp(x, with_labels<T>(labels), lse, &scale, 0, dx, 2, 3);
  const T expected[] = {1, -2, 1, -2, 0, 0};
  for (int i = 0; i < 6; ++i) EXPECT_NEAR(dx[i], expected[i], 1e-6) << i;
}

TYPED_TEST(Softmax, OfNothing) {
  using T = TypeParam;
  T y = 9;
  softmax<T>(nullptr, &y, 0, 5);
  log_softmax<T>(nullptr, &y, 0, 5);
  softmax<T>(nullptr, &y, 4, 0);
  log_softmax<T>(nullptr, &y, 4, 0);
  softmax_vjp<T>(nullptr, nullptr, &y, 4, 0);
  log_softmax_vjp<T>(nullptr, nullptr, &y, 4, 0);
  cross_entropy<T>(nullptr, with_labels<T>(nullptr), &y, nullptr, 0, 5);
  EXPECT_EQ(y, T(9));
}

TYPED_TEST(Softmax, AnyNumberOfThreadsGivesTheSameBits) {
  using T = TypeParam;
  for (const auto& [rows, columns] :
       {std::pair<int64_t, int64_t>{3000, 21}, {100, 1003}, {4, 30000}}) {
    const int64_t R = rows, C = columns;
    const auto x = random_values<T>(R * C, T(-4), T(4));
    std::vector<int64_t> labels(static_cast<size_t>(R));
    for (size_t r = 0; r < labels.size(); ++r) labels[r] = static_cast<int64_t>(r) % C;
    const auto results = with_threads([&] {
      std::vector<T> y(static_cast<size_t>(5 * R * C + R));
      std::vector<double> lse(labels.size());
      const int64_t step = R * C;
      T* p = y.data();
      softmax(x.data(), p, R, C);
      log_softmax(x.data(), p + step, R, C);
      softmax_vjp<T>(x.data(), p, p + 2 * step, R, C);
      log_softmax_vjp<T>(x.data(), p + step, p + 3 * step, R, C);
      cross_entropy(x.data(), with_labels<T>(labels.data()), p + 5 * step, lse.data(), R, C);
      cross_entropy_vjp(x.data(), with_labels<T>(labels.data()), lse.data(), x.data(), 1,
                        p + 4 * step, R, C);
      return y;
    });
    for (const auto& y : results) EXPECT_TRUE(same_bits(y, results[0])) << R << " " << C;
  }
}

}  // namespace
}  // namespace gradus::kernels
