#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/attention.h>
#include <gradus/framework/ops/nn/positions.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

const OpCases cases{OpCase{"rotary_embedding", "heads apart", leaves({{2, 2, 3, 4}}),
                           [](const Inputs& in) { return rotary_embedding(in[0]); }},
                    OpCase{"rotary_embedding", "heads side by side, interleaved, a later place",
                           leaves({{2, 3, 8}}), [](const Inputs& in) {
                             return rotary_embedding(
                                 in[0], {.first = 5, .interleaved = true, .num_heads = 2});
                           }}};

TEST(SinusoidalPositions, HaveSinesAndCosinesInTurn) {
  EXPECT_TRUE(is_close(sinusoidal_positions(2, 4, DType::float64), {2, 4},
                       {0, 1, 0, 1, std::sin(1), std::cos(1), std::sin(.01), std::cos(.01)},
                       1e-15));
  EXPECT_TRUE(is_close(sinusoidal_positions(2, 4), {2, 4},
                       {0, 1, 0, 1, .84147098, .54030231, .00999983, .99995}, 1e-7));
  EXPECT_EQ(sinusoidal_positions(0, 4).shape(), (Shape{0, 4}));
  EXPECT_ERROR(sinusoidal_positions(2, 3), ValueError,
               "sinusoidal_positions: D is 3, it must be even");
  EXPECT_THROW(sinusoidal_positions(-1, 4), ValueError);
  EXPECT_THROW(sinusoidal_positions(2, 4, DType::int64), DTypeError);
}

TEST(OpRotaryEmbedding, KnownValues) {
  // Pairs (1, 3) and (2, 4), turned by 1 and by 1/100.
  const Tensor x = tensor({0., 0., 0., 0., 1., 2., 3., 4.}, {1, 1, 2, 4});
  const double c = std::cos(1), s = std::sin(1), c2 = std::cos(.01), s2 = std::sin(.01);
  EXPECT_TRUE(is_close(rotary_embedding(x), {1, 1, 2, 4},
                       {0, 0, 0, 0, c - 3 * s, 2 * c2 - 4 * s2, s + 3 * c, 2 * s2 + 4 * c2},
                       1e-15));
  EXPECT_TRUE(is_close(rotary_embedding(x, {.interleaved = true}), {1, 1, 2, 4},
                       {0, 0, 0, 0, c - 2 * s, s + 2 * c, 3 * c2 - 4 * s2, 3 * s2 + 4 * c2},
                       1e-15));
}

TEST(OpRotaryEmbedding, KnownValuesOfHeadsSideBySide) {
  const Tensor x = frozen(random_leaf({2, 3, 5, 6}));
  const Tensor side = reshape(permute(x, {0, 2, 1, 3}), {2, 5, 18});
  const Tensor y = rotary_embedding(side, {.first = 2, .base = 100, .num_heads = 3});
  const Tensor expected = rotary_embedding(x, {.first = 2, .base = 100});
  EXPECT_TRUE(has_values(permute(reshape(y, {2, 5, 3, 6}), {0, 2, 1, 3}), {2, 3, 5, 6},
                         values_of(expected)));
}

TEST(OpRotaryEmbedding, KnownValuesOfProductsDependOnTheDistance) {
  const Tensor q = frozen(random_leaf({1, 1, 1, 8}, 1)), k = frozen(random_leaf({1, 1, 1, 8}, 2));
  const auto product = [&](std::int64_t i, std::int64_t j) {
    return matmul(rotary_embedding(q, {.first = i}), rotary_embedding(k, {.first = j}),
                  {.trans_b = true})
        .item();
  };
  EXPECT_NEAR(product(9, 4), product(5, 0), 1e-13);
  EXPECT_GT(std::abs(product(9, 4) - product(9, 5)), 1e-3);
}

TEST(OpRotaryEmbedding, KnownValuesOfEmptyInput) {
  for (const Shape& shape : {Shape{0, 2, 3, 4}, Shape{2, 2, 0, 4}, Shape{2, 2, 3, 0}}) {
    EXPECT_EQ(rotary_embedding(zeros(shape)).shape(), shape);
  }
}

TEST(OpRotaryEmbedding, Gradient) {
  for (const bool interleaved : {false, true}) {
    EXPECT_TRUE(passes_gradcheck(
        [&](const Inputs& in) {
          return rotary_embedding(in[0], {.first = 3, .interleaved = interleaved, .num_heads = 2});
        },
        {random_leaf({2, 3, 12})}));
  }
}

TEST(OpRotaryEmbedding, BrokenInput) {
  EXPECT_ERROR(rotary_embedding(zeros({2, 3, 8})), ShapeError,
               "rotary_embedding: x is [2, 3, 8], it must be [batch, heads, time, size], or "
               "[batch, time, heads * size] with num_heads, with an even size");
  EXPECT_ERROR(
      rotary_embedding(zeros({2, 3, 6}), {.num_heads = 2}), ShapeError,
      "rotary_embedding: x is [2, 3, 6], it must be [batch, time, 2 * size] for num_heads 2 "
      "and with an even size");
  EXPECT_THROW(rotary_embedding(zeros({2, 3, 8, 3})), ShapeError);
  EXPECT_ERROR(rotary_embedding(zeros({2, 3, 8}), {.num_heads = 0}), ValueError,
               "rotary_embedding: num_heads is 0, it must be at least 1");
  EXPECT_THROW(rotary_embedding(zeros({1, 2, 3, 8}), {.first = -1}), ValueError);
  EXPECT_ERROR(rotary_embedding(zeros({1, 2, 3, 8}), {.first = INT64_MAX}), ValueError,
               "rotary_embedding: first is 9223372036854775807, it must be at most 2^53");
  EXPECT_THROW(rotary_embedding(zeros({1, 2, 3, 8}), {.base = 0}), ValueError);
  EXPECT_THROW(rotary_embedding(zeros({1, 2, 3, 8}, DType::int64)), DTypeError);
}

TEST(AlibiMask, FallsWithTheDistance) {
  EXPECT_TRUE(
      has_values(alibi_mask(2, 3), {2, 1, 3}, {-2 / 16., -1 / 16., 0, -2 / 256., -1 / 256., 0}));
  EXPECT_TRUE(has_values(alibi_mask(1, 2, 3, DType::float64), {1, 2, 3},
                         {-1 / 256., 0, -1 / 256., -2 / 256., -1 / 256., 0}));
  // Slopes of 4 heads, then every other one of 8.
  std::vector<double> slopes;
  for (const double v : values_of(alibi_mask(6, 2, DType::float64))) slopes.push_back(-v);
  const std::vector<double> expected{1 / 4.,   0, 1 / 16., 0, 1 / 64., 0,
                                     1 / 256., 0, 1 / 2.,  0, 1 / 8.,  0};
  EXPECT_EQ(slopes, expected);
  EXPECT_THROW(alibi_mask(0, 3), ValueError);
  EXPECT_THROW(alibi_mask(2, -3), ValueError);
  EXPECT_THROW(alibi_mask(2, 3, DType::boolean), DTypeError);
}

// A row of a mask may be shifted: the weights stay the same.
TEST(AlibiMask, OfCausalAttentionIsThatOfBothDirections) {
  const Tensor q = frozen(random_leaf({2, 4, 5, 3}, 1)), k = frozen(random_leaf({2, 4, 7, 3}, 2));
  const Tensor expected =
      attention_weights(q, k, {.mask = alibi_mask(4, 5, 7, DType::float64), .causal = true});
  EXPECT_TRUE(
      is_close(attention_weights(q, k, {.mask = alibi_mask(4, 7, DType::float64), .causal = true}),
               {2, 4, 5, 7}, values_of(expected), 1e-14));
}

}  // namespace
}  // namespace gradus
