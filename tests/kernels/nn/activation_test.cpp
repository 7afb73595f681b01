#include <gradus/framework/kernels/nn/activation.h>
#include <gradus/tests/kernels/elementwise_testing.h>

#include <array>
#include <numbers>

namespace gradus::kernels {
namespace {

template <class T>
class Activation : public ::testing::Test {};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Activation, FloatTypes);

constexpr Exact pi = std::numbers::pi_v<Exact>;

Exact sigmoid_of(Exact x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
Exact cdf(Exact x) { return std::erfc(-x / std::sqrt(Exact{2})) / 2; }
Exact density(Exact x) { return std::exp(-x * x / 2) / std::sqrt(2 * pi); }
Exact gelu_angle(Exact x) {  // of the sigmoid: twice that of the tanh
  return 2 * std::sqrt(2 / pi) * (x + Exact{0.044715L} * x * x * x);
}

// The limit, 0, at -infinity, where the product is NaN.
Exact times_x(Exact x, Exact factor) {
  return factor == 0 ? std::copysign(Exact{0}, x) : x * factor;
}

Exact tanh_of_softplus(Exact x) {  // without cancellation for negative x
  const Exact e = std::exp(-std::fabs(x));
  return x < 0 ? e * (e + 2) / (e * (e + 2) + 2) : (1 + 2 * e) / (1 + 2 * e + 2 * e * e);
}

std::vector<Reference> references() {
  return {
      {"mish", mish, [](Exact x) { return times_x(x, tanh_of_softplus(x)); }, -100, 20, 5, 1e-36},
      {"softsign", softsign,
       [](Exact x) { return std::isinf(x) ? std::copysign(Exact{1}, x) : x / (1 + std::fabs(x)); },
       -50, 50, 2},
      {"gelu", gelu, [](Exact x) { return times_x(x, cdf(x)); }, -38, 10, 6, 1e-36},
      {"gelu_tanh", gelu_tanh, [](Exact x) { return times_x(x, sigmoid_of(gelu_angle(x))); }, -9, 9,
       4, 0.5},
      {"silu", silu, [](Exact x) { return times_x(x, sigmoid_of(x)); }, -100, 20, 4, 1e-36},
      {"logsigmoid", logsigmoid,
       [](Exact x) {
         return std::fmin(x, Exact{0}) - std::log1p(std::exp(-std::fabs(x))) +
                (x - x == 0 || std::isinf(x) ? 0 : x);
       },
       -100, 100, 3, 1e-36}};
}

TYPED_TEST(Activation, WithinFewUnitsInTheLastPlace) {
  for (const Reference& f : references()) check_unary<TypeParam>(f);
}

TYPED_TEST(Activation, ElementHasTheSameBitsAtAnyPositionLengthAndAlignment) {
  for (const Reference& f : references()) check_positions<TypeParam>(f.name, f.kernel);
}

TYPED_TEST(Activation, Derivatives) {
  using T = TypeParam;
  const auto silu_slope = [](Exact x) {
    const Exact s = sigmoid_of(x);
    return s + (s == 0 ? 0 : x * s * sigmoid_of(-x));
  };
  // All near a zero of the derivative, where only the absolute error is small.
  const std::vector<BinaryReference> all{
      {"silu_vjp", silu_vjp, [&](Exact g, Exact x) { return g * silu_slope(x); }, -20, 20, 4, 2},
      {"mish_vjp", mish_vjp,
       [](Exact g, Exact x) {
         const Exact t = tanh_of_softplus(x), s = sigmoid_of(x);
         return g * (t + (s == 0 ? 0 : x * s * (1 - t * t)));
       },
       -20, 20, 6, 2},
      {"softsign_vjp", softsign_vjp,
       [](Exact g, Exact x) { return g / ((1 + std::fabs(x)) * (1 + std::fabs(x))); }, -50, 50, 4},
      {"logsigmoid_vjp", logsigmoid_vjp, [](Exact g, Exact x) { return g * sigmoid_of(-x); }, -50,
       50, 4, 1e-30}};
  for (const BinaryReference& f : all) {
    check_binary<T>(f);
    check_zero_cotangent<T>(f.kernel);
  }
  for (const BinaryKernel* f : {&silu_vjp, &mish_vjp, &hardswish_vjp}) {
    for (const T far : {infinity<T>, std::numeric_limits<T>::max(), T(1e20), T(2000)}) {
      EXPECT_EQ(apply(*f, T(3), far), T(3));
      EXPECT_EQ(apply(*f, T(3), -far), T(0));
    }
    EXPECT_NEAR(apply(*f, T(3), T(0)), f == &mish_vjp ? 1.8 : 1.5, 1e-6);
  }
  for (const BinaryKernel* f : {&hardsigmoid_vjp, &hardswish_vjp}) check_zero_cotangent<T>(*f);
}

// Of f and its derivative; these have the bits of f alone, at any position.
template <class T>
std::array<std::vector<T>, 2> with_slopes(const SlopeKernel& f, const std::vector<T>& x) {
  std::array<std::vector<T>, 2> y{std::vector<T>(x.size()), std::vector<T>(x.size())};
  run(f, x.data(), y[0].data(), y[1].data(), static_cast<int64_t>(x.size()));
  return y;
}

TYPED_TEST(Activation, SlopesOfGelu) {
  using T = TypeParam;
  const auto slope = [](Exact x) { return cdf(x) + x * density(x); };
  const auto tanh_slope = [](Exact x) {
    const Exact z = gelu_angle(x), s = sigmoid_of(z);
    const Exact dz = 2 * std::sqrt(2 / pi) * (1 + 3 * Exact{0.044715L} * x * x);
    return std::fabs(x) > 100 ? Exact{x > 0 ? 1.0L : 0.0L} : s + x * s * sigmoid_of(-z) * dz;
  };
  struct Case {
    const SlopeKernel& kernel;
    const UnaryKernel& alone;
    std::function<Exact(Exact)> slope;
  };
  for (const Case& f :
       {Case{gelu_with_slope, gelu, slope}, Case{gelu_tanh_with_slope, gelu_tanh, tanh_slope}}) {
    const std::vector<T> x = varied_values<T>(-6, 6);
    const auto [y, slopes] = with_slopes(f.kernel, x);
    EXPECT_TRUE(same_bits(y, apply_each(f.alone, x)));
    expect_within_ulps<T>(
        slopes, [&](size_t i) { return f.slope(x[i]); },
        [&](size_t i) { return "slope at " + std::to_string(x[i]); }, 4, 2);
    for (const T far : {infinity<T>, std::numeric_limits<T>::max(), T(1e20), T(2000)}) {
      EXPECT_EQ(with_slopes(f.kernel, std::vector<T>{far})[1][0], T(1));
      EXPECT_EQ(with_slopes(f.kernel, std::vector<T>{-far})[1][0], T(0));
    }
    EXPECT_TRUE(std::isnan(with_slopes(f.kernel, std::vector<T>{nan_value<T>})[1][0]));
    EXPECT_EQ(with_slopes(f.kernel, std::vector<T>{0})[1][0], T(0.5));
  }
}

TYPED_TEST(Activation, SlopesHaveTheSameBitsAtAnyPositionAndLength) {
  using T = TypeParam;
  for (const SlopeKernel* f : {&gelu_with_slope, &gelu_tanh_with_slope}) {
    const std::vector<T> all = random_values<T>(70, T(-5), T(5));
    const auto expected = with_slopes(*f, all);
    for (size_t n = 0; n <= all.size(); ++n) {
      std::vector<T> x(all.end() - static_cast<int64_t>(n), all.end()), slopes(n + 1, T(-5));
      run(*f, static_cast<const T*>(x.data()), x.data(), slopes.data(), static_cast<int64_t>(n));
      ASSERT_EQ(slopes.back(), T(-5));
      for (size_t i = 0; i < n; ++i) {
        ASSERT_TRUE(same_bits(x[i], expected[0][all.size() - n + i])) << i << " of " << n;
        ASSERT_TRUE(same_bits(slopes[i], expected[1][all.size() - n + i])) << i << " of " << n;
      }
    }
  }
}

// f(x, y, n) against exact(x), for every length around the width of a batch.
template <class T, class F>
void check_with_numbers(const F& f, const std::function<Exact(Exact)>& exact, double limit) {
  for (int64_t n = 0; n <= 70; ++n) {
    std::vector<T> x = random_values<T>(n, T(-30), T(30)), y(x.size() + 1, T(-5));
    for (size_t i = 0; i < x.size(); i += 3) x[i] /= 30;
    f(x.data(), y.data(), n);
    for (size_t i = 0; i < x.size(); ++i)
      ASSERT_LE(ulps(y[i], exact(x[i])), limit) << x[i] << " of " << n << ": " << y[i];
    ASSERT_EQ(y.back(), T(-5));
    std::vector<T> in_place = x;
    f(in_place.data(), in_place.data(), n);
    y.pop_back();
    ASSERT_TRUE(same_bits(in_place, y));
  }
}

TYPED_TEST(Activation, WithNumbersForEveryLength) {
  using T = TypeParam;
  for (const double beta : {1.0, 0.5, -2.0}) {
    check_with_numbers<T>(
        [=](const T* x, T* y, int64_t n) { softplus(x, y, n, beta, 10); },
        [=](Exact x) { return beta * x > 10 ? x : std::log1p(std::exp(beta * x)) / beta; }, 4);
    check_with_numbers<T>(
        [=](const T* x, T* y, int64_t n) {
          const std::vector<T> g(static_cast<size_t>(n), T(2));
          softplus_vjp(g.data(), x, y, n, beta, 10);
        },
        [=](Exact x) { return beta * x > 10 ? Exact{2} : 2 * sigmoid_of(beta * x); }, 4);
  }
  check_with_numbers<T>([](const T* x, T* y, int64_t n) { elu(x, y, n, 1.5); },
                        [](Exact x) { return x > 0 ? x : Exact{1.5} * std::expm1(x); }, 4);
  check_with_numbers<T>(
      [](const T* x, T* y, int64_t n) {
        const std::vector<T> g(static_cast<size_t>(n), T(2));
        elu_vjp(g.data(), x, y, n, 1.5);
      },
      [](Exact x) { return x > 0 ? Exact{2} : 3 * std::exp(x); }, 4);
  check_with_numbers<T>([](const T* x, T* y, int64_t n) { celu(x, y, n, 1.5); },
                        [](Exact x) { return x > 0 ? x : Exact{1.5} * std::expm1(x / 1.5L); }, 6);
  check_with_numbers<T>(
      [](const T* x, T* y, int64_t n) {
        const std::vector<T> g(static_cast<size_t>(n), T(2));
        celu_vjp(g.data(), x, y, n, 2);
      },
      [](Exact x) { return x > 0 ? Exact{2} : 2 * std::exp(x / 2); }, 4);
  for (const UnaryKernel* f : {&hardsigmoid, &hardswish}) {
    check_with_numbers<T>([f](const T* x, T* y, int64_t n) { run(*f, x, y, n); },
                          [f](Exact x) {
                            const Exact s = std::clamp((x + 3) / 6, Exact{0}, Exact{1});
                            return f == &hardsigmoid ? s : x * s;
                          },
                          4);
  }
  check_with_numbers<T>([](const T* x, T* y, int64_t n) { leaky_relu(x, y, n, 0.25); },
                        [](Exact x) { return x > 0 ? x : x / 4; }, 1);
  check_with_numbers<T>(
      [](const T* x, T* y, int64_t n) {
        const std::vector<T> g(static_cast<size_t>(n), T(2));
        leaky_relu_vjp(g.data(), x, y, n, 0.25);
      },
      [](Exact x) { return x > 0 ? Exact{2} : Exact{0.5}; }, 1);
}

TYPED_TEST(Activation, AnyNumberOfThreadsGivesTheSameBits) {
  using T = TypeParam;
  const int64_t n = 100003;
  const auto x = random_values<T>(n, T(-5), T(5)), g = random_values<T>(n, T(-1), T(1), 2);
  const auto results = with_threads([&] {
    std::vector<T> all = apply_each(gelu, x);
    for (const auto& y :
         {apply_each(silu, x), with_slopes(gelu_with_slope, x)[1], apply_each(silu_vjp, g, x)})
      all.insert(all.end(), y.begin(), y.end());
    std::vector<T> y(x.size());
    softplus(x.data(), y.data(), n, 1, 20);
    all.insert(all.end(), y.begin(), y.end());
    return all;
  });
  for (const auto& y : results) EXPECT_TRUE(same_bits(y, results[0]));
}

}  // namespace
}  // namespace gradus::kernels
