#include <gradus/framework/kernels/nn/convolution.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

/// A convolution, its operands, and its sums in long double: the definition.
template <class T>
struct Problem {
  explicit Problem(const Convolution& convolution, const Ids& lengths_of_x = {})
      : c(convolution), x_lengths(lengths_of_x) {
    c.y.T = windows(c.x.T);
    if (!x_lengths.empty()) {
      for (const int64_t length : x_lengths) y_lengths.push_back(windows(length));
      c.x.lengths = x_lengths.data();
      c.y.lengths = y_lengths.data();
    }
    x = random_rows<T>(c.x.B * c.x.T * c.x.C, 1);
    y = random_rows<T>(c.y.B * c.y.T * c.y.C, 2);
    weight = random_rows<T>(c.y.C * c.inputs() * c.K, 3);
    bias = random_rows<T>(c.y.C, 4);
  }

  int64_t windows(int64_t length) const {
    const int64_t last = length + 2 * c.padding - c.dilation * (c.K - 1) - 1;
    return length == 0 || last < 0 ? 0 : last / c.stride + 1;
  }

  /// Calls f(element of y, of the weight, of x) for each of the products.
  template <class F>
  void for_products(const F& f) const {
    for (int64_t b = 0; b < c.x.B; ++b) {
      for (int64_t u = 0; u < c.y.length(b); ++u) {
        for (int64_t o = 0; o < c.y.C; ++o) {
          for (int64_t i = 0; i < c.inputs() * c.K; ++i) {
            const int64_t channel = o / c.outputs() * c.inputs() + i / c.K;
            const int64_t t = u * c.stride + i % c.K * c.dilation - c.padding;
            if (t < 0 || t >= c.x.length(b)) continue;
            f(at((b * c.y.T + u) * c.y.C + o), at(o * c.inputs() * c.K + i),
              at((b * c.x.T + t) * c.x.C + channel));
          }
        }
      }
    }
  }

  Convolution c;
  Ids x_lengths, y_lengths;
  std::vector<T> x, y, weight, bias;
};

template <class T>
void expect_near(const std::vector<T>& actual, const std::vector<long double>& exact) {
  const double tolerance = sizeof(T) == 4 ? 2e-5 : 1e-13;
  ASSERT_EQ(actual.size(), exact.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(actual[i]), static_cast<double>(exact[i]), tolerance) << i;
  }
}

template <class T>
void expect_products(const Problem<T>& p) {
  std::vector<long double> y(p.y.size()), x(p.x.size()), weight(p.weight.size());
  p.for_products([&](size_t of_y, size_t w, size_t of_x) {
    y[of_y] += static_cast<long double>(p.weight[w]) * p.x[of_x];
    x[of_x] += static_cast<long double>(p.weight[w]) * p.y[of_y];
    weight[w] += static_cast<long double>(p.x[of_x]) * p.y[of_y];
  });
  std::vector<T> result(p.y.size(), nan_value<T>), d_x(p.x.size(), nan_value<T>);
  std::vector<T> d_weight(p.weight.size(), nan_value<T>);
  conv1d<T>(p.c, p.x.data(), p.weight.data(), nullptr, result.data());
  conv1d_transposed<T>(p.c, p.y.data(), p.weight.data(), nullptr, d_x.data());
  conv1d_weight_gradient(p.c, p.x.data(), p.y.data(), d_weight.data());
  expect_near(result, y);
  expect_near(d_x, x);
  expect_near(d_weight, weight);
}

template <class T>
class ConvolutionKernels : public testing::Test {};
using FloatTypes = testing::Types<float, double>;
TYPED_TEST_SUITE(ConvolutionKernels, FloatTypes);

TYPED_TEST(ConvolutionKernels, AreSumsOfProducts) {
  using P = Problem<TypeParam>;
  // {B, T, channels}, {B, -, channels}, K, stride, padding, dilation, groups
  expect_products(P({{2, 9, 3}, {2, 0, 5}, 3, 1, 0, 1, 1}));
  expect_products(P({{3, 9, 4}, {3, 0, 6}, 3, 2, 2, 2, 2}, {9, 0, 4}));
  expect_products(P({{1, 20, 33}, {1, 0, 67}, 4, 1, 3, 1, 1}));
  expect_products(P({{7, 61, 3}, {7, 0, 2}, 5, 1, 2, 1, 1}));  // several tiles of rows
  expect_products(P({{40, 61, 2}, {40, 0, 17}, 2, 3, 0, 1, 1}));
  expect_products(P({{2, 90, 601}, {2, 0, 1}, 2, 1, 0, 1, 1}, {90, 3}));
  expect_products(P({{2, 9, 6}, {2, 0, 6}, 3, 1, 1, 1, 6}));
  expect_products(P({{2, 1, 1}, {2, 0, 1}, 1, 1, 0, 1, 1}));
}

TYPED_TEST(ConvolutionKernels, AddTheBiasToElementsOfSequencesOnly) {
  const Problem<TypeParam> p({{2, 5, 3}, {2, 0, 4}, 3, 1, 1, 1, 1}, {2, 5});
  std::vector<TypeParam> with(p.y.size()), without(p.y.size());
  conv1d(p.c, p.x.data(), p.weight.data(), p.bias.data(), with.data());
  conv1d<TypeParam>(p.c, p.x.data(), p.weight.data(), nullptr, without.data());
  for (size_t i = 0; i < with.size(); ++i) {
    EXPECT_EQ(with[i], i >= 8 && i < 20 ? 0 : without[i] + p.bias[i % 4]) << i;
  }
}

TYPED_TEST(ConvolutionKernels, ReluMaxFindsTheFirstMaximum) {
  for (const Ids& lengths : {Ids{}, Ids{400, 3, 170, 0, 2, 400}}) {
    const Problem<TypeParam> p({{6, 400, 2}, {6, 0, 19}, 3, 1, 0, 1, 1}, lengths);
    std::vector<TypeParam> y(p.y.size()), greatest(6 * 19), expected(6 * 19, 0);
    Ids places(6 * 19), first(6 * 19, -1);
    conv1d(p.c, p.x.data(), p.weight.data(), p.bias.data(), y.data());
    conv1d_relu_max(p.c, p.x.data(), p.weight.data(), p.bias.data(), greatest.data(),
                    places.data());
    for (int64_t i = 0; i < p.c.y.B * p.c.y.T * 19; ++i) {
      const int64_t b = i / 19 / p.c.y.T, t = i / 19 % p.c.y.T, to = b * 19 + i % 19;
      if (t >= p.c.y.length(b) || y[at(i)] <= expected[at(to)]) continue;
      expected[at(to)] = y[at(i)];
      first[at(to)] = t;
    }
    EXPECT_TRUE(same_bits(greatest, expected));
    EXPECT_EQ(places, first);
  }
}

TYPED_TEST(ConvolutionKernels, GiveTheSameBitsForAnyNumberOfThreads) {
  const Problem<TypeParam> p({{64, 40, 16}, {64, 0, 24}, 3, 1, 1, 1, 1});
  const auto results = with_threads([&] {
    std::vector<TypeParam> all(p.y.size() + p.x.size() + p.weight.size() + 24 + 64 * 24);
    TypeParam* to = all.data();
    Ids places(64 * 24);
    conv1d(p.c, p.x.data(), p.weight.data(), p.bias.data(), to);
    conv1d_transposed<TypeParam>(p.c, p.y.data(), p.weight.data(), nullptr, to += p.y.size());
    conv1d_weight_gradient(p.c, p.x.data(), p.y.data(), to += p.x.size());
    sum_elements(p.c.y, p.y.data(), to += p.weight.size());
    conv1d_relu_max(p.c, p.x.data(), p.weight.data(), p.bias.data(), to += 24, places.data());
    return all;
  });
  for (const auto& result : results) EXPECT_TRUE(same_bits(result, results[0]));
}

}  // namespace
}  // namespace gradus::kernels
