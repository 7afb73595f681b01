#include <gradus/framework/base/parallel.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"dropout", "a fixed seed", leaves({{4, 5}}),
           [](const Inputs& in) {
             Generator generator(3);
             return dropout(in[0], 0.4, generator);
           }},
};

TEST(OpDropout, KnownValuesZeroAShareAndScaleTheRest) {
  for (const double p : {0.1, 0.5, 0.8}) {
    Generator generator(3);
    const Tensor y = dropout(full({100000}, 3.0), p, generator);
    std::int64_t dropped = 0;
    for (const float v : y.span<float>()) {
      if (v == 0) {
        ++dropped;
      } else {
        ASSERT_FLOAT_EQ(v, static_cast<float>(3 / (1 - p)));
      }
    }
    EXPECT_NEAR(static_cast<double>(dropped) / 100000, p, 0.008);  // 5 deviations
  }
}

TEST(OpDropout, GivesEveryElementAndEveryCallItsOwnMask) {
  Generator generator(1);
  const Tensor x = ones({64, 64});
  const auto first = values_of(dropout(x, 0.5, generator));
  const auto second = values_of(dropout(x, 0.5, generator));
  EXPECT_NE(first, second);
  for (std::ptrdiff_t row = 1; row < 64; ++row) {
    EXPECT_FALSE(std::equal(first.begin(), first.begin() + 64, first.begin() + 64 * row)) << row;
  }
  Generator again(1);
  EXPECT_EQ(values_of(dropout(x, 0.5, again)), first);
}

TEST(OpDropout, GradientPassesThroughTheSameMask) {
  Generator generator(4);
  const Tensor x = random_leaf({50});
  const Tensor y = dropout(x, 0.25, generator);
  const Tensor g = random_leaf({50}, 2).detach();
  y.backward(g);
  const auto in = values_of(x), out = values_of(y), up = values_of(g), down = gradient_of(x);
  std::int64_t dropped = 0;
  for (std::size_t i = 0; i < in.size(); ++i) {
    const double factor = out[i] == 0 ? 0 : 1 / 0.75;
    dropped += out[i] == 0;
    EXPECT_DOUBLE_EQ(out[i], factor * in[i]);
    EXPECT_DOUBLE_EQ(down[i], factor * up[i]);
  }
  EXPECT_GT(dropped, 0);
  EXPECT_LT(dropped, 50);
}

TEST(OpDropout, GradientAgreesWithDifferences) {
  EXPECT_TRUE(passes_gradcheck(
      [](const std::vector<Tensor>& in) {
        Generator generator(5);
        return dropout(in[0], 0.5, generator);
      },
      {random_leaf({4, 5})}));
}

TEST(OpDropout, DropsInfinitiesAndKeepsNothingAtOne) {
  Generator generator(1);
  const Tensor x = leaf({1.0, -2.0, infinity, not_a_number});
  const Tensor y = dropout(x, 1.0, generator);
  EXPECT_TRUE(has_values(y, {4}, {0, 0, 0, 0}));
  y.backward(tensor({1.0, 1.0, 1.0, infinity}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 0, 0, 0}));
}

TEST(OpDropout, IsTheIdentityAtZero) {
  Generator generator(1);
  const Tensor x = leaf({1, 2});
  EXPECT_TRUE(dropout(x, 0.0, generator).is_same(x));
  EXPECT_EQ(generator.offset(), 0U);
}

TEST(OpDropout, TakesEmptyTensorsAndNumbers) {
  EXPECT_TRUE(has_values(dropout(zeros({0, 3}), 0.5), {0, 3}, {}));
  EXPECT_EQ(dropout(scalar(0.0F), 0.5).dim(), 0);
}

TEST(OpDropout, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const auto run = [](int n) {
    set_num_threads(n);
    Generator generator(9);
    return values_of(dropout(ones({100003}), 0.3, generator));
  };
  const auto one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(run(3), one);
  set_num_threads(threads);
}

TEST(OpDropout, BrokenInputSaysWhatIsWrong) {
  EXPECT_ERROR(dropout(ones({2}), 1.5), ValueError,
               "dropout: p is 1.5, it must be between 0 and 1");
  EXPECT_ERROR(dropout(ones({2}), not_a_number), ValueError,
               "dropout: p is nan, it must be between 0 and 1");
  EXPECT_THROW(dropout(arange(3), 0.5), DTypeError);
  EXPECT_THROW(dropout(arange(3), 0.0), DTypeError);
}

}  // namespace
}  // namespace gradus
