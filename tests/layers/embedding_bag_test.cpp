#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/tests/support/op_testing.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "table_testing.h"

namespace gradus {
namespace {

using Values = std::vector<double>;

EmbeddingBag counting(std::int64_t rows, const EmbeddingBagOptions& options = {}) {
  return EmbeddingBag::from_pretrained(counting_rows(rows), /*freeze=*/false, options);
}

TEST(EmbeddingBag, TakesTheMeanUnlessToldOtherwise) {
  EXPECT_TRUE(has_values(counting(4)(tensor({3, 1, 2, 2}, {2, 2})), {2, 2}, {20, 21, 20, 21}));
  EXPECT_TRUE(has_values(counting(4, {.mode = BagMode::sum})(tensor({3, 1, 2}), tensor({0, 2})),
                         {2, 2}, {40, 42, 20, 21}));
  EXPECT_TRUE(has_values(counting(4, {.mode = BagMode::max})(tensor({3, 1, 2}), tensor({0, 2})),
                         {2, 2}, {30, 31, 20, 21}));
}

TEST(EmbeddingBag, IsTheMeanOfAnEmbedding) {
  Generator generator(4);
  const Tensor rows = randn({9, 5}, 0, 1, DType::float64, generator);
  const Embedding table = Embedding::from_pretrained(rows, false);
  const EmbeddingBag bag = EmbeddingBag::from_pretrained(rows, false);
  const Tensor ids = randint(0, 9, {6, 7}, generator);
  const Tensor expected = mean(table(ids), 1), y = bag(ids);
  EXPECT_TRUE(is_close(y, {6, 5}, values_of(expected), 1e-15));
  const Tensor g = randn({6, 5}, 0, 1, DType::float64, generator);
  expected.backward(g);
  y.backward(g);
  EXPECT_TRUE(is_close(bag.weight.grad().dense(), {9, 5}, gradient_of(table.weight), 1e-14));
}

TEST(EmbeddingBag, TakesIdsAndOffsetsOfEveryIntegerType) {
  const EmbeddingBag bag = counting(4, {.mode = BagMode::sum});
  const Values expected{40, 42, 20, 21};
  const auto check = [&](auto id) {
    using Id = decltype(id);
    const std::vector<Id> ids{Id{3}, Id{1}, Id{2}}, offsets{Id{0}, Id{2}};
    EXPECT_TRUE(has_values(bag(ids, offsets), {2, 2}, expected));
    EXPECT_TRUE(has_values(bag(std::span<const Id>(ids), std::array{0L, 2L}), {2, 2}, expected));
  };
  check(std::int8_t{});
  check(std::uint8_t{});
  check(std::int16_t{});
  check(std::uint16_t{});
  check(std::int32_t{});
  check(std::uint32_t{});
  check(std::int64_t{});
  check(std::uint64_t{});
  EXPECT_TRUE(has_values(bag({3, 1, 2}, {0, 2}), {2, 2}, expected));
  EXPECT_TRUE(
      has_values(bag({3, 1, 2}, {0, 2}, tensor({1.0, 2.0, 0.5})), {2, 2}, {50, 53, 10, 10.5}));
}

TEST(EmbeddingBag, PassesEveryOptionOn) {
  const EmbeddingBag bag = counting(4, {.padding_idx = -1,
                                        .scale_grad_by_freq = true,
                                        .mode = BagMode::sum,
                                        .sparse = true,
                                        .include_last_offset = true});
  EXPECT_EQ(bag.options().padding_idx, 3);
  const Tensor factors = leaf({2, 4, 6, 8});
  const Tensor y = bag(tensor({3, 1, 1, 2}), tensor({0, 3, 4}), factors);
  EXPECT_TRUE(has_values(y, {2, 2}, {100, 110, 160, 168}));
  y.backward(ones({2, 2}, DType::float64));
  const SparseGrad& grad = bag.weight.grad().sparse();
  EXPECT_TRUE(has_values(grad.ids(), {3}, {1, 1, 2}));
  EXPECT_TRUE(has_values(grad.values(), {3, 2}, {2, 2, 3, 3, 8, 8}));
  EXPECT_EQ(gradient_of(factors), (Values{0, 21, 21, 41}));
}

TEST(EmbeddingBag, StartsNormalWithAZeroPaddingRow) {
  Generator generator(1);
  const EmbeddingBag bag(200, 300, {.padding_idx = -1}, generator);
  const auto check = [&] {
    const Values values = values_of(bag.weight);
    double sum = 0, squares = 0;
    for (const double v : values) {
      sum += v;
      squares += v * v;
    }
    EXPECT_NEAR(sum / 59700, 0, 0.02);
    EXPECT_NEAR(squares / 59700, 1, 0.03);
    EXPECT_EQ(Values(values.end() - 300, values.end()), Values(300, 0.0));
    return values;
  };
  const Values first = check();
  bag.reset_parameters(generator);
  EXPECT_NE(check(), first);
  EXPECT_TRUE(bag.weight.trainable());
}

TEST(EmbeddingBag, SetPaddingAppliesToLaterLookupsOfEveryCopy) {
  const EmbeddingBag bag = counting(3, {.mode = BagMode::sum});
  const EmbeddingBag copy = bag;  // NOLINT(performance-unnecessary-copy-initialization)
  copy.set_padding_idx(-1);
  EXPECT_TRUE(has_values(bag({2, 1}, {0}), {1, 2}, {10, 11}));
  bag.zero_padding_row();
  bag.set_padding_idx(std::nullopt);
  EXPECT_TRUE(has_values(bag({2, 1}, {0}), {1, 2}, {10, 11}));
  EXPECT_ERROR(bag.set_padding_idx(3), IndexError,
               "EmbeddingBag: padding_idx 3 is outside [-3, 3), the rows of the table (negative: "
               "counted from the end)");
}

TEST(EmbeddingBag, MaxNormScalesRowsInPlace) {
  const EmbeddingBag bag =
      EmbeddingBag::from_pretrained(tensor({3.0, 4.0, 0.3, 0.4, 6.0, 8.0}, {3, 2}), true,
                                    {.padding_idx = 0, .max_norm = 1, .mode = BagMode::sum});
  const double s = 1 / (5 + 1e-7);  // as PyTorch
  EXPECT_TRUE(is_close(bag({0, 0, 1}, {0}), {1, 2}, {0.3, 0.4}, 1e-15));
  EXPECT_TRUE(is_close(bag.weight, {3, 2}, {3 * s, 4 * s, 0.3, 0.4, 6, 8}, 1e-15));
  EXPECT_TRUE(bag.is_frozen());
  const EmbeddingBag other = EmbeddingBag::from_pretrained(tensor({3.0, -4.0}, {1, 2}), false,
                                                           {.max_norm = 2, .norm_type = infinity});
  EXPECT_TRUE(is_close(other({0}, {0}), {1, 2}, {1.5, -2}, 1e-7));
}

TEST(EmbeddingBag, MaxNormChecksEverythingBeforeItScales) {
  const EmbeddingBag bag = counting(3, {.max_norm = 1});
  EXPECT_THROW(bag({2, 1, 3}, {0}), IndexError);
  EXPECT_THROW(bag({2, 1}, {0, 3}), IndexError);
  EXPECT_THROW(bag({2, 1}, {1}), IndexError);
  EXPECT_THROW(bag({2, 1}, {0}, tensor({1.0, 2.0})), ValueError);
  EXPECT_EQ(values_of(bag.weight), values_of(counting_rows(3)));
}

TEST(EmbeddingBag, MaxNormAllowsTwoLookupsInOneGraph) {
  const EmbeddingBag bag = counting(3, {.max_norm = 1});
  sum(bag({1}, {0}) + bag({2}, {0})).backward();
  EXPECT_EQ(gradient_of(bag.weight), (Values{0, 0, 1, 1, 1, 1}));
}

TEST(EmbeddingBag, ChecksItsOptions) {
  EXPECT_ERROR(EmbeddingBag(-1, 2), ValueError,
               "EmbeddingBag: num_embeddings is -1, embedding_dim is 2: sizes cannot be negative");
  EXPECT_ERROR(EmbeddingBag(4, 2, {.max_norm = 0}), ValueError,
               "EmbeddingBag: max_norm is 0, it must be positive");
  EXPECT_ERROR(EmbeddingBag(4, 2, {.norm_type = not_a_number}), ValueError,
               "EmbeddingBag: norm_type is nan, it must be positive");
  EXPECT_ERROR(
      EmbeddingBag(4, 2, {.mode = BagMode::max, .sparse = true}), ValueError,
      "EmbeddingBag: mode max has no sparse gradients: use sum or mean, or .sparse = false");
  EXPECT_ERROR(EmbeddingBag(4, 2, {.scale_grad_by_freq = true, .mode = BagMode::max}), ValueError,
               "EmbeddingBag: scale_grad_by_freq does not apply to mode max: use sum or mean");
  for (const std::int64_t padding : {4, -5}) {
    EXPECT_THROW(EmbeddingBag(4, 2, {.padding_idx = padding}), IndexError);
    EXPECT_THROW(EmbeddingBag::from_pretrained(zeros({4, 2}), true, {.padding_idx = padding}),
                 IndexError);
  }
}

TEST(EmbeddingBagFromPretrained, IsAFrozenLeafThatKeepsThePaddingRow) {
  const std::uint64_t before = default_generator().offset();
  const EmbeddingBag bag =
      EmbeddingBag::from_pretrained(counting_rows(3), true, {.padding_idx = 1});
  EXPECT_EQ(default_generator().offset(), before);
  EXPECT_EQ(values_of(bag.weight), values_of(counting_rows(3)));
  EXPECT_TRUE(bag.is_frozen());
  EXPECT_EQ(bag.num_embeddings(), 3);
  EXPECT_EQ(bag.embedding_dim(), 2);
  EXPECT_TRUE(bag.state_dict().contains("weight"));
  EXPECT_FALSE(bag({1}, {0}).requires_grad());
  bag.set_trainable(true);
  EXPECT_TRUE(bag({1}, {0}).requires_grad());
}

TEST(EmbeddingBagFromPretrained, CopiesWhatOthersHoldAndAdoptsWhatNobodyElseDoes) {
  const Tensor source = counting_rows(3);
  EXPECT_NE(EmbeddingBag::from_pretrained(source).weight.data<double>(), source.data<double>());
  Tensor own = counting_rows(3);
  const double* values = own.data<double>();
  EXPECT_EQ(EmbeddingBag::from_pretrained(std::move(own)).weight.data<double>(), values);
  EXPECT_THROW(EmbeddingBag::from_pretrained(zeros({3})), ShapeError);
  EXPECT_THROW(EmbeddingBag::from_pretrained(zeros({3, 2}, DType::int64)), DTypeError);
}

TEST(EmbeddingBag, ShowsItsOptions) {
  EXPECT_EQ(EmbeddingBag(4, 3).str(), "EmbeddingBag(4, 3, mode=mean)");
  EXPECT_EQ(EmbeddingBag(4, 3,
                         {.padding_idx = 3,
                          .max_norm = 1.0,
                          .norm_type = 1.5,
                          .scale_grad_by_freq = true,
                          .mode = BagMode::sum,
                          .sparse = true,
                          .include_last_offset = true})
                .str(),
            "EmbeddingBag(4, 3, max_norm=1, norm_type=1.5, scale_grad_by_freq=true, mode=sum, "
            "sparse=true, include_last_offset=true, padding_idx=3)");
  EXPECT_EQ(EmbeddingBag::from_pretrained(zeros({4, 3})).str(),
            "EmbeddingBag(4, 3, mode=mean, frozen)");
}

TEST(EmbeddingBag, ConvertsWithItsModel) {
  const EmbeddingBag bag(4, 3);
  bag.to(DType::float64);
  sum(bag({1}, {0})).backward();
  EXPECT_EQ(bag.weight.grad().dense().dtype(), DType::float64);
}

TEST(Embedding, ResetDrawsAnewAndZeroesThePaddingRow) {
  Generator generator(1);
  const Embedding table(5, 3, {.padding_idx = 1}, generator);
  const Values before = values_of(table.weight);
  table.reset_parameters(generator);
  const Values after = values_of(table.weight);
  EXPECT_NE(after, before);
  EXPECT_EQ(Values(after.begin() + 3, after.begin() + 6), Values(3, 0.0));
}

}  // namespace
}  // namespace gradus
