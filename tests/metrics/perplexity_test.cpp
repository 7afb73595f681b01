#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/tests/support/op_testing.h>

#include <limits>
#include <utility>

namespace gradus {
namespace {

TEST(Perplexity, OfUniformPredictionsIsTheNumberOfClasses) {
  Perplexity perplexity;
  perplexity.add(zeros({2, 3, 7}), zeros({2, 3}, DType::int64));
  EXPECT_NEAR(perplexity.result(), 7, 1e-12);
  EXPECT_EQ(perplexity.count(), 6);
}

TEST(Perplexity, WeighsBatchesByTheirTokens) {
  Perplexity perplexity;
  perplexity.add(3 * std::log(2.0), 3);
  perplexity.add(std::log(32.0), 1);
  EXPECT_NEAR(perplexity.result(), 4, 1e-12);  // 2^((3 + 5) / 4)
}

TEST(Perplexity, OfExtremeScores) {
  Perplexity certain;
  certain.add(tensor({{1e30f, 0.0f}}), tensor({0}));
  EXPECT_EQ(certain.result(), 1);
  Perplexity impossible;
  impossible.add(tensor({{0.0, -infinity}}), tensor({1}));
  EXPECT_EQ(impossible.result(), infinity);
  Perplexity masked;  // a class that cannot be
  masked.add(tensor({{-infinity, 0.0}}), tensor({1}));
  EXPECT_EQ(masked.result(), 1);
}

TEST(Perplexity, LeavesOutIgnoredLabels) {
  Perplexity perplexity;
  perplexity.add(tensor({{0.0, 0.0}, {not_a_number, 5.0}}), tensor({1, -100}));
  EXPECT_NEAR(perplexity.result(), 2, 1e-12);
  EXPECT_EQ(perplexity.count(), 1);
}

TEST(Perplexity, Merges) {
  Perplexity a, b;
  a.add(std::log(2.0), 1);
  b.add(std::log(8.0), 1);
  a.merge(b);
  EXPECT_NEAR(a.result(), 4, 1e-12);
  EXPECT_NEAR(a.nll(), std::log(16.0), 1e-12);
}

TEST(Perplexity, BrokenInputSaysWhatIsWrong) {
  Perplexity perplexity;
  EXPECT_ERROR(perplexity.result(), ValueError,
               "Perplexity: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(perplexity.add(not_a_number, 1), ValueError, "Perplexity: nll is NaN");
  EXPECT_ERROR(perplexity.add(1.0, -1), ValueError, "Perplexity: tokens is -1: it is below 0");
  EXPECT_ERROR(perplexity.add(1.5, 0), ValueError, "Perplexity: nll is 1.5 over no tokens");
  EXPECT_ERROR(perplexity.add(zeros({1, 2}), tensor({2})), IndexError,
               "Perplexity: label 2 at position [0] is outside [0, 2)");
  EXPECT_ERROR(perplexity.add(tensor({{1.0, not_a_number}}), tensor({0})), ValueError,
               "Perplexity: the score at position [0, 1] is NaN");
  EXPECT_EQ(perplexity.count(), 0);
}

TEST(BitsPerCharacter, CountsInBits) {
  BitsPerCharacter bits, more;
  bits.add(8 * std::log(2.0), 4);
  EXPECT_NEAR(bits.result(), 2, 1e-15);
  more.add(0.0, 4);
  bits.merge(more);
  EXPECT_NEAR(bits.result(), 1, 1e-15);
  EXPECT_EQ(bits.count(), 8);
}

TEST(BitsPerCharacter, BrokenInputSaysWhatIsWrong) {
  BitsPerCharacter bits;
  EXPECT_ERROR(bits.result(), ValueError,
               "BitsPerCharacter: there is no result yet: nothing that counts was added");
  EXPECT_ERROR(bits.add(1.0, -2), ValueError, "BitsPerCharacter: characters is -2: it is below 0");
  EXPECT_ERROR(bits.add(not_a_number, 2), ValueError, "BitsPerCharacter: nll is NaN");
}

TEST(Perplexity, OfInfiniteScoresIsThatOfCrossEntropyOrAnError) {
  constexpr double inf = infinity;
  for (const auto& [a, b] : {std::pair{-inf, -inf},
                             {-inf, 0.0},
                             {-inf, inf},
                             {0.0, inf},
                             {inf, 0.0},
                             {inf, inf},
                             {inf, -inf},
                             {0.0, -inf}}) {
    SCOPED_TRACE(testing::Message() << a << " " << b);
    const Tensor scores = tensor({{a, b}}), label = tensor({0});
    const double expected = std::exp(cross_entropy(scores, label).item());
    Perplexity perplexity;
    if (std::isnan(expected)) {
      EXPECT_ERROR(perplexity.add(scores, label), ValueError,
                   "Perplexity: a score is inf: its softmax is NaN");
      EXPECT_EQ(perplexity.count(), 0);
    } else {
      perplexity.add(scores, label);
      EXPECT_EQ(perplexity.result(), expected);
    }
  }
}

TEST(Perplexity, RefusesLikelihoodsAboveOneAndMoreTokensThanCanBeCounted) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  Perplexity perplexity, other;
  EXPECT_ERROR(perplexity.add(-infinity, 1), ValueError,
               "Perplexity: nll is -inf: no likelihood is above 1");
  perplexity.add(1, most);
  other.add(1, 1);
  const char* text = "Perplexity: 9223372036854775807 tokens and 1 are more than can be counted";
  EXPECT_ERROR(perplexity.add(1, 1), ValueError, text);
  EXPECT_ERROR(perplexity.merge(other), ValueError, text);
  EXPECT_EQ(perplexity.count(), most);
  EXPECT_EQ(perplexity.nll(), 1);
  BitsPerCharacter bits;
  bits.add(1, most);
  EXPECT_THROW(bits.add(1, 1), ValueError);
  EXPECT_THROW(bits.merge(bits), ValueError);
  EXPECT_THROW(bits.add(-infinity, 1), ValueError);
}

}  // namespace
}  // namespace gradus
