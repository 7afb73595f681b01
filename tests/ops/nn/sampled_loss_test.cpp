#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/nn/sampled_loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>
#include <functional>

namespace gradus {
namespace {

constexpr std::int64_t N = 3, D = 2, V = 4;
const std::vector<double> weights{1, 2, 4, 1};  // of the sampler

/// A small problem, whose labels are 2, 0, 2.
struct Problem {
  explicit Problem(bool with_bias = true) {
    x = random_leaf({N, D}, 1);
    weight = random_leaf({V, D}, 2);
    if (with_bias) options.bias = random_leaf({V}, 3);
  }
  Tensor scores() const { return linear(x, weight, options.bias); }  // [N, V]
  Tensor label_scores() const { return select(gather(scores(), 1, unsqueeze(labels, 1)), 1, 0); }
  std::vector<Tensor> leaves() const {
    std::vector<Tensor> all{x, weight};
    if (options.bias.defined()) all.push_back(options.bias);
    return all;
  }

  Tensor x, weight, labels = tensor({2, 0, 2});
  SampledLossOptions options;
  ClassSampler sampler = ClassSampler(weights);
};

enum class Kind { softmax, nce, negative };
const std::vector<Kind> kinds{Kind::softmax, Kind::nce, Kind::negative};

Tensor loss_of(Kind kind, const Problem& p, const Tensor& samples, Reduction reduction) {
  SampledLossOptions options = p.options;
  options.reduction = reduction;
  if (kind == Kind::softmax) {
    return sampled_softmax_loss(p.x, p.weight, p.labels, samples, p.sampler, options);
  }
  return kind == Kind::nce ? nce_loss(p.x, p.weight, p.labels, samples, p.sampler, options)
                           : negative_sampling_loss(p.x, p.weight, p.labels, samples, options);
}

double logistic_loss(double score) { return std::log1p(std::exp(-score)); }

TEST(SampledLosses, FollowTheirFormulas) {
  const Problem p;
  const std::vector<std::int64_t> samples{2, 3, 2, 0, 1};
  const auto s = values_of(p.scores());
  std::vector<std::vector<double>> expected(3);
  for (std::size_t n = 0; n < 3; ++n) {
    const auto label = static_cast<std::size_t>(p.labels.data<std::int64_t>()[n]);
    const auto score = [&](std::size_t k) { return s[n * V + k]; };
    const auto correction = [&](std::size_t k) { return std::log(5 * weights[k] / 8); };
    double sum = std::exp(score(label)), nce = logistic_loss(score(label) - correction(label));
    double negative = logistic_loss(score(label));
    for (const std::int64_t sample : samples) {
      const auto k = static_cast<std::size_t>(sample);
      nce += logistic_loss(correction(k) - score(k));
      if (k == label) continue;
      sum += std::exp(score(k) - correction(k));
      negative += logistic_loss(-score(k));
    }
    expected[0].push_back(std::log(sum) - score(label));
    expected[1].push_back(nce);
    expected[2].push_back(negative);
  }
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& e = expected[i];
    EXPECT_TRUE(is_close(loss_of(kinds[i], p, tensor(samples), Reduction::none), {3}, e, 1e-13));
    const double total = e[0] + e[1] + e[2];
    EXPECT_TRUE(
        is_close(loss_of(kinds[i], p, tensor(samples), Reduction::sum), {}, {total}, 1e-13));
    EXPECT_TRUE(
        is_close(loss_of(kinds[i], p, tensor(samples), Reduction::mean), {}, {total / 3}, 1e-13));
  }
}

TEST(SampledLosses, HaveRightGradients) {
  for (const Kind kind : kinds) {
    for (const bool with_bias : {false, true}) {
      for (const bool sparse : {false, true}) {
        Problem p(with_bias);
        p.options.sparse = sparse;
        EXPECT_TRUE(passes_gradcheck(
            [&](const std::vector<Tensor>&) {
              return loss_of(kind, p, tensor({2, 3, 2, 0}), Reduction::none);
            },
            p.leaves()));
      }
    }
  }
}

/// Calls f(samples, probability) for all draws of two samples.
void for_all_draws(const std::function<void(const Tensor&, double)>& f) {
  for (std::int64_t a = 0; a < V; ++a) {
    for (std::int64_t b = 0; b < V; ++b) {
      f(tensor({a, b}),
        weights[static_cast<std::size_t>(a)] * weights[static_cast<std::size_t>(b)] / (8.0 * 8.0));
    }
  }
}

// Over all draws, the mean of the estimated partition function is the true one.
TEST(SampledSoftmaxLoss, EstimatesThePartitionFunctionWithoutBias) {
  const Problem p;
  const NoGradGuard no_grad;
  const auto labels = values_of(p.label_scores());
  std::vector<double> mean(3, 0);
  for_all_draws([&](const Tensor& samples, double probability) {
    const auto losses = values_of(loss_of(Kind::softmax, p, samples, Reduction::none));
    for (std::size_t n = 0; n < 3; ++n) mean[n] += probability * std::exp(losses[n] + labels[n]);
  });
  EXPECT_TRUE(is_close(sum(exp(p.scores()), 1), {3}, mean, 1e-12));
}

/// The gradients of all leaves, one after the other.
std::vector<double> gradients_of(const Problem& p, const Tensor& loss) {
  loss.backward();
  std::vector<double> all;
  for (const Tensor& leaf : p.leaves()) {
    for (const double g : values_of(leaf.grad().to_dense())) all.push_back(g);
    leaf.clear_grad();
  }
  return all;
}

/// What the logistic losses are on average: each sample is class c with probability P(c).
Tensor expected_loss(Kind kind, const Problem& p, std::int64_t S) {
  const Tensor scores = p.scores(), P = tensor(weights) / 8;
  if (kind == Kind::nce) {
    const Tensor d = scores - unsqueeze(log(P * static_cast<double>(S)), 0);
    const Tensor label = select(gather(d, 1, unsqueeze(p.labels, 1)), 1, 0);
    return sum(softplus(-label)) + static_cast<double>(S) * sum(softplus(d) * unsqueeze(P, 0));
  }
  const Tensor other = 1 - one_hot(p.labels, V, DType::float64);
  return sum(softplus(-p.label_scores())) +
         static_cast<double>(S) * sum(softplus(scores) * other * unsqueeze(P, 0));
}

TEST(SampledLosses, HaveUnbiasedGradientsOverAllDraws) {
  for (const Kind kind : {Kind::nce, Kind::negative}) {
    const Problem p;
    std::vector<double> mean(static_cast<std::size_t>((N + V) * D + V), 0);
    for_all_draws([&](const Tensor& samples, double probability) {
      const auto g = gradients_of(p, loss_of(kind, p, samples, Reduction::sum));
      for (std::size_t i = 0; i < g.size(); ++i) mean[i] += probability * g[i];
    });
    const auto expected = gradients_of(p, expected_loss(kind, p, 2));
    for (std::size_t i = 0; i < mean.size(); ++i) EXPECT_NEAR(mean[i], expected[i], 1e-12) << i;
  }
}

/// The mean over draws of the sampler, and its standard error.
struct Estimate {
  Estimate(Kind kind, const Problem& p, std::int64_t S, int draws) {
    Generator generator(7);
    std::vector<double> squares;
    for (int i = 0; i < draws; ++i) {
      const auto g = gradients_of(p, loss_of(kind, p, p.sampler(S, generator), Reduction::sum));
      mean.resize(g.size());
      squares.resize(g.size());
      for (std::size_t k = 0; k < g.size(); ++k) {
        mean[k] += g[k] / draws;
        squares[k] += g[k] * g[k] / draws;
      }
    }
    for (std::size_t k = 0; k < mean.size(); ++k) {
      error.push_back(std::sqrt(std::max(0.0, squares[k] - mean[k] * mean[k]) / draws));
    }
  }
  std::vector<double> mean, error;
};

TEST(SampledLosses, HaveUnbiasedGradientsOverManyDraws) {
  for (const Kind kind : {Kind::nce, Kind::negative}) {
    const Problem p;
    const Estimate estimate(kind, p, 5, 2000);
    const auto expected = gradients_of(p, expected_loss(kind, p, 5));
    for (std::size_t k = 0; k < expected.size(); ++k) {
      EXPECT_GT(estimate.error[k], 0);
      EXPECT_LT(std::abs(estimate.mean[k] - expected[k]), 4.5 * estimate.error[k]) << k;
    }
  }
}

// The logarithm of an unbiased estimate is biased, but less so with more samples.
TEST(SampledSoftmaxLoss, ApproachesTheFullSoftmaxWithMoreSamples) {
  const Problem p;
  const auto expected =
      gradients_of(p, cross_entropy(p.scores(), p.labels, {.reduction = Reduction::sum}));
  const Estimate estimate(Kind::softmax, p, 4000, 100);
  double few_error = 0, many_error = 0;
  const Estimate few(Kind::softmax, p, 3, 2000);
  for (std::size_t k = 0; k < expected.size(); ++k) {
    EXPECT_LT(std::abs(estimate.mean[k] - expected[k]), 4.5 * estimate.error[k] + 1e-3) << k;
    EXPECT_LT(estimate.error[k], 0.01);
    few_error = std::max(few_error, std::abs(few.mean[k] - expected[k]));
    many_error = std::max(many_error, std::abs(estimate.mean[k] - expected[k]));
  }
  EXPECT_GT(few_error, 10 * many_error);
}

TEST(SampledLosses, HaveSparseGradientsForBothTables) {
  for (const Kind kind : kinds) {
    Problem p(false);
    const Tensor table = random_leaf({50, D}, 5);
    p.options.sparse = true;
    p.x = embedding(table, tensor({7, 7, 40}), {.sparse = true});
    loss_of(kind, p, tensor({2, 3}), Reduction::sum).backward();
    ASSERT_TRUE(table.grad().is_sparse() && p.weight.grad().is_sparse());
    EXPECT_TRUE(has_values(table.grad().sparse().coalesce().ids(), {2}, {7, 40}));
    EXPECT_TRUE(has_values(p.weight.grad().sparse().coalesce().ids(), {3}, {0, 2, 3}));
    const auto sparse = values_of(p.weight.grad().to_dense());
    p.weight.clear_grad();
    p.options.sparse = false;
    p.x = frozen(p.x.detach());
    loss_of(kind, p, tensor({2, 3}), Reduction::sum).backward();
    EXPECT_TRUE(is_close(p.weight.grad().dense(), {V, D}, sparse, 1e-14));
  }
}

TEST(SampledLosses, OfNothingAreZero) {
  for (const Kind kind : kinds) {
    Problem p;
    p.x = zeros({0, D}, DType::float64).set_trainable(true);
    p.labels = zeros({0}, DType::int64);
    for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
      const Tensor loss = loss_of(kind, p, tensor({2, 3}), reduction);
      EXPECT_TRUE(has_values(loss, {}, {0}));
      loss.backward();
      for (const double g : gradient_of(p.weight)) EXPECT_EQ(g, 0);
    }
  }
  const Problem p;  // no sample: the label is certain, or alone
  const Tensor none = zeros({0}, DType::int64);
  EXPECT_TRUE(has_values(loss_of(Kind::softmax, p, none, Reduction::none), {3}, {0, 0, 0}));
  EXPECT_TRUE(is_close(loss_of(Kind::negative, p, none, Reduction::none), {3},
                       values_of(softplus(-p.label_scores())), 1e-15));
}

// As long as log(1 + exp(-score)) is not lost in rounding.
TEST(SampledLosses, KeepTheDigitsOfLargeScores) {
  const Tensor x = tensor({21.0}, {1, 1}), weight = tensor({-1.0, 1.0}, {2, 1});
  const Tensor label = tensor({0}), sample = tensor({1});
  const double rest = std::log1p(std::exp(-21.0));
  EXPECT_NEAR(negative_sampling_loss(x, weight, label, sample).item(), 2 * (21 + rest), 1e-13);
  const ClassSampler sampler(std::vector<double>{1, 1});  // corrects by log(1 / 2)
  const auto loss = [](double score) { return -score + std::log1p(std::exp(score)); };
  EXPECT_NEAR(nce_loss(x, weight, label, sample, sampler).item(),
              loss(-21 + std::log(2.0)) + loss(-21 - std::log(2.0)), 1e-13);
}

TEST(ClassSampler, KnowsItsProbabilities) {
  const ClassSampler zipf = ClassSampler::log_uniform(5);
  const Tensor all = arange(5);
  std::vector<double> expected;
  expected.reserve(5);
  for (int k = 0; k < 5; ++k)
    expected.push_back(std::log(std::log((k + 2.0) / (k + 1)) / std::log(6)));
  EXPECT_TRUE(is_close(zipf.log_probabilities(all, DType::float64), {5}, expected, 1e-14));
  EXPECT_NEAR(sum(exp(zipf.log_probabilities(all, DType::float64))).item(), 1, 1e-14);
  const std::vector<std::int64_t> counts{16, 0, 81};
  const ClassSampler words = ClassSampler::from_counts(counts);
  EXPECT_TRUE(is_close(words.log_probabilities(arange(3), DType::float64), {3},
                       {std::log(8.0 / 35), -infinity, std::log(27.0 / 35)}, 1e-14));
  EXPECT_EQ(words.log_probabilities(tensor({{0, 2}})).dtype(), DType::float32);
}

TEST(ClassSampler, DrawsClassesAsOftenAsItSays) {
  const ClassSampler sampler(weights);
  Generator generator(3);
  const Tensor drawn = sampler(80000, generator);
  std::vector<double> counts(4, 0);
  for (const std::int64_t k : drawn.span<std::int64_t>()) ++counts[static_cast<std::size_t>(k)];
  for (std::size_t k = 0; k < 4; ++k) {
    const double p = weights[k] / 8;
    EXPECT_NEAR(counts[k], 80000 * p, 4.5 * std::sqrt(80000 * p * (1 - p))) << k;
  }
}

TEST(ClassSampler, DrawsAreThoseOfTheGenerator) {
  const ClassSampler sampler = ClassSampler::log_uniform(1000);
  Generator a(5), b(5), c(6);
  EXPECT_EQ(values_of(sampler(50, a)), values_of(sampler(50, b)));
  EXPECT_NE(values_of(sampler(50, a)), values_of(sampler(50, c)));
  EXPECT_EQ(sampler(0, a).numel(), 0);
}

TEST(ClassSampler, BrokenInput) {
  const std::vector<double> negative{1, -2}, nothing{0, 0};
  EXPECT_ERROR(ClassSampler{negative}, ValueError,
               "ClassSampler: the weight -2 of class 1 must be finite and not negative");
  EXPECT_ERROR(ClassSampler{nothing}, ValueError,
               "ClassSampler: the sum of 2 weights is 0, it must be finite and above 0");
  EXPECT_THROW(ClassSampler(std::vector<double>{}), ValueError);
  EXPECT_THROW(ClassSampler(std::vector<double>{infinity}), ValueError);
  EXPECT_ERROR(ClassSampler::log_uniform(0), ValueError,
               "ClassSampler: classes is 0, it must be at least 1");
  EXPECT_ERROR(ClassSampler::from_counts(std::vector<std::int64_t>{3, -1}), ValueError,
               "ClassSampler: the count -1 of class 1 is negative");
  const ClassSampler sampler(weights);
  EXPECT_ERROR(sampler(-1), ValueError, "ClassSampler: n is -1, it cannot be negative");
  EXPECT_ERROR(sampler.log_probabilities(tensor({0, 4})), IndexError,
               "ClassSampler: index 4 at position [1] is outside [0, 4)");
}

TEST(SampledLosses, BrokenInput) {
  const Tensor x = zeros({3, 2}), weight = zeros({4, 2}), labels = tensor({0, 1, 2});
  const Tensor samples = tensor({0, 3});
  EXPECT_ERROR(negative_sampling_loss(zeros({3, 5}), weight, labels, samples), ShapeError,
               "negative_sampling_loss: x is [3, 5], weight is [4, 2]: they must be [N, D] and "
               "[classes, D]");
  EXPECT_ERROR(negative_sampling_loss(x, weight, tensor({0, 1}), samples), ShapeError,
               "negative_sampling_loss: x is [3, 2], labels are [2], samples [2]: labels must be "
               "[N], samples [S]");
  EXPECT_ERROR(negative_sampling_loss(x, weight, tensor({0, 4, 0}), samples), IndexError,
               "negative_sampling_loss: labels: index 4 at position [1] is outside [0, 4)");
  EXPECT_ERROR(negative_sampling_loss(x, weight, labels, tensor({-1})), IndexError,
               "negative_sampling_loss: samples: index -1 at position [0] is outside [0, 4)");
  EXPECT_ERROR(negative_sampling_loss(x, weight, labels, samples, {.bias = zeros({3})}), ShapeError,
               "negative_sampling_loss: bias is [3], it must be [4], as weight is [4, 2]");
  EXPECT_ERROR(negative_sampling_loss(x, zeros({4, 2}, DType::float64), labels, samples),
               DTypeError,
               "negative_sampling_loss: dtypes differ: x is float32, weight is float64: convert "
               "one with to()");
  EXPECT_ERROR(
      negative_sampling_loss(x, weight, labels, samples, {.bias = zeros({4}, DType::float64)}),
      DTypeError,
      "negative_sampling_loss: dtypes differ: x is float32, bias is float64: convert one "
      "with to()");
  EXPECT_THROW(negative_sampling_loss(x, weight, zeros({3}), samples), DTypeError);
  EXPECT_ERROR(nce_loss(x, weight, labels, samples, ClassSampler::log_uniform(5)), ValueError,
               "nce_loss: the sampler has 5 classes, weight is [4, 2]");
  EXPECT_ERROR(nce_loss(x, weight, labels, zeros({0}, DType::int64), ClassSampler::log_uniform(4)),
               ValueError, "nce_loss: there are no samples, from which to tell the labels");
  const ClassSampler never(std::vector<double>{1, 1, 0, 1});
  EXPECT_ERROR(nce_loss(x, weight, labels, samples, never), ValueError,
               "nce_loss: the sampler never draws class 2, so there is no correction for it: give "
               "it a weight above 0");
  EXPECT_NO_THROW(sampled_softmax_loss(x, weight, labels, samples, never));
  EXPECT_THROW(sampled_softmax_loss(x, weight, labels, tensor({2}), never), ValueError);
}

}  // namespace
}  // namespace gradus
