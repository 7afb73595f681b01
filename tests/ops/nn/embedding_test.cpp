#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/sort.h>
#include <gradus/tests/ops/shape_testing.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

const OpCases cases{
    OpCase{"embedding", "repeated ids",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor<std::int64_t>({2, 0, 2, 1}, {2, 2})};
                      }),
           [](const Inputs& in) { return embedding(in[0], in[1]); }},
    OpCase{"embedding", "sparse",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor<std::int64_t>({2, 0, 2, 1}, {2, 2})};
                      }),
           [](const Inputs& in) { return embedding(in[0], in[1], {.sparse = true}); }},
};

using Values = std::vector<double>;

Tensor no_ids(const Shape& shape = {0}) { return zeros(shape, DType::int64); }

TEST(OpEmbedding, KnownValuesForIdsOfAnyRank) {
  const Tensor weight = counting({4, 2});
  EXPECT_TRUE(has_values(embedding(weight, scalar(3)), {2}, {6, 7}));
  EXPECT_TRUE(has_values(embedding(weight, tensor({1, 1, 0})), {3, 2}, {2, 3, 2, 3, 0, 1}));
  EXPECT_TRUE(has_values(embedding(weight, tensor({0, 3}, {2, 1})), {2, 1, 2}, {0, 1, 6, 7}));
  EXPECT_EQ(embedding(weight, no_ids()).shape(), Shape({0, 2}));
  EXPECT_EQ(embedding(weight, no_ids({2, 0})).shape(), Shape({2, 0, 2}));
  EXPECT_EQ(embedding(zeros({0, 2}), no_ids()).shape(), Shape({0, 2}));
  EXPECT_EQ(embedding(zeros({4, 0}), tensor({1, 2})).shape(), Shape({2, 0}));
}

TEST(OpEmbedding, KnownValuesOfThePaddingRowAreAsStored) {
  const Tensor weight = counting({2, 2});
  EXPECT_TRUE(
      has_values(embedding(weight, tensor({1, 0}), {.padding_idx = 1}), {2, 2}, {2, 3, 0, 1}));
}

// All that a lookup does to the gradient of a table [3, 1]. Cotangents are 1, 2, 4, 8, 16.
Gradient gradient(const EmbeddingLookup& lookup, const Tensor& ids = tensor({2, 0, 2, 1, 2})) {
  const Tensor weight = leaf({5, 6, 7}, {3, 1});
  const Tensor y = embedding(weight, ids, lookup);
  y.backward(reshape(slice(tensor({1.0, 2.0, 4.0, 8.0, 16.0}), 0, 0, ids.numel()), y.shape()));
  return weight.grad();
}

TEST(OpEmbedding, GradientSumsRepeatedIds) {
  EXPECT_TRUE(has_values(gradient({}).dense(), {3, 1}, {2, 8, 21}));
}

TEST(OpEmbedding, GradientLeavesPaddingOut) {
  EXPECT_TRUE(has_values(gradient({.padding_idx = 2}).dense(), {3, 1}, {2, 8, 0}));
  EXPECT_TRUE(has_values(gradient({.padding_idx = 0}).dense(), {3, 1}, {0, 8, 21}));
}

TEST(OpEmbedding, GradientIsDividedByTheNumberOfLookups) {
  EXPECT_TRUE(has_values(gradient({.scale_grad_by_freq = true}).dense(), {3, 1}, {2, 8, 7}));
  EXPECT_TRUE(has_values(gradient({.padding_idx = 0, .scale_grad_by_freq = true}).dense(), {3, 1},
                         {0, 8, 7}));
}

TEST(OpEmbedding, GradientScaleCountsAllAxesOfOneCallOnly) {
  const Tensor weight = leaf({5, 6}, {2, 1});
  const EmbeddingLookup lookup{.scale_grad_by_freq = true};
  const Tensor one = embedding(weight, tensor({0, 0, 0, 1}, {2, 2}), lookup);
  const Tensor two = embedding(weight, tensor({0, 1, 1, 1}, {2, 2}), lookup);
  add(one, two).backward(full({2, 2, 1}, 12, DType::float64));
  EXPECT_TRUE(has_values(weight.grad().dense(), {2, 1}, {24, 24}));
}

TEST(OpEmbedding, GradientSparseHasOneRowPerLookupInOrder) {
  const SparseGrad sparse = gradient({.sparse = true}).sparse();
  EXPECT_TRUE(has_values(sparse.ids(), {5}, {2, 0, 2, 1, 2}));
  EXPECT_TRUE(has_values(sparse.values(), {5, 1}, {1, 2, 4, 8, 16}));
  EXPECT_EQ(sparse.shape(), Shape({3, 1}));
  EXPECT_FALSE(sparse.is_coalesced());
}

TEST(OpEmbedding, GradientSparseHasNoEntriesForPadding) {
  const SparseGrad sparse = gradient({.padding_idx = 2, .sparse = true}).sparse();
  EXPECT_TRUE(has_values(sparse.ids(), {2}, {0, 1}));
  EXPECT_TRUE(has_values(sparse.values(), {2, 1}, {2, 8}));
  const SparseGrad none = gradient({.padding_idx = 2, .sparse = true}, tensor({2, 2})).sparse();
  EXPECT_EQ(none.nnz(), 0);
  EXPECT_EQ(none.values().shape(), Shape({0, 1}));
}

TEST(OpEmbedding, GradientSparseCanBeScaledByFrequency) {
  const SparseGrad sparse =
      gradient({.padding_idx = 0, .scale_grad_by_freq = true, .sparse = true}).sparse();
  EXPECT_TRUE(has_values(sparse.ids(), {4}, {2, 2, 1, 2}));
  EXPECT_TRUE(is_close(sparse.values(), {4, 1}, {1.0 / 3, 4.0 / 3, 8, 16.0 / 3}, 1e-15));
}

TEST(OpEmbedding, GradientInfiniteAtPaddingDoesNotSpread) {
  for (const bool sparse : {false, true}) {
    const Tensor weight = leaf({5, 6}, {2, 1});
    const EmbeddingLookup lookup{.padding_idx = 0, .scale_grad_by_freq = true, .sparse = sparse};
    embedding(weight, tensor({0, 1}), lookup).backward(tensor({infinity, 3.0}, {2, 1}));
    EXPECT_TRUE(has_values(weight.grad().to_dense(), {2, 1}, {0, 3}));
  }
}

TEST(OpEmbedding, GradientIsThatOfTheDefinitionWithAndWithoutSparse) {
  const Tensor ids = tensor({4, 1, 1, 3, 1, 0}, {2, 3});
  for (const bool sparse : {false, true}) {
    // a leaf, and a table that an op made: a sparse gradient is scattered into its cotangent
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) { return embedding(mul(in[0], 2), ids, {.sparse = sparse}); },
        {random_leaf({5, 3})}));
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          const Tensor rows = embedding(in[0], ids, {.sparse = sparse});
          return mul(rows, embedding(in[0], ids));  // twice, and sparse beside dense
        },
        {random_leaf({5, 3})}));
  }
}

TEST(OpEmbedding, GradientOfALargeLookupIsTheSumInOrder) {
  constexpr std::int64_t V = 50, D = 33, n = 4000;
  const Tensor weight = random_leaf({V, D});
  Generator generator(7);
  const Tensor ids = randint(0, V, {n}, generator);
  const Tensor g = rand({n, D}, -1, 1, DType::float64, generator);
  for (const std::int64_t padding : {-1, 3}) {
    Values expected(V * D, 0.0);
    for (std::int64_t k = 0; k < n; ++k) {
      const std::int64_t id = ids.data<std::int64_t>()[k];
      if (id == padding) continue;
      for (std::int64_t d = 0; d < D; ++d) {
        expected[static_cast<std::size_t>(id * D + d)] += g.data<double>()[k * D + d];
      }
    }
    for (const bool sparse : {false, true}) {
      weight.clear_grad();
      embedding(weight, ids, {.padding_idx = padding, .sparse = sparse}).backward(g);
      EXPECT_TRUE(has_values(weight.grad().to_dense(), {V, D}, expected));
    }
  }
}

TEST(OpEmbedding, GradientDoesNotNeedTheWeight) {
  for (const bool sparse : {false, true}) {
    const Tensor weight = leaf({5, 6}, {2, 1});
    const Tensor y = embedding(weight, tensor({1}), {.sparse = sparse});
    {
      const NoGradGuard guard;
      weight.fill_(0);
    }
    y.backward();
    EXPECT_TRUE(has_values(weight.grad().to_dense(), {2, 1}, {0, 1}));
  }
}

TEST(OpEmbedding, GradientSharesNothingWithIdsOrCotangent) {
  const Tensor weight = leaf({5, 6}, {2, 1});
  const Tensor ids = tensor({1, 0});
  const Tensor g = tensor({2.0, 3.0}, {2, 1});
  embedding(weight, ids, {.sparse = true}).backward(g);
  ids.fill_(0);
  g.fill_(9);
  EXPECT_TRUE(has_values(weight.grad().to_dense(), {2, 1}, {3, 2}));
}

TEST(OpEmbedding, NoticesIdsThatChangedBeforeBackward) {
  const Tensor weight = leaf({5, 6}, {2, 1});
  const Tensor ids = tensor({1});
  const Tensor y = embedding(weight, ids);
  ids.fill_(0);
  EXPECT_THROW(y.backward(), AutogradError);
}

TEST(OpEmbedding, FrozenTableGetsNoGradient) {
  const Tensor weight = counting({2, 1});
  EXPECT_FALSE(embedding(weight, tensor({1})).requires_grad());
}

TEST(OpEmbedding, BrokenInputNamesIdPositionAndRange) {
  const Tensor weight = zeros({5, 2});
  const Tensor ids = tensor({0, 1, 2, 3, 4, 0, 1, 7}, {2, 4});
  EXPECT_ERROR(embedding(weight, ids), IndexError,
               "embedding: index 7 at position [1, 3] is outside [0, 5)");
  EXPECT_ERROR(embedding(weight, tensor({5})), IndexError,
               "embedding: index 5 at position [0] is outside [0, 5)");
  EXPECT_ERROR(embedding(weight, tensor({0, -1, 9})), IndexError,
               "embedding: index -1 at position [1] is outside [0, 5)");
  EXPECT_ERROR(embedding(weight, scalar(6)), IndexError,
               "embedding: index 6 at position [] is outside [0, 5)");
  EXPECT_ERROR(embedding(zeros({0, 2}), tensor({0})), IndexError,
               "embedding: index 0 at position [0] is outside [0, 0)");
}

TEST(OpEmbedding, BrokenInputNamesDtypeAndShape) {
  const Tensor weight = zeros({5, 2});
  EXPECT_ERROR(embedding(weight, tensor({1.0f})), DTypeError,
               "embedding: ids are float32, int64 is needed: convert them with to(DType::int64)");
  EXPECT_ERROR(embedding(zeros({5}), tensor({1})), ShapeError,
               "embedding: weight is [5]: a matrix [V, D] is needed");
}

TEST(OpEmbedding, BrokenInputNamesThePaddingIndex) {
  const Tensor weight = zeros({5, 2});
  EXPECT_ERROR(embedding(weight, tensor({1}), {.padding_idx = 5}), IndexError,
               "embedding: padding_idx 5 is outside [0, 5): -1 stands for none");
  EXPECT_THROW(embedding(weight, tensor({1}), {.padding_idx = -2}), IndexError);
}

}  // namespace
}  // namespace gradus
