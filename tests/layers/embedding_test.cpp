#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "table_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;

Embedding counting(std::int64_t rows, const EmbeddingOptions& options = {}) {
  return Embedding::from_pretrained(counting_rows(rows), /*freeze=*/false, options);
}

std::uint64_t hash_of(const Tensor& t) {
  const auto bytes = std::string_view(reinterpret_cast<const char*>(t.data<double>()),
                                      static_cast<std::size_t>(t.numel()) * sizeof(double));
  return std::hash<std::string_view>{}(bytes);
}

std::vector<double> row(const Tensor& t, std::int64_t r) {
  const std::vector<double> all = values_of(t);
  const auto width = t.size(1);
  return {all.begin() + r * width, all.begin() + (r + 1) * width};
}

TEST(Embedding, LooksRowsUpForIdsOfAnyShape) {
  const Embedding table = counting(4);
  EXPECT_TRUE(has_values(table(tensor({3, 1})), {2, 2}, {30, 31, 10, 11}));
  EXPECT_TRUE(has_values(table(scalar(2)), {2}, {20, 21}));
  EXPECT_TRUE(has_values(table(tensor({0, 1, 2, 3}, {2, 1, 2})), {2, 1, 2, 2},
                         {0, 1, 10, 11, 20, 21, 30, 31}));
  EXPECT_EQ(table(zeros({2, 0}, DType::int64)).shape(), (Shape{2, 0, 2}));
}

TEST(Embedding, TakesIdsOfEveryIntegerType) {
  const Embedding table = counting(4);
  const std::vector<double> expected{30, 31, 10, 11};
  const auto check = [&](auto id) {
    using Id = decltype(id);
    const std::vector<Id> ids{Id{3}, Id{1}};
    EXPECT_TRUE(has_values(table(ids), {2, 2}, expected));
    EXPECT_TRUE(has_values(table(std::span<const Id>(ids)), {2, 2}, expected));
  };
  check(std::int8_t{});
  check(std::uint8_t{});
  check(std::int16_t{});
  check(std::uint16_t{});
  check(std::int32_t{});
  check(std::uint32_t{});
  check(std::int64_t{});
  check(std::uint64_t{});
  EXPECT_TRUE(has_values(table({3, 1}), {2, 2}, expected));
  EXPECT_TRUE(has_values(table(std::array{3L, 1L}), {2, 2}, expected));
  EXPECT_TRUE(has_values(table({0}), {1, 2}, {0, 1}));
  EXPECT_EQ(table(std::vector<int>()).shape(), (Shape{0, 2}));
}

TEST(Embedding, RefusesBadIds) {
  const Embedding table = counting(5);
  EXPECT_ERROR(table(tensor({0, 1, 2, 3, 4, 3, 2, 7}, {2, 4})), IndexError,
               "embedding: index 7 at position [1, 3] is outside [0, 5)");
  EXPECT_ERROR(table({4, 5}), IndexError, "embedding: index 5 at position [1] is outside [0, 5)");
  EXPECT_ERROR(table({-1}), IndexError, "embedding: index -1 at position [0] is outside [0, 5)");
  EXPECT_THROW(table(ones({2})), DTypeError);
  EXPECT_THROW(table(ones({2}, DType::boolean)), DTypeError);
}

TEST(Embedding, StartsNormalWithAZeroPaddingRow) {
  Generator generator(1);
  const Embedding table(200, 300, {.padding_idx = -1}, generator);
  double sum = 0, squares = 0;
  for (const double v : values_of(table.weight)) {
    sum += v;
    squares += v * v;
  }
  EXPECT_NEAR(sum / 59700, 0, 0.02);
  EXPECT_NEAR(squares / 59700, 1, 0.03);
  EXPECT_EQ(table.options().padding_idx, 199);
  EXPECT_EQ(row(table.weight, 199), std::vector<double>(300, 0.0));
  EXPECT_NE(row(table.weight, 0), std::vector<double>(300, 0.0));
  EXPECT_TRUE(table.weight.trainable());
}

TEST(Embedding, TakesSizesOfZero) {
  EXPECT_EQ(Embedding(0, 3)(zeros({0}, DType::int64)).shape(), (Shape{0, 3}));
  EXPECT_ERROR(Embedding(0, 3)({0}), IndexError,
               "embedding: index 0 at position [0] is outside [0, 0)");
  EXPECT_EQ(Embedding(4, 0)({1, 2}).shape(), (Shape{2, 0}));
}

TEST(Embedding, AddsTheCotangentsOfRepeatedIds) {
  for (const bool sparse : {false, true}) {
    const Embedding table = counting(4, {.sparse = sparse});
    table({2, 0, 2}).backward(tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {3, 2}));
    EXPECT_EQ(table.weight.grad().is_sparse(), sparse);
    EXPECT_EQ(values_of(table.weight.grad().to_dense()),
              (std::vector<double>{3, 4, 0, 0, 6, 8, 0, 0}));
  }
}

TEST(Embedding, SparseGradientHasOneEntryPerLookupInOrder) {
  const Embedding table = counting(4, {.padding_idx = 1, .sparse = true});
  table({2, 1, 0, 2}).backward(ones({4, 2}, DType::float64));
  const SparseGrad& grad = table.weight.grad().sparse();
  EXPECT_TRUE(has_values(grad.ids(), {3}, {2, 0, 2}));
  EXPECT_TRUE(has_values(grad.values(), {3, 2}, {1, 1, 1, 1, 1, 1}));
  EXPECT_FALSE(grad.is_coalesced());
}

TEST(Embedding, SparseGradientOutlivesTheCallersIds) {
  const Embedding table = counting(4, {.sparse = true});
  const Tensor ids = tensor({1, 1});
  table(ids).backward(ones({2, 2}, DType::float64));
  ids.fill_(3);
  table(ids).backward(ones({2, 2}, DType::float64));
  ids.fill_(0);
  EXPECT_EQ(values_of(table.weight.grad().to_dense()),
            (std::vector<double>{0, 0, 2, 2, 0, 0, 2, 2}));
}

TEST(Embedding, AllPaddingGivesAnEmptyGradient) {
  const Embedding sparse = counting(3, {.padding_idx = 0, .sparse = true});
  sparse({0, 0}).backward(ones({2, 2}, DType::float64));
  EXPECT_EQ(sparse.weight.grad().sparse().nnz(), 0);
  EXPECT_EQ(sparse.weight.grad().sparse().values().shape(), (Shape{0, 2}));
  const Embedding dense = counting(3, {.padding_idx = 0});
  dense({0, 0}).backward(ones({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(dense.weight), std::vector<double>(6, 0.0));
}

TEST(Embedding, PaddingRowIsLookedUpAsItIs) {
  const Embedding table = counting(3, {.padding_idx = -2});
  EXPECT_EQ(table.options().padding_idx, 1);
  EXPECT_TRUE(has_values(table({1}), {1, 2}, {10, 11}));
  table({1, 2}).backward(ones({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{0, 0, 0, 0, 1, 1}));
}

TEST(Embedding, OtherUsesOfTheWeightReachThePaddingRow) {
  const Embedding table = counting(2, {.padding_idx = 0});
  (sum(table({0, 1})) + sum(table.weight * 3.0)).backward();
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{3, 3, 4, 4}));
}

TEST(Embedding, SetPaddingAppliesToLaterLookupsOfEveryCopy) {
  const Embedding table = counting(3);
  const Embedding copy = table;  // NOLINT(performance-unnecessary-copy-initialization)
  copy.set_padding_idx(-1);
  EXPECT_EQ(table.options().padding_idx, 2);
  table({2, 1}).backward(ones({2, 2}, DType::float64));
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(row(table.weight, 2), (std::vector<double>{20, 21}));
  table.zero_padding_row();
  EXPECT_EQ(row(table.weight, 2), (std::vector<double>{0, 0}));
  EXPECT_EQ(row(table.weight, 1), (std::vector<double>{10, 11}));
  table.set_padding_idx(std::nullopt);
  table.zero_padding_row();
  EXPECT_EQ(row(table.weight, 1), (std::vector<double>{10, 11}));
  EXPECT_ERROR(table.set_padding_idx(3), IndexError,
               "Embedding: padding_idx 3 is outside [-3, 3), the rows of the table (negative: "
               "counted from the end)");
}

TEST(Embedding, ScalesGradientsByTheCountOfTheCall) {
  for (const bool sparse : {false, true}) {
    const Embedding table =
        counting(4, {.padding_idx = 3, .scale_grad_by_freq = true, .sparse = sparse});
    const Tensor ids = tensor({2, 0, 2, 3, 2, 3}, {2, 3});
    table(ids).backward(tensor({3., 6., 5., 5., 6., 9., 7., 7., 9., 12., 1., 1.}, {2, 3, 2}));
    EXPECT_TRUE(is_close(table.weight.grad().to_dense(), {4, 2}, {5, 5, 0, 0, 6, 9, 0, 0}, 1e-15));
    // Two calls count separately.
    table.zero_grad();
    table({1}).backward(ones({1, 2}, DType::float64));
    table({1, 1}).backward(ones({2, 2}, DType::float64));
    EXPECT_EQ(row(table.weight.grad().to_dense(), 1), (std::vector<double>{2, 2}));
  }
}

TEST(Embedding, GradientAgreesWithDifferencesForEveryOption) {
  for (const bool by_freq : {false, true}) {
    for (const bool sparse : {false, true}) {
      const Embedding table = Embedding::from_pretrained(
          random_leaf({5, 3}), false, {.scale_grad_by_freq = by_freq, .sparse = sparse});
      table({0, 4, 0, 2}).backward(ones({4, 3}, DType::float64));
      EXPECT_EQ(row(table.weight.grad().to_dense(), 0),
                std::vector<double>(3, by_freq ? 1.0 : 2.0));
      if (by_freq) continue;
      EXPECT_TRUE(passes_gradcheck(
          [&](const std::vector<Tensor>&) {
            return tanh(table({0, 4, 0, 2}));
          },
          {table.weight}));
    }
  }
}

TEST(EmbeddingMaxNorm, ScalesRowsThatAreTooLongInPlace) {
  const Embedding table = Embedding::from_pretrained(
      tensor({3.0, 4.0, 0.3, 0.4, 6.0, 8.0, 0.0, 0.0}, {4, 2}), false, {.max_norm = 1});
  const Tensor y = table({0, 0, 1, 3});
  // 3 / (5 + 1e-7), as PyTorch
  const double s = 1 / (5 + 1e-7);
  EXPECT_TRUE(is_close(y, {4, 2}, {3 * s, 4 * s, 3 * s, 4 * s, 0.3, 0.4, 0, 0}, 1e-15));
  EXPECT_TRUE(is_close(table.weight, {4, 2}, {3 * s, 4 * s, 0.3, 0.4, 6, 8, 0, 0}, 1e-15));
  EXPECT_NE(values_of(y)[0], 0.6);
  y.backward(ones({4, 2}, DType::float64));
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{2, 2, 1, 1, 0, 0, 1, 1}));
}

TEST(EmbeddingMaxNorm, LeavesARowOfExactlyThatNorm) {
  const Embedding table =
      Embedding::from_pretrained(tensor({3.0, 4.0}, {1, 2}), false, {.max_norm = 5});
  table({0});
  EXPECT_EQ(values_of(table.weight), (std::vector<double>{3, 4}));
}

TEST(EmbeddingMaxNorm, TakesEveryNormType) {
  const std::vector<std::pair<double, double>> norms{
      {1, 7}, {2, 5}, {3, std::cbrt(91.0)}, {0.5, std::pow(std::sqrt(3) + 2, 2)}, {infinity, 4}};
  for (const auto& [p, norm] : norms) {
    const Embedding table = Embedding::from_pretrained(tensor({3.0, -4.0}, {1, 2}), false,
                                                       {.max_norm = 2, .norm_type = p});
    const double s = 2 / (norm + 1e-7);
    EXPECT_TRUE(is_close(table({0}), {1, 2}, {3 * s, -4 * s}, 1e-14)) << p;
  }
}

TEST(EmbeddingMaxNorm, ActsInEvalModeUnderNoGradAndOnFrozenTables) {
  const Embedding table =
      Embedding::from_pretrained(tensor({3.0, 4.0}, {1, 2}), /*freeze=*/true, {.max_norm = 1});
  table.eval();
  const NoGradGuard no_grad;
  table({0});
  EXPECT_NEAR(table.weight.span<double>()[0], 0.6, 1e-7);
  EXPECT_TRUE(table.is_frozen());
}

TEST(EmbeddingMaxNorm, ChecksAllIdsBeforeItScales) {
  const Embedding table = Embedding::from_pretrained(counting_rows(3), false, {.max_norm = 1});
  EXPECT_THROW(table({2, 1, 3}), IndexError);
  EXPECT_EQ(values_of(table.weight), values_of(counting_rows(3)));
}

TEST(EmbeddingMaxNorm, TwoLookupsInOneGraphWork) {
  const Embedding table = Embedding::from_pretrained(counting_rows(3), false, {.max_norm = 1});
  sum(table({1}) + table({2})).backward();
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{0, 0, 1, 1, 1, 1}));
}

TEST(EmbeddingMaxNorm, AnEarlierUseThatNeedsTheOldValuesIsRefused) {
  const Embedding table = Embedding::from_pretrained(counting_rows(3), false, {.max_norm = 1});
  const Tensor squares = sum(table.weight * table.weight);
  const Tensor loss = squares + sum(table({1}));
  EXPECT_ERROR(loss.backward(), AutogradError,
               "backward of mul: a value [3, 2] that it needs was changed in place after the "
               "forward pass (1 times, last by the max_norm of an Embedding): change it after "
               "backward(), or change a clone()");
  EXPECT_TRUE(table.weight.grad().empty());
  const Tensor later = sum(table({1}));  // changes nothing: the row is short already
  (sum(table.weight * table.weight) + later).backward();
  EXPECT_EQ(row(table.weight.grad().dense(), 2), (std::vector<double>{40, 42}));
}

TEST(EmbeddingMaxNorm, RenormsThePaddingRowToo) {
  const Embedding table =
      Embedding::from_pretrained(counting_rows(3), false, {.padding_idx = 2, .max_norm = 1});
  table({2});
  EXPECT_NEAR(std::hypot(row(table.weight, 2)[0], row(table.weight, 2)[1]), 1, 1e-6);
}

TEST(EmbeddingMaxNorm, HasTheSameBitsForAnyNumberOfThreads) {
  const int threads = num_threads();
  const auto run = [](int n) {
    set_num_threads(n);
    Generator generator(3);
    const Embedding table(500, 33, {.max_norm = 1}, generator);
    const Tensor ids = randint(0, 500, {20000}, generator);
    const auto looked_up = values_of(table(ids));
    return std::pair(looked_up, values_of(table.weight));
  };
  const auto one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(run(3), one);
  set_num_threads(threads);
}

TEST(Embedding, ChecksItsOptions) {
  EXPECT_ERROR(Embedding(-1, 2), ValueError,
               "Embedding: num_embeddings is -1, embedding_dim is 2: sizes cannot be negative");
  for (const std::int64_t padding : {4, -5}) {
    EXPECT_THROW(Embedding(4, 2, {.padding_idx = padding}), IndexError);
    EXPECT_THROW(Embedding::from_pretrained(zeros({4, 2}), true, {.padding_idx = padding}),
                 IndexError);
  }
  for (const double bad : {0.0, -1.0, not_a_number}) {
    EXPECT_THROW(Embedding(4, 2, {.max_norm = bad}), ValueError);
    EXPECT_THROW(Embedding(4, 2, {.max_norm = 1, .norm_type = bad}), ValueError);
  }
  EXPECT_ERROR(Embedding(4, 2, {.max_norm = 0}), ValueError,
               "Embedding: max_norm is 0, it must be positive");
  EXPECT_ERROR(Embedding(4, 2, {.norm_type = -1}), ValueError,
               "Embedding: norm_type is -1, it must be positive");
}

TEST(FromPretrained, IsAFrozenLeafWithTheSameRowsAndType) {
  const Tensor source = counting_rows(3);
  const Embedding table = Embedding::from_pretrained(source);
  EXPECT_EQ(values_of(table.weight), values_of(source));
  EXPECT_EQ(table.weight.dtype(), DType::float64);
  EXPECT_TRUE(table.is_frozen());
  EXPECT_EQ(table.num_embeddings(), 3);
  EXPECT_EQ(table.embedding_dim(), 2);
  EXPECT_EQ(table.parameters().size(), 1U);
  EXPECT_TRUE(table.state_dict().contains("weight"));
  const Tensor y = table({1});
  EXPECT_FALSE(y.requires_grad());
  EXPECT_THROW(sum(y).backward(), AutogradError);
}

TEST(FromPretrained, CopiesWhatOthersHoldAndAdoptsWhatNobodyElseDoes) {
  const Tensor source = counting_rows(3);
  const Embedding copy = Embedding::from_pretrained(source);
  EXPECT_NE(copy.weight.data<double>(), source.data<double>());

  Tensor own = counting_rows(3);
  const double* values = own.data<double>();
  const Embedding adopted = Embedding::from_pretrained(std::move(own));
  EXPECT_EQ(adopted.weight.data<double>(), values);

  Tensor viewed = counting_rows(3);
  const Tensor view = viewed.detach();
  const Embedding other = Embedding::from_pretrained(std::move(viewed));
  EXPECT_NE(other.weight.data<double>(), view.data<double>());
}

TEST(FromPretrained, SendsNoGradientToItsArgument) {
  const Tensor source = leaf({1, 2, 3, 4}, {2, 2});
  const Embedding table = Embedding::from_pretrained(source * 2.0, /*freeze=*/false);
  EXPECT_TRUE(table.weight.is_leaf());
  sum(table({0})).backward();
  EXPECT_TRUE(source.grad().empty());
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{1, 1, 0, 0}));
}

TEST(FromPretrained, DrawsNoRandomNumbersAndKeepsThePaddingRow) {
  const std::uint64_t before = default_generator().offset();
  const Embedding table = Embedding::from_pretrained(counting_rows(3), false, {.padding_idx = 1});
  EXPECT_EQ(default_generator().offset(), before);
  EXPECT_EQ(row(table.weight, 1), (std::vector<double>{10, 11}));
}

TEST(FromPretrained, SaysWhatIsWrong) {
  EXPECT_ERROR(Embedding::from_pretrained(zeros({3})), ShapeError,
               "from_pretrained: weight is [3], it must be 2-D [rows, columns]");
  EXPECT_ERROR(Embedding::from_pretrained(zeros({3, 2, 1})), ShapeError,
               "from_pretrained: weight is [3, 2, 1], it must be 2-D [rows, columns]");
  EXPECT_ERROR(Embedding::from_pretrained(zeros({3, 2}, DType::int64)), DTypeError,
               "from_pretrained: weight is int64, it must be a float type: convert it with "
               "to(DType::float32)");
  EXPECT_THROW(Embedding::from_pretrained(Tensor()), Error);
}

// One step of gradient descent on whatever has a gradient and is trainable.
void descend(const Module& model) {
  const NoGradGuard no_grad;
  for (const NamedParameter& p : model.parameters()) {
    if (!p.parameter.trainable() || p.parameter.grad().empty()) continue;
    p.parameter.add_(p.parameter.grad().to_dense(), -0.1);
  }
}

TEST(Freezing, KeepsTheBytesAndUnfreezingChangesThem) {
  const Embedding table = Embedding::from_pretrained(counting_rows(4));
  const Tensor factor = leaf({2.0, 3.0});
  const std::uint64_t before = hash_of(table.weight);
  const auto train = [&] {
    sum(tanh(table({1, 2}) * 0.01) * factor).backward();
    descend(table);
  };
  train();
  EXPECT_EQ(hash_of(table.weight), before);
  EXPECT_TRUE(table.weight.grad().empty());
  EXPECT_FALSE(factor.grad().empty());
  table.set_trainable(true);
  train();
  EXPECT_NE(hash_of(table.weight), before);
  table.set_trainable(false);
  const std::uint64_t after = hash_of(table.weight);
  train();  // a stale gradient is there
  EXPECT_EQ(hash_of(table.weight), after);
}

TEST(Freezing, RowsCanBeWrittenByHand) {
  for (const bool freeze : {true, false}) {
    const Embedding table = Embedding::from_pretrained(counting_rows(3), freeze);
    const NoGradGuard no_grad;
    table.weight.set_row(1, tensor({7.0, 8.0}));
    EXPECT_TRUE(has_values(table({1}), {1, 2}, {7, 8}));
  }
}

TEST(Embedding, BackwardAllowsChangesOfTheWeight) {
  const Embedding table = counting(3);
  const Tensor loss = sum(table({1}));
  {
    const NoGradGuard no_grad;
    table.weight.fill_(5);
  }
  loss.backward();
  EXPECT_EQ(gradient_of(table.weight), (std::vector<double>{0, 0, 1, 1, 0, 0}));
}

TEST(Embedding, ShowsOptionsThatAreNotDefaults) {
  EXPECT_EQ(Embedding(4, 3).str(), "Embedding(4, 3)");
  EXPECT_EQ(Embedding(4, 3,
                      {.padding_idx = 3,
                       .max_norm = 1.0,
                       .norm_type = 1.5,
                       .scale_grad_by_freq = true,
                       .sparse = true})
                .str(),
            "Embedding(4, 3, padding_idx=3, max_norm=1, norm_type=1.5, scale_grad_by_freq=true, "
            "sparse=true)");
  const Embedding table = Embedding::from_pretrained(zeros({4, 3}));
  EXPECT_EQ(table.str(), "Embedding(4, 3, frozen)");
  table.set_trainable(true);
  EXPECT_EQ(table.str(), "Embedding(4, 3)");
}

TEST(Embedding, ConvertsWithItsModel) {
  const Embedding table(4, 3);
  table.to(DType::float64);
  EXPECT_EQ(table({1}).dtype(), DType::float64);
  sum(table({1})).backward();
  EXPECT_EQ(table.weight.grad().dense().dtype(), DType::float64);
}

}  // namespace
}  // namespace gradus
