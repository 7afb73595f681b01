// What generate() does to scores: known values, ties, edge cases, errors.
#include <gradus/framework/kernels/nn/next_token.h>
#include <gradus/framework/ops/nn/next_token.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/statistics.h>

#include <cmath>

namespace gradus {
namespace {

using testing::ElementsAre;

constexpr double inf = infinity, nan = not_a_number;

/// The logarithms of 0.1, 0.4, 0.15, 0.3, 0.05.
Tensor logits(DType dtype = DType::float64) {
  std::vector<double> values;
  for (const double p : {0.1, 0.4, 0.15, 0.3, 0.05}) values.push_back(std::log(p));
  return tensor(values).to(dtype);
}

/// The places of what is left of a row.
std::vector<std::int64_t> kept(const Tensor& row) {
  std::vector<std::int64_t> places;
  const std::vector<double> values = values_of(row);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != -inf) places.push_back(static_cast<std::int64_t>(i));
  }
  return places;
}

TEST(TopKLogits, KeepsTheGreatest) {
  EXPECT_EQ(values_of(top_k_logits(logits(), 5)), values_of(logits()));
  EXPECT_EQ(values_of(top_k_logits(logits(), 9)), values_of(logits()));
  EXPECT_THAT(kept(top_k_logits(logits(), 3)), ElementsAre(1, 2, 3));
  EXPECT_EQ(values_of(top_k_logits(logits(), 1)),
            (std::vector<double>{-inf, std::log(0.4), -inf, -inf, -inf}));
}

TEST(TopKLogits, TakesTheLowerIdOfEqualOnes) {
  EXPECT_THAT(kept(top_k_logits(tensor({1.0, 2.0, 1.0, 1.0, 2.0}), 3)), ElementsAre(0, 1, 4));
  EXPECT_THAT(kept(top_k_logits(zeros({6}), 2)), ElementsAre(0, 1));
}

TEST(TopPLogits, KeepsTheOneThatReachesP) {
  EXPECT_THAT(kept(top_p_logits(logits(), 0.39)), ElementsAre(1));
  EXPECT_THAT(kept(top_p_logits(logits(), 0.41)), ElementsAre(1, 3));
  EXPECT_THAT(kept(top_p_logits(logits(), 0.69)), ElementsAre(1, 3));
  EXPECT_THAT(kept(top_p_logits(logits(), 0.71)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(top_p_logits(logits(), 0.96)), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_EQ(values_of(top_p_logits(logits(), 1)), values_of(logits()));
  EXPECT_THAT(kept(top_p_logits(logits(), 1e-300)), ElementsAre(1));
}

TEST(TopPLogits, TakesTheLowerIdOfEqualOnes) {
  EXPECT_THAT(kept(top_p_logits(zeros({8}, DType::float64), 0.375)), ElementsAre(0, 1, 2));
}

TEST(TopPLogits, IsAboutWhatIsLeft) {
  EXPECT_THAT(kept(top_p_logits(tensor({-inf, 0.0, 0.0, -inf}), 0.6)), ElementsAre(1, 2));
}

TEST(MinPLogits, ComparesWithTheGreatest) {
  EXPECT_EQ(values_of(min_p_logits(logits(), 0)), values_of(logits()));
  EXPECT_THAT(kept(min_p_logits(logits(), 0.2)), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(kept(min_p_logits(logits(), 0.26)), ElementsAre(1, 2, 3));
  EXPECT_THAT(kept(min_p_logits(logits(), 1)), ElementsAre(1));
}

TEST(RepetitionPenaltyLogits, MakesPositiveAndNegativeOnesLess) {
  const Tensor x = tensor({{2.0, -2.0, 0.0, 3.0}, {2.0, -2.0, 1.0, 3.0}});
  EXPECT_EQ(values_of(repetition_penalty_logits(x, {{0, 1, 0, 2}, {}}, 4)),
            (std::vector<double>{0.5, -8, 0, 3, 2, -2, 1, 3}));  // once, though 0 occurs twice
  EXPECT_EQ(values_of(repetition_penalty_logits(x[0], {{3, 1}}, 0.5)),
            (std::vector<double>{2, -1, 0, 6}));
}

TEST(NoRepeatNgramLogits, RulesOutWhatWouldRepeat) {
  const Tensor x = zeros({6}, DType::float64);
  const auto after = [&](std::vector<std::int64_t> ids, std::int64_t n) {
    return kept(no_repeat_ngram_logits(x, {std::move(ids)}, n));
  };
  EXPECT_THAT(after({1, 2, 3, 1, 2, 4, 1, 2}, 3), ElementsAre(0, 1, 2, 5));
  EXPECT_THAT(after({1, 2, 3, 1, 2}, 2), ElementsAre(0, 1, 2, 4, 5));
  EXPECT_THAT(after({1, 2, 2}, 1), ElementsAre(0, 3, 4, 5));
  EXPECT_THAT(after({5, 5}, 2), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(after({1, 2}, 3), ElementsAre(0, 1, 2, 3, 4, 5));  // there is no third one yet
  EXPECT_THAT(after({1}, 4), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST(SuppressLogits, RulesOutInEachRow) {
  const Tensor y = suppress_logits(zeros({2, 3}), std::vector<std::int64_t>{0, 2});
  EXPECT_EQ(values_of(y), (std::vector<double>{-inf, 0, -inf, -inf, 0, -inf}));
}

TEST(NextTokenLogits, HaveTheShapeAndDtypeOfTheInputWhichStays) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = reshape(logits(dtype), {1, 5}), before = x.clone();
    for (const Tensor& y :
         {top_k_logits(x, 2), top_p_logits(x, 0.5), min_p_logits(x, 0.5),
          repetition_penalty_logits(x, {{1}}, 2), no_repeat_ngram_logits(x, {{1}}, 1),
          suppress_logits(x, std::vector<std::int64_t>{1})}) {
      EXPECT_EQ(y.shape(), x.shape());
      EXPECT_EQ(y.dtype(), dtype);
      EXPECT_NE(values_of(y), values_of(x));
    }
    EXPECT_EQ(values_of(x), values_of(before));
  }
  EXPECT_EQ(top_k_logits(zeros({0, 4}), 2).shape(), (Shape{0, 4}));
  EXPECT_THAT(kept(top_p_logits(tensor({-inf, -inf}), 0.5)), ElementsAre());
}

TEST(NextTokenLogits, RefuseBadInput) {
  const auto refuses = [](auto f) { return message_of<ValueError>(f); };
  const Tensor x = zeros({2, 3});
  EXPECT_EQ(refuses([&] { top_k_logits(x, 0); }), "top_k_logits: k is 0, it must be at least 1");
  EXPECT_EQ(refuses([&] { top_p_logits(x, 0); }),
            "top_p_logits: p is 0, it must be above 0 and at most 1");
  EXPECT_EQ(refuses([&] { top_p_logits(x, nan); }),
            "top_p_logits: p is nan, it must be above 0 and at most 1");
  EXPECT_EQ(refuses([&] { min_p_logits(x, 1.5); }),
            "min_p_logits: p is 1.5, it must be between 0 and 1");
  EXPECT_EQ(refuses([&] {
              repetition_penalty_logits(x, {{}, {}}, 0);
            }),
            "repetition_penalty_logits: penalty is 0, it must be positive and finite");
  EXPECT_EQ(refuses([&] {
              no_repeat_ngram_logits(x, {{}, {}}, 0);
            }),
            "no_repeat_ngram_logits: n is 0, it must be at least 1");
  EXPECT_EQ(refuses([&] {
              top_k_logits(tensor({{0.0, 1.0}, {nan, 1.0}}), 1);
            }),
            "top_k_logits: logit 0 of row 1 is nan, it must be finite or -inf");
  EXPECT_EQ(refuses([&] {
              min_p_logits(tensor({0.0, inf}), 1);
            }),
            "min_p_logits: logit 1 of row 0 is inf, it must be finite or -inf");
  EXPECT_EQ(message_of<ShapeError>([&] {
              top_p_logits(zeros({1, 1, 3}), 1);
            }),
            "top_p_logits: logits are [1, 1, 3], they must be [V] or [B, V]");
  EXPECT_EQ(message_of<ShapeError>([&] { repetition_penalty_logits(x, {{0}}, 2); }),
            "repetition_penalty_logits: 1 lists of ids for logits [2, 3]: each row needs one");
  EXPECT_EQ(message_of<IndexError>([&] {
              no_repeat_ngram_logits(x, {{0}, {3}}, 1);
            }),
            "no_repeat_ngram_logits: id 3 is outside [0, 3)");
  EXPECT_EQ(message_of<IndexError>([&] { suppress_logits(x, std::vector<std::int64_t>{-1}); }),
            "suppress_logits: id -1 is outside [0, 3)");
  EXPECT_THROW(top_k_logits(zeros({3}, DType::int64), 1), DTypeError);
  EXPECT_THROW(top_k_logits(Tensor(), 1), Error);
}

// ---- the kernels that have no op

TEST(DrawByScores, FollowsTheProbabilities) {
  const std::vector<double> scores = {std::log(0.2) + 700, -inf, std::log(0.5) + 700,
                                      std::log(0.3) + 700};
  EXPECT_EQ(kernels::draw_by_scores(scores, 0), 0);
  EXPECT_EQ(kernels::draw_by_scores(scores, 0.199), 0);
  EXPECT_EQ(kernels::draw_by_scores(scores, 0.201), 2);
  EXPECT_EQ(kernels::draw_by_scores(scores, 0.699), 2);
  EXPECT_EQ(kernels::draw_by_scores(scores, 0.701), 3);
  EXPECT_EQ(kernels::draw_by_scores(scores, std::nextafter(1.0, 0.0)), 3);
  EXPECT_EQ(kernels::draw_by_scores(std::vector<double>{0, -inf}, std::nextafter(1.0, 0.0)), 0);
}

TEST(ApplyTemperature, DoesNotOverflow) {
  std::vector<double> scores = {1e300, 1, -1e300, -inf};
  kernels::apply_temperature(scores, 1e-300);
  EXPECT_EQ(scores, (std::vector<double>{0, -inf, -inf, -inf}));
  EXPECT_EQ(kernels::log_sum_exp(scores), 0);
  scores = {3, 1};
  kernels::apply_temperature(scores, 2);
  EXPECT_EQ(scores, (std::vector<double>{0, -1}));
}

TEST(GreatestScore, IsTheFirstOfEqualOnes) {
  EXPECT_EQ(kernels::greatest_score(std::vector<double>{0, 2, 1, 2}), 1);
}

}  // namespace
}  // namespace gradus
