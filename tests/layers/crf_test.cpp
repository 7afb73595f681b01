#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/crf.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>

namespace gradus {
namespace {

std::vector<std::string> paths_of(const Module& module) {
  std::vector<std::string> paths;
  for (const NamedParameter& p : module.parameters()) paths.push_back(p.path);
  return paths;
}

TEST(CRF, ScoresHaveTheNamesOfPytorchCrfAndSmallValues) {
  Generator generator(1);
  const CRF crf(40, {}, generator);
  EXPECT_EQ(paths_of(crf),
            (std::vector<std::string>{"transitions", "start_transitions", "end_transitions"}));
  EXPECT_EQ(crf.transitions.shape(), (Shape{40, 40}));
  EXPECT_EQ(crf.start_transitions.shape(), Shape{40});
  EXPECT_EQ(crf.end_transitions.shape(), Shape{40});
  const auto values = values_of(crf.transitions);
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  EXPECT_GE(*low, -0.1);
  EXPECT_LT(*low, -0.099);
  EXPECT_LT(*high, 0.1);
  EXPECT_GT(*high, 0.099);
  EXPECT_EQ(crf.str(), "CRF(40, transitions=true, start=true, end=true, constraints=false)");
}

TEST(CRF, HasNoScoresThatAreSwitchedOff) {
  const CRF crf(3, {.transitions = false, .start = false, .end = false});
  EXPECT_TRUE(crf.parameters().empty());
  const Tensor x = randn({2, 4, 3}), labels = randint(3, {2, 4});
  EXPECT_EQ(values_of(crf.log_likelihood(x, labels)), values_of(crf_log_likelihood(x, labels)));
  EXPECT_EQ(paths_of(CRF(3, {.start = false})),
            (std::vector<std::string>{"transitions", "end_transitions"}));
}

TEST(CRF, IsTheOpsWithItsScoresAndConstraints) {
  const CrfConstraints constraints =
      crf_constraints(std::vector<std::string>{"O", "B-A", "I-A"}, TagScheme::iob2);
  const CRF crf(3, {.constraints = constraints});
  const Tensor x = randn({2, 4, 3}), lengths = tensor({4, 2});
  const Tensor labels = tensor({0, 1, 2, 2, 1, 1, 0, 0}, {2, 4});
  const CrfOptions options{.lengths = lengths, .constraints = constraints};
  const Tensor y = crf_log_likelihood(x, labels, crf.scores(), options);
  EXPECT_EQ(values_of(crf.log_likelihood(x, labels, lengths)), values_of(y));
  const auto loss = [&](Reduction reduction) {
    return crf(x, labels, {.lengths = lengths, .reduction = reduction});
  };
  EXPECT_EQ(values_of(loss(Reduction::none)), values_of(-y));
  EXPECT_EQ(values_of(loss(Reduction::sum)), values_of(-sum(y)));
  EXPECT_EQ(values_of(crf(x, labels, {.lengths = lengths})), values_of(-mean(y)));
  const NoGradGuard no_grad;
  EXPECT_EQ(values_of(crf.decode(x, lengths).labels),
            values_of(crf_decode(x, crf.scores(), options).labels));
  EXPECT_EQ(values_of(crf.n_best(x, 2, lengths).scores),
            values_of(crf_n_best(x, 2, crf.scores(), options).scores));
  EXPECT_EQ(values_of(crf.marginals(x, lengths)),
            values_of(crf_marginals(x, crf.scores(), options)));
}

TEST(CRF, LossOverNoSequencesIsZero) {
  const CRF crf(3);
  const Tensor loss = crf(zeros({0, 4, 3}), zeros({0, 4}, DType::int64));
  EXPECT_EQ(loss.item(), 0);
  loss.backward();
  EXPECT_EQ(gradient_of(crf.transitions), std::vector<double>(9, 0));
}

// Each label says what the one before it was: emissions alone cannot tell.
TEST(CRF, LearnsWhichLabelsFollowEachOther) {
  manual_seed(3);
  const std::int64_t B = 64, T = 12, C = 3;
  // 0 -> 1 -> 2 -> 0: shown is whether a label is 0.
  std::vector<std::int64_t> labels;
  std::vector<float> shown;
  for (std::int64_t b = 0; b < B; ++b) {
    for (std::int64_t t = 0; t < T; ++t) {
      labels.push_back((b + t) % C);
      shown.push_back(labels.back() == 0 ? 1.0F : 0.0F);
    }
  }
  const Tensor y = tensor(labels, {B, T}), x = tensor(shown, {B, T, 1});
  const auto accuracy = [&](double lr) {
    const Linear output(1, C);
    const CRF crf(C);
    Adam optimizer(crf.parameters(), {.lr = lr});
    Adam emissions(output.parameters(), {.lr = lr});
    for (int step = 0; step < 60; ++step) {
      optimizer.zero_grad();
      emissions.zero_grad();
      crf(output(x), y).backward();
      optimizer.step();
      emissions.step();
    }
    const Tensor right = equal(crf.decode(output(x)).labels, y);
    return mean(right.to(DType::float32)).item();
  };
  EXPECT_EQ(accuracy(0.1), 1);
  EXPECT_LT(accuracy(0), 0.7);
}

TEST(CRF, BrokenInput) {
  EXPECT_ERROR(CRF(0), ValueError, "CRF: num_labels is 0, it must be at least 1");
  EXPECT_ERROR(CRF(3, {.constraints = {.start = ones({2}).to(DType::boolean)}}), ShapeError,
               "CRF: constraints.start is [2], it must be [3]: see crf_constraints()");
  EXPECT_ERROR(CRF(3, {.constraints = {.transitions = ones({3, 3})}}), DTypeError,
               "CRF: constraints.transitions is float32, boolean is needed");
  const CRF crf(3);
  const std::string layer =
      ", they must be [batch, time, 3]: layer CRF(3, transitions=true, start=true, end=true, "
      "constraints=false)";
  EXPECT_ERROR(crf.decode(zeros({2, 4})), ShapeError, "crf_decode: emissions are [2, 4]" + layer);
  EXPECT_ERROR(crf(zeros({2, 4, 2}), zeros({2, 4}, DType::int64)), ShapeError,
               "crf_log_likelihood: emissions are [2, 4, 2]" + layer);
  EXPECT_THROW(crf.decode(zeros({2, 4, 3}, DType::float64)), DTypeError);
}

}  // namespace
}  // namespace gradus
