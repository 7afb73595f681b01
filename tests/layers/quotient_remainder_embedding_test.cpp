#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/quotient_remainder_embedding.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/statistics.h>

#include <cmath>
#include <set>
#include <vector>

namespace gradus {
namespace {

const std::vector<Composition> all_compositions{Composition::multiply, Composition::add,
                                                Composition::concatenate};

QuotientRemainderEmbedding table_of(std::int64_t rows, std::int64_t width,
                                    const QuotientRemainderOptions& options = {}) {
  Generator generator(3);
  return {rows, width, options, generator};
}

TEST(QuotientRemainder, ComposesTheRowsOfQuotientAndRemainder) {
  for (const Composition composition : all_compositions) {
    const auto table = table_of(11, 5, {.divisor = 4, .composition = composition});
    EXPECT_EQ(table.quotient.num_embeddings(), 3);
    EXPECT_EQ(table.remainder.num_embeddings(), 4);
    table.to(DType::float64);
    const Tensor y = table(tensor({10, 3, 0, 7, 4, 10}, {2, 3}));
    ASSERT_EQ(y.shape(), (Shape{2, 3, 5}));
    const std::vector<double> values = values_of(y);
    const std::vector<double> q = values_of(table.quotient.weight),
                              r = values_of(table.remainder.weight);
    const std::vector<std::size_t> ids{10, 3, 0, 7, 4, 10};
    for (std::size_t k = 0; k < ids.size(); ++k) {
      const std::size_t upper = ids[k] / 4, lower = ids[k] % 4;
      for (std::size_t i = 0; i < 5; ++i) {
        double expected = 0;
        if (composition == Composition::multiply) expected = q[upper * 5 + i] * r[lower * 5 + i];
        if (composition == Composition::add) expected = q[upper * 5 + i] + r[lower * 5 + i];
        if (composition == Composition::concatenate) {
          expected = i < 3 ? q[upper * 3 + i] : r[lower * 2 + i - 3];
        }
        EXPECT_EQ(values[k * 5 + i], expected) << name(composition);
      }
    }
  }
}

TEST(QuotientRemainder, GivesEveryIdAVectorOfItsOwn) {
  for (const Composition composition : all_compositions) {
    const auto table = table_of(1000, 4, {.composition = composition});
    EXPECT_EQ(table.divisor(), 32);
    EXPECT_LE(table.num_parameters(), 4 * (32 + 32));
    const std::vector<double> all = values_of(table(arange(1000)));
    std::set<std::vector<double>> distinct;
    for (std::size_t k = 0; k < 1000; ++k) {
      distinct.insert({all.begin() + static_cast<std::ptrdiff_t>(4 * k),
                       all.begin() + static_cast<std::ptrdiff_t>(4 * k + 4)});
    }
    EXPECT_EQ(distinct.size(), 1000U);
  }
}

TEST(QuotientRemainder, StartsWithVarianceOne) {
  for (const Composition composition : all_compositions) {
    const auto table = table_of(90000, 64, {.composition = composition});
    const std::vector<double> all = values_of(table(arange(90000)));
    double sum = 0, squares = 0;
    for (const double x : all) {
      sum += x;
      squares += x * x;
    }
    const auto n = static_cast<double>(all.size());
    EXPECT_NEAR(sum / n, 0, 0.02) << name(composition);
    EXPECT_NEAR(squares / n, 1, 0.05) << name(composition);
  }
}

TEST(QuotientRemainder, PassesGradientsToBothTables) {
  for (const Composition composition : all_compositions) {
    for (const bool sparse : {false, true}) {
      const auto table =
          table_of(11, 4, {.divisor = 4, .composition = composition, .sparse = sparse});
      table.to(DType::float64);
      const Tensor ids = tensor({10, 3, 3, 7});
      EXPECT_TRUE(passes_gradcheck([&](const std::vector<Tensor>&) { return tanh(table(ids)); },
                                   {table.quotient.weight, table.remainder.weight}));
      table.zero_grad();
      sum(table(ids)).backward();
      EXPECT_EQ(table.quotient.weight.grad().is_sparse(), sparse);
      EXPECT_EQ(table.remainder.weight.grad().is_sparse(), sparse);
    }
  }
}

TEST(QuotientRemainder, PaddingGivesZerosAndNoGradient) {
  for (const Composition composition : all_compositions) {
    const auto table = table_of(
        11, 4, {.divisor = 4, .composition = composition, .padding_idx = -1, .sparse = true});
    EXPECT_EQ(table.options().padding_idx, 10);
    EXPECT_EQ(table.quotient.num_embeddings(), 4);
    const Tensor y = table(tensor({10, 2, 10}));
    const std::vector<double> values = values_of(y);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(values[i], 0);
      EXPECT_NE(values[4 + i], 0);
      EXPECT_EQ(values[8 + i], 0);
    }
    sum(y).backward();
    EXPECT_EQ(table.quotient.weight.grad().sparse().nnz(), 1);
    EXPECT_EQ(table.remainder.weight.grad().sparse().nnz(), 1);
    EXPECT_NE(values_of(table(tensor({9})))[0], 0);  // of the same quotient
  }
}

TEST(QuotientRemainder, TakesNothingAndOneId) {
  const auto table = table_of(5, 3);
  EXPECT_EQ(table(zeros({2, 0}, DType::int64)).shape(), (Shape{2, 0, 3}));
  EXPECT_EQ(table(scalar(4)).shape(), (Shape{3}));
  EXPECT_EQ(table_of(0, 3)(zeros({0}, DType::int64)).shape(), (Shape{0, 3}));
  EXPECT_EQ(table_of(1, 1).divisor(), 1);
  EXPECT_EQ(table_of(std::int64_t{1} << 40, 1).divisor(), 1 << 20);
}

TEST(QuotientRemainder, SaysWhatIsWrong) {
  const auto table = table_of(11, 4, {.divisor = 4});
  EXPECT_ERROR(table(tensor({3, 11})), IndexError,
               "QuotientRemainderEmbedding: index 11 at position [1] is outside [0, 11)");
  EXPECT_THROW(table(tensor({1.0})), DTypeError);
  EXPECT_ERROR(table_of(-1, 4), ValueError,
               "QuotientRemainderEmbedding: num_embeddings is -1, embedding_dim is 4: sizes cannot "
               "be negative");
  EXPECT_ERROR(table_of(4, 4, {.divisor = 0}), ValueError,
               "QuotientRemainderEmbedding: divisor is 0, it must be positive");
  EXPECT_ERROR(table_of(4, 4, {.padding_idx = 4}), IndexError,
               "QuotientRemainderEmbedding: padding_idx 4 is outside [-4, 4)");
}

TEST(QuotientRemainder, ShowsWhatItIsMadeOf) {
  EXPECT_EQ(table_of(100, 4, {.composition = Composition::add, .padding_idx = 0}).str(),
            "QuotientRemainderEmbedding(100, 4, divisor=10, composition=add, padding_idx=0)(\n"
            "  (quotient): Embedding(11, 4, padding_idx=10)\n"
            "  (remainder): Embedding(11, 4, padding_idx=10)\n"
            ")");
}

}  // namespace
}  // namespace gradus
