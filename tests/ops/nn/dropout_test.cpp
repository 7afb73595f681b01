#include <gradus/framework/base/parallel.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/framework/ops/shape.h>
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
    OpCase{"locked_dropout", "a fixed seed", leaves({{3, 4, 5}}),
           [](const Inputs& in) {
             Generator generator(3);
             return locked_dropout(in[0], 0.4, generator);
           }},
    OpCase{"embedding_dropout", "a fixed seed",
           leaves_and({{2, 3, 4}},
                      [] {
                        return Inputs{tensor({{0, 4, 1}, {4, 2, 3}})};
                      }),
           [](const Inputs& in) {
             Generator generator(5);
             return embedding_dropout(in[0], in[1], 5, 0.4, generator);
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

TEST(OpLockedDropout, KnownValuesAreTheSameAtAllTimes) {
  Generator generator(1);
  const std::int64_t B = 40, T = 3, C = 50;
  const auto y = values_of(locked_dropout(full({B, T, C}, 3.0, DType::float64), 0.25, generator));
  std::int64_t dropped = 0;
  std::vector<std::vector<bool>> masks;
  for (std::int64_t b = 0; b < B; ++b) {
    masks.emplace_back();
    for (std::int64_t c = 0; c < C; ++c) {
      const double first = y[static_cast<std::size_t>(b * T * C + c)];
      EXPECT_TRUE(first == 0 || first == 4) << first;
      for (std::int64_t t = 1; t < T; ++t) {
        EXPECT_EQ(y[static_cast<std::size_t>((b * T + t) * C + c)], first);
      }
      dropped += first == 0;
      masks.back().push_back(first == 0);
    }
  }
  EXPECT_NEAR(static_cast<double>(dropped) / static_cast<double>(B * C), 0.25, 0.05);
  EXPECT_NE(masks[0], masks[1]);
}
TEST(OpLockedDropout, KnownValuesAtTheEndsAndOfNothing) {
  Generator generator(1);
  const Tensor x = leaf({1.0, infinity, not_a_number, 4}, {1, 2, 2});
  EXPECT_TRUE(locked_dropout(x, 0, generator).is_same(x));
  EXPECT_EQ(generator.offset(), 0U);
  const Tensor y = locked_dropout(x, 1, generator);
  EXPECT_TRUE(has_values(y, {1, 2, 2}, {0, 0, 0, 0}));
  y.backward(full({1, 2, 2}, infinity, DType::float64));
  EXPECT_EQ(gradient_of(x), std::vector<double>(4, 0));
  for (const Shape& shape : {Shape{0, 2, 3}, Shape{2, 0, 3}, Shape{2, 3, 0}}) {
    EXPECT_TRUE(has_values(locked_dropout(zeros(shape), 0.5, generator), shape, {}));
  }
  EXPECT_EQ(locked_dropout(ones({3, 4}), 0.5, generator).shape(), (Shape{3, 4}));
}
TEST(OpLockedDropout, KnownValuesOfNoStepsNeedNoMask) {
  Generator generator(1);
  const std::int64_t B = std::int64_t{1} << 40, C = std::int64_t{1} << 20;  // a mask of 2^60
  const Tensor x = zeros({B, 0, C});
  EXPECT_TRUE(locked_dropout(x, 0.5, generator).is_same(x));
  EXPECT_EQ(generator.offset(), 0U);
}
TEST(OpLockedDropout, GradientPassesThroughTheSameMask) {
  Generator generator(4);
  const Tensor x = leaf(std::vector<double>(60, 1.0), {3, 4, 5});
  const Tensor y = locked_dropout(x, 0.5, generator);
  y.backward(ones({3, 4, 5}, DType::float64));
  EXPECT_EQ(gradient_of(x), values_of(y));
}
TEST(OpLockedDropout, BrokenInput) {
  EXPECT_ERROR(locked_dropout(ones({3}), 0.5), ShapeError,
               "locked_dropout: x is [3], it must be [batch, time, ...]");
  EXPECT_ERROR(locked_dropout(ones({2, 3}), 1.5), ValueError,
               "locked_dropout: p is 1.5, it must be between 0 and 1");
  EXPECT_ERROR(locked_dropout(tensor({{1, 2}}), 0.5), DTypeError,
               "locked_dropout: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(OpEmbeddingDropout, KnownValuesOfAWordAreTheSameWhereverItStands) {
  Generator generator(1);
  const std::int64_t V = 2000;
  const Tensor ids = cat({arange(V), arange(V)});
  const auto y =
      values_of(embedding_dropout(full({2 * V, 2}, 3.0, DType::float64), ids, V, 0.25, generator));
  std::int64_t dropped = 0;
  for (std::size_t id = 0; id < 2000; ++id) {
    const double first = y[2 * id];
    EXPECT_TRUE(first == 0 || first == 4) << first;
    EXPECT_EQ(y[2 * id + 1], first);
    EXPECT_EQ(y[2 * (id + 2000)], first);
    dropped += first == 0;
  }
  EXPECT_NEAR(static_cast<double>(dropped) / 2000, 0.25, 0.05);
  EXPECT_EQ(generator.offset(), 2000U);
}
TEST(OpEmbeddingDropout, KnownValuesAtTheEndsAndOfNothing) {
  Generator generator(1);
  const Tensor x = leaf({1.0, infinity}, {1, 2}), id = tensor({0});
  EXPECT_TRUE(embedding_dropout(x, id, 1, 0, generator).is_same(x));
  EXPECT_TRUE(has_values(embedding_dropout(x, id, 1, 1, generator), {1, 2}, {0, 0}));
  const Tensor none = zeros({0}, DType::int64);
  EXPECT_TRUE(has_values(embedding_dropout(zeros({0, 3}), none, 4, 0.5, generator), {0, 3}, {}));
}
TEST(OpEmbeddingDropout, GradientPassesThroughTheSameMask) {
  Generator generator(4);
  const Tensor x = leaf(std::vector<double>(60, 1.0), {20, 3}), ids = arange(20);
  const Tensor y = embedding_dropout(x, ids, 20, 0.5, generator);
  y.backward(ones({20, 3}, DType::float64));
  EXPECT_EQ(gradient_of(x), values_of(y));
}
TEST(OpEmbeddingDropout, BrokenInput) {
  EXPECT_ERROR(embedding_dropout(ones({2, 3}), tensor({0, 4}), 4, 0.5), IndexError,
               "embedding_dropout: index 4 at position [1] is outside [0, 4)");
  EXPECT_ERROR(embedding_dropout(ones({2, 3}), tensor({0, 1, 2}), 4, 0.5), ShapeError,
               "embedding_dropout: x is [2, 3], ids are [3]: x must have one row for each id");
  EXPECT_ERROR(embedding_dropout(ones({2, 3}), tensor({0, 1}), 4, -1), ValueError,
               "embedding_dropout: p is -1, it must be between 0 and 1");
  Generator generator(1);
  generator.advance(7);
  const Tensor none = zeros({0}, DType::int64);
  EXPECT_ERROR(embedding_dropout(zeros({0, 3}), none, -5, 0.5, generator), ValueError,
               "embedding_dropout: num_embeddings is -5, it must be at least 0");
  EXPECT_EQ(generator.offset(), 7U);
  EXPECT_THROW(embedding_dropout(ones({2, 3}), tensor({0, 1}, {2, 1}), 4, 0.5), ShapeError);
  EXPECT_THROW(embedding_dropout(ones({2, 3}), tensor({0.0, 1.0}), 4, 0.5), DTypeError);
  EXPECT_THROW(embedding_dropout(tensor({{1, 2}}), tensor({0}), 4, 0.5), DTypeError);
}

}  // namespace
}  // namespace gradus
