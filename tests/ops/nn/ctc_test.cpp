#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/ctc.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace gradus {
namespace {

using Labels = std::vector<std::int64_t>;

Labels collapsed(const Labels& steps, std::int64_t blank) {
  Labels result;
  for (std::size_t t = 0; t < steps.size(); ++t) {
    if (steps[t] != blank && (t == 0 || steps[t] != steps[t - 1])) result.push_back(steps[t]);
  }
  return result;
}

/// Calls f(labels) for all lists of `length` labels below C.
template <class F>
void for_all(std::int64_t C, std::size_t length, F f) {
  Labels y(length, 0);
  for (;;) {
    f(y);
    std::size_t t = 0;
    while (t < y.size() && ++y[t] == C) y[t++] = 0;
    if (t == y.size()) return;
  }
}

/// The probability of each target of logits [T, C], over all alignments.
std::map<Labels, double> all_targets(const Tensor& logits, std::int64_t blank) {
  const NoGradGuard no_grad;
  const auto p = values_of(softmax(logits, 1));
  const std::int64_t T = logits.size(0), C = logits.size(1);
  std::map<Labels, double> targets;
  for_all(C, static_cast<std::size_t>(T), [&](const Labels& steps) {
    double product = 1;
    for (std::size_t t = 0; t < steps.size(); ++t) {
      product *= p[t * static_cast<std::size_t>(C) + static_cast<std::size_t>(steps[t])];
    }
    targets[collapsed(steps, blank)] += product;
  });
  return targets;
}

Tensor logits_of(std::int64_t B, std::int64_t T, std::int64_t C, std::uint64_t seed = 1) {
  return frozen(random_leaf({B, T, C}, seed));
}

TEST(OpCtcLoss, KnownValuesOfAllTargets) {
  for (std::int64_t T = 1; T <= 5; ++T) {
    for (std::int64_t C = 2; C <= 4; ++C) {
      for (std::int64_t blank = 0; blank < C; ++blank) {
        SCOPED_TRACE(testing::Message() << T << " steps, " << C << " classes, blank " << blank);
        const Tensor x = logits_of(1, T, C);
        const auto expected = all_targets(x[0], blank);
        double total = 0;
        for (std::int64_t S = 0; S <= T + 1; ++S) {
          for_all(C, static_cast<std::size_t>(S), [&](const Labels& y) {
            if (std::find(y.begin(), y.end(), blank) != y.end()) return;
            const double loss =
                ctc_loss(x, tensor(y, {1, S}), {.blank = blank, .reduction = Reduction::sum})
                    .item();
            const auto found = expected.find(y);
            if (found == expected.end()) {
              EXPECT_EQ(loss, infinity);
            } else {
              EXPECT_NEAR(loss, -std::log(found->second), 1e-12);
            }
            total += std::exp(-loss);
          });
        }
        EXPECT_NEAR(total, 1, 1e-12);
      }
    }
  }
}

TEST(OpCtcLoss, KnownValuesOfARepeat) {
  // Each class has the probability 1/2. "1 1" needs a blank between: one alignment in 3 steps.
  const Tensor x = zeros({1, 3, 2}, DType::float64);
  const auto loss = [&](const Tensor& target) {
    return ctc_loss(x, target, {.reduction = Reduction::none});
  };
  EXPECT_TRUE(is_close(loss(tensor({1, 1}, {1, 2})), {1}, {std::log(8)}, 1e-15));
  EXPECT_TRUE(is_close(loss(tensor({1}, {1, 1})), {1}, {std::log(8.0 / 6)}, 1e-15));
  EXPECT_TRUE(is_close(loss(zeros({1, 0}, DType::int64)), {1}, {std::log(8)}, 1e-15));
  EXPECT_TRUE(has_values(loss(tensor({1, 1, 1}, {1, 3})), {1}, {infinity}));
}

TEST(OpCtcLoss, KnownValuesOfReductions) {
  const Tensor x = logits_of(4, 6, 3),
               targets = tensor({1, 2, 1, 2, 2, 9, 9, 9, 9, 1, 9, 9}, {4, 3});
  CtcOptions options{.target_lengths = tensor({3, 2, 0, 1}), .reduction = Reduction::none};
  const auto losses = values_of(ctc_loss(x, targets, options));
  options.reduction = Reduction::sum;
  EXPECT_NEAR(ctc_loss(x, targets, options).item(), losses[0] + losses[1] + losses[2] + losses[3],
              1e-12);
  options.reduction = Reduction::mean;
  EXPECT_NEAR(ctc_loss(x, targets, options).item(),
              (losses[0] / 3 + losses[1] / 2 + losses[2] + losses[3]) / 4, 1e-12);
}

/// The number of alignments of L distinct labels in T steps is T + L over 2 L.
double log_alignments(double T, double L) {
  return std::lgamma(T + L + 1) - std::lgamma(2 * L + 1) - std::lgamma(T - L + 1);
}

TEST(OpCtcLoss, KnownValuesOfTenThousandSteps) {
  const std::int64_t T = 10000, C = 50, L = 40;
  Labels labels;
  for (std::int64_t s = 0; s < L; ++s) labels.push_back(s + 1);
  const double expected = static_cast<double>(T) * std::log(50.0) - log_alignments(10000, 40);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = full({1, T, C}, 3, dtype).set_trainable(true);
    const Tensor loss = ctc_loss(x, tensor(labels, {1, L}), {.reduction = Reduction::sum});
    EXPECT_TRUE(is_close(loss, {}, {expected}, dtype == DType::float32 ? 1e-7 : 1e-10));
    loss.backward();
    // Symmetric in time with the order of the labels; the sum over classes of a step is 0.
    const auto g = values_of(sum(x.grad().dense(), 2));
    for (const double v : g) ASSERT_NEAR(v, 0, 1e-6);
    const Tensor d = x.grad().dense()[0];
    for (std::int64_t t = 0; t < T; t += 97) {
      for (const std::int64_t s : {0, 1, 2, 20, 40}) {
        const std::int64_t mirrored = s == 0 ? 0 : L + 1 - s;
        ASSERT_NEAR(d[t][s].item(), d[T - 1 - t][mirrored].item(), 1e-6);
      }
      ASSERT_NEAR(d[t][45].item(), 1 / 50.0, 1e-8);  // in no target
    }
  }
}

// Alignments whose probability is below the smallest double.
TEST(OpCtcLoss, KnownValuesOfImprobableLabels) {
  const std::int64_t T = 60, L = 30;
  const double gap = 40;  // a label is exp(-40) times as probable as the blank
  Labels labels;
  std::vector<double> x;
  for (std::int64_t s = 0; s < L; ++s) labels.push_back(1 + s % 2);
  for (std::int64_t t = 0; t < T; ++t) x.insert(x.end(), {gap, 0, 0});
  // Over the number n of steps with labels, of which each label has at least one: the alignments
  // are those of n steps in L runs, times the places of T - n blanks between and around them.
  const auto log_choose = [](double n, double k) {
    return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
  };
  double sum = 0;
  for (std::int64_t n = L; n <= T; ++n) {
    const auto steps = static_cast<double>(n), runs = static_cast<double>(L);
    sum += std::exp(log_choose(steps - 1, runs - 1) +
                    log_choose(static_cast<double>(T) - steps + runs, runs) - gap * (steps - runs));
  }
  const double log_p = std::log(sum) - gap * static_cast<double>(L) -
                       static_cast<double>(T) * std::log1p(2 * std::exp(-gap));
  const Tensor loss =
      ctc_loss(tensor(x, {1, T, 3}), tensor(labels, {1, L}), {.reduction = Reduction::sum});
  EXPECT_TRUE(is_close(loss, {}, {-log_p}, 1e-13));
}

TEST(OpCtcLoss, KnownValuesOfImpossibleTargets) {
  const Tensor x = logits_of(4, 4, 3).set_trainable(true);
  const Tensor targets = tensor({1, 1, 2, 1, 2, 1, 1, 2, 0, 1, 2, 0}, {4, 3});
  const Tensor lengths = tensor({3, 4, 4, 0}), target_lengths = tensor({3, 3, 2, 2});
  for (const bool zero : {false, true}) {
    const CtcOptions options{.lengths = lengths,
                             .target_lengths = target_lengths,
                             .reduction = Reduction::none,
                             .zero_infinity = zero};
    const Tensor y = ctc_loss(x, targets, options);
    const auto losses = values_of(y);
    EXPECT_EQ(losses[0], zero ? 0 : infinity);  // 1 1 2 needs 4 steps
    EXPECT_TRUE(std::isfinite(losses[1]) && std::isfinite(losses[2]));
    EXPECT_EQ(losses[3], zero ? 0 : infinity);
    sum(y).backward();
    const Tensor d = x.grad().dense();
    for (const std::int64_t b : {0, 3}) {
      for (const double v : values_of(d[b])) EXPECT_EQ(v, 0);
    }
    EXPECT_GT(sum(d[1] * d[1]).item(), 0.1);
    x.clear_grad();
    CtcOptions mean = options;
    mean.reduction = Reduction::mean;
    const Tensor loss = ctc_loss(x, targets, mean);
    EXPECT_EQ(std::isinf(loss.item()), !zero);
    loss.backward();
    for (const double v : values_of(x.grad().dense())) EXPECT_TRUE(std::isfinite(v));
    x.clear_grad();
  }
}

TEST(OpCtcLoss, KnownValuesOfEmptyInput) {
  const auto none = [](const Tensor& x, const Tensor& targets, const CtcOptions& options = {}) {
    return ctc_loss(x, targets, {.lengths = options.lengths, .reduction = Reduction::none});
  };
  const Tensor no_labels = zeros({2, 0}, DType::int64);
  EXPECT_TRUE(has_values(none(zeros({2, 0, 3}), no_labels), {2}, {0, 0}));
  EXPECT_TRUE(
      has_values(none(zeros({2, 4, 3}), no_labels, {.lengths = tensor({0, 0})}), {2}, {0, 0}));
  EXPECT_TRUE(has_values(none(zeros({0, 4, 3}), zeros({0, 2}, DType::int64)), {0}, {}));
  const Tensor x = zeros({0, 4, 3}).set_trainable(true);
  const Tensor loss = ctc_loss(x, zeros({0, 2}, DType::int64));
  EXPECT_TRUE(has_values(loss, {}, {0}));
  loss.backward();
  EXPECT_EQ(x.grad().dense().shape(), x.shape());
  EXPECT_TRUE(has_values(none(zeros({1, 3, 1}), zeros({1, 0}, DType::int64)), {1}, {0}));  // blank
}

TEST(OpCtcLoss, KnownValuesOfExtremeLogits) {
  const Tensor target = tensor({1}, {1, 1});
  const auto check = [&](const std::vector<double>& values, double expected, double tolerance) {
    const Tensor x = leaf(values, {1, 2, 3});
    const Tensor loss = ctc_loss(x, target, {.reduction = Reduction::sum});
    EXPECT_TRUE(is_close(loss, {}, {expected}, tolerance));
    loss.backward();
    for (const double v : gradient_of(x)) EXPECT_TRUE(std::isfinite(v));
  };
  // The best alignment has both steps wrong, or one of them.
  check({1e4, -1e4, 0, 1e4, 0, 0}, 1e4, 1e-12);
  check({0, 1e4, -1e4, 1e4, 0, 0}, 0, 1e-15);
  check({-infinity, 0, -infinity, 0, 0, -infinity}, 0, 1e-15);
  check({0, -infinity, 0, 0, -infinity, 0}, infinity, 0);
  check({-infinity, -infinity, -infinity, 0, 0, 0}, infinity, 0);
}

TEST(OpCtcLoss, KnownValuesKeepNanInItsSequence) {
  const Tensor x = logits_of(2, 4, 3).set_trainable(true);
  {
    const NoGradGuard no_grad;
    x.mutable_data<double>()[5] = not_a_number;
  }
  const Tensor y = ctc_loss(x, tensor({1, 2}, {2, 1}), {.reduction = Reduction::none});
  EXPECT_TRUE(std::isnan(values_of(y)[0]) && std::isfinite(values_of(y)[1]));
  sum(y).backward();
  const Tensor d = x.grad().dense();
  EXPECT_TRUE(std::isnan(values_of(d)[0]));
  for (const double v : values_of(d[1])) EXPECT_TRUE(std::isfinite(v));
}

TEST(OpCtcLoss, KnownValuesDoNotDependOnThePadding) {
  std::vector<std::vector<double>> seen;
  for (const double padding : {1.0, not_a_number}) {
    const Tensor x = logits_of(3, 5, 3);
    double* values = x.mutable_data<double>();
    std::fill(values + 9, values + 15, padding);
    std::fill(values + 15 + 12, values + 30, padding);
    x.set_trainable(true);
    const int pad = padding == 1 ? 0 : -7;
    const Tensor targets = tensor({1, pad, pad, 1, 2, pad, 2, 1, 2}, {3, 3});
    const Tensor lengths = tensor({3, 4, 5});
    const Tensor y =
        ctc_loss(x, targets, {.lengths = lengths, .target_lengths = tensor({1, 2, 3})});
    y.backward();
    seen.push_back(values_of(y));
    for (const double v : gradient_of(x)) seen.back().push_back(v);
    for (const CtcPaths& paths : {ctc_greedy_decode(x, {.lengths = lengths}),
                                  ctc_beam_decode(x, 5, 2, {.lengths = lengths})}) {
      for (const Tensor& t : {paths.labels, paths.lengths, paths.scores}) {
        for (const double v : values_of(t)) seen.back().push_back(v);
      }
    }
  }
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(OpCtcLoss, KnownValuesAreThoseOfLogProbabilities) {
  const Tensor x = logits_of(2, 6, 4), targets = tensor({1, 3, 2, 2}, {2, 2});
  std::vector<Tensor> leaves{x.clone().set_trainable(true), x.clone().set_trainable(true)};
  const Tensor a = ctc_loss(leaves[0], targets), b = ctc_loss(log_softmax(leaves[1], 2), targets);
  EXPECT_NEAR(a.item(), b.item(), 1e-14);
  a.backward();
  b.backward();
  EXPECT_TRUE(is_close(leaves[0].grad().dense(), x.shape(), gradient_of(leaves[1]), 1e-14));
}

const std::function<Tensor(const Inputs&)> with_lengths = [](const Inputs& in) {
  return ctc_loss(in[0], tensor({1, 2, 1, 2, 2, 9, 9, 9, 9}, {3, 3}),
                  {.lengths = tensor({5, 6, 2}), .target_lengths = tensor({3, 2, 0})});
};
const std::function<Tensor(const Inputs&)> each_loss = [](const Inputs& in) {
  return ctc_loss(in[0], tensor({0, 1, 1, 0, 1, 1}, {3, 2}),
                  {.blank = 2, .reduction = Reduction::none});
};
const std::function<Tensor(const Inputs&)> impossible = [](const Inputs& in) {
  return ctc_loss(in[0], tensor({1, 2, 1, 2, 1, 1, 1, 1}, {2, 4}),
                  {.reduction = Reduction::sum, .zero_infinity = true});
};
const OpCases cases{
    OpCase{"ctc_loss", "lengths", leaves({{3, 6, 4}}), with_lengths},
    OpCase{"ctc_loss", "no reduction", leaves({{3, 6, 3}}), each_loss},
    OpCase{"ctc_loss", "a target that cannot be", leaves({{2, 5, 3}}), impossible},
};

TEST(OpCtcLoss, Gradient) {
  EXPECT_TRUE(passes_gradcheck(with_lengths, leaves({{3, 6, 4}})()));
  EXPECT_TRUE(passes_gradcheck(each_loss, leaves({{3, 6, 3}})()));
  EXPECT_TRUE(passes_gradcheck(impossible, leaves({{2, 5, 3}})()));
  for (std::int64_t C = 2; C < 20; C += 3) {
    for (std::int64_t S = 0; S < 9; ++S) {
      Labels labels;
      for (std::int64_t s = 0; s < S; ++s) labels.push_back(s * 5 % (C - 1) / 2);
      EXPECT_TRUE(passes_gradcheck(
          [&](const Inputs& in) {
            return ctc_loss(in[0], tensor(labels, {1, S}), {.blank = C - 1});
          },
          {random_leaf({1, 18, C}, static_cast<std::uint64_t>(C))}))
          << C << " classes, " << S << " labels";
    }
  }
}

TEST(OpCtcLoss, TheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  const Tensor x = logits_of(9, 30, 12).to(DType::float32).set_trainable(true);
  const Tensor targets = randint(1, 12, {9, 10});
  std::vector<std::vector<double>> first;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    set_parallel_grain(threads == 1 ? detail::default_parallel_grain : 1);
    const Tensor y = ctc_loss(x, targets, {.reduction = Reduction::none});
    sum(y).backward();
    const std::vector<std::vector<double>> bits{values_of(y), gradient_of(x),
                                                values_of(ctc_beam_decode(x, 6, 3).labels),
                                                values_of(ctc_greedy_decode(x).scores)};
    x.clear_grad();
    if (threads == 1) first = bits;
    EXPECT_EQ(bits, first) << threads;
  }
}

// Decoding
TEST(CtcGreedyDecode, MergesRepeatsAndRemovesBlanks) {
  const Labels steps{0, 1, 1, 0, 1, 2, 2, 0, 0};
  const Tensor x = zeros({1, 9, 3});
  for (std::int64_t t = 0; t < 9; ++t) {
    x.mutable_data<float>()[t * 3 + steps[static_cast<std::size_t>(t)]] = 2;
  }
  const CtcPaths paths = ctc_greedy_decode(x);
  EXPECT_TRUE(has_values(paths.labels, {1, 9}, {1, 1, 2, 0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(has_values(paths.lengths, {1}, {3}));
  EXPECT_TRUE(is_close(paths.scores, {1}, {9 * (2 - std::log(std::exp(2) + 2))}, 1e-6));
  // With blank 1, what is left is 0, 0, 2, 0.
  const CtcPaths other = ctc_greedy_decode(x, {.blank = 1});
  EXPECT_TRUE(has_values(other.labels, {1, 9}, {0, 0, 2, 0, 1, 1, 1, 1, 1}));
  const CtcPaths part = ctc_greedy_decode(x, {.lengths = tensor({4})});
  EXPECT_TRUE(has_values(part.labels, {1, 9}, {1, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(CtcBeamDecode, FindsTheBestOfAllTargets) {
  for (std::int64_t T = 1; T <= 5; ++T) {
    for (std::int64_t blank = 0; blank < 3; ++blank) {
      SCOPED_TRACE(testing::Message() << T << " steps, blank " << blank);
      const std::int64_t B = 3, n = 40, width = 400;
      const Tensor x = logits_of(B, T, 3, static_cast<std::uint64_t>(T));
      const CtcPaths paths = ctc_beam_decode(x, width, n, {.blank = blank});
      for (std::int64_t b = 0; b < B; ++b) {
        const auto all = all_targets(x[b], blank);
        std::vector<std::pair<double, Labels>> order;
        order.reserve(all.size());
        for (const auto& [labels, p] : all) order.emplace_back(-p, labels);
        std::sort(order.begin(), order.end());
        for (std::int64_t r = 0; r < n; ++r) {
          const bool there = r < static_cast<std::int64_t>(order.size());
          const auto& [minus_p, labels] = order[there ? static_cast<std::size_t>(r) : 0];
          const auto length = static_cast<std::int64_t>(labels.size());
          EXPECT_EQ(paths.lengths[b][r].item<std::int64_t>(), there ? length : 0);
          Labels row(static_cast<std::size_t>(T), blank);
          if (there) std::copy(labels.begin(), labels.end(), row.begin());
          EXPECT_TRUE(has_values(paths.labels[b][r], {T}, {row.begin(), row.end()}));
          const double score = paths.scores[b][r].item();
          if (there) {
            EXPECT_NEAR(score, std::log(-minus_p), 1e-12);
          } else {
            EXPECT_EQ(score, -infinity);
          }
        }
      }
    }
  }
}

// The most probable steps are all blanks; but most alignments give 1.
TEST(CtcBeamDecode, AddsUpTheAlignmentsOfATarget) {
  const Tensor x = tensor({0.6, 0.4, 0.6, 0.4}, {1, 2, 2});
  const Tensor logits = log(x);
  EXPECT_TRUE(has_values(ctc_greedy_decode(logits).lengths, {1}, {0}));
  const CtcPaths paths = ctc_beam_decode(logits, 4, 2);
  EXPECT_TRUE(has_values(paths.labels, {1, 2, 2}, {1, 0, 0, 0}));
  EXPECT_TRUE(is_close(paths.scores, {1, 2}, {std::log(0.64), std::log(0.36)}, 1e-12));
}

TEST(CtcBeamDecode, FindsNoMoreThanTheLossSays) {
  const Tensor x = logits_of(4, 40, 6);
  const CtcPaths paths = ctc_beam_decode(x, 20);
  for (std::int64_t b = 0; b < 4; ++b) {
    const std::int64_t length = paths.lengths[b].item<std::int64_t>();
    const Tensor target = slice(paths.labels[b], 1, 0, length);
    const double loss =
        ctc_loss(slice(x, 0, b, b + 1), target, {.reduction = Reduction::sum}).item();
    const double score = paths.scores[b].item();
    EXPECT_LE(score, -loss + 1e-12);
    EXPECT_GT(score, -loss - 5);
  }
}

TEST(CtcBeamDecode, OfNoStepsIsEmpty) {
  const CtcPaths paths = ctc_beam_decode(zeros({2, 0, 3}), 4, 2);
  EXPECT_EQ(paths.labels.shape(), (Shape{2, 2, 0}));
  EXPECT_TRUE(has_values(paths.lengths, {2, 2}, {0, 0, 0, 0}));
  EXPECT_TRUE(has_values(paths.scores, {2, 2}, {0, -infinity, 0, -infinity}));
}

TEST(OpCtcLoss, BrokenInput) {
  const Tensor x = zeros({2, 4, 3}), y = tensor({1, 2, 2, 1}, {2, 2});
  EXPECT_ERROR(ctc_loss(zeros({4, 3}), y), ShapeError,
               "ctc_loss: logits are [4, 3], they must be 3-D [batch, time, classes]: transpose() "
               "swaps axes");
  EXPECT_THROW(ctc_loss(zeros({2, 4, 3}, DType::int64), y), DTypeError);
  EXPECT_ERROR(ctc_loss(x, y, {.blank = 3}), IndexError,
               "ctc_loss: blank 3 is outside [0, 3): logits are [2, 4, 3]");
  EXPECT_THROW(ctc_loss(x, y, {.blank = -1}), IndexError);
  EXPECT_THROW(ctc_loss(zeros({2, 4, 0}), zeros({2, 0}, DType::int64)), IndexError);
  EXPECT_ERROR(
      ctc_loss(x, tensor({1, 2})), ShapeError,
      "ctc_loss: targets are [2], logits are [2, 4, 3]: they must be [B, S] and [B, T, C]");
  EXPECT_THROW(ctc_loss(x, tensor({1, 2, 1}, {3, 1})), ShapeError);
  EXPECT_ERROR(ctc_loss(x, zeros({2, 2})), DTypeError,
               "ctc_loss: targets are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  EXPECT_ERROR(ctc_loss(x, tensor({1, 3, 2, 1}, {2, 2})), IndexError,
               "ctc_loss: label 3 at position [0, 1] is outside [0, 3)");
  EXPECT_ERROR(ctc_loss(x, tensor({1, 2, 0, 1}, {2, 2})), ValueError,
               "ctc_loss: label 0 at position [1, 0] is the blank: give the length of the target "
               "as target_lengths, or choose another blank");
  EXPECT_ERROR(ctc_loss(x, y, {.lengths = tensor({4, 5})}), IndexError,
               "ctc_loss: length 5 at position [1] is outside [0, 4]: logits are [2, 4, 3]");
  EXPECT_ERROR(ctc_loss(x, y, {.target_lengths = tensor({-1, 2})}), IndexError,
               "ctc_loss: target_lengths: length -1 at position [0] is outside [0, 2]: targets are "
               "[2, 2]");
  EXPECT_THROW(ctc_loss(x, y, {.target_lengths = tensor({1.0, 2.0})}), DTypeError);
  const std::int64_t huge = std::int64_t{1} << 61;
  EXPECT_THROW(ctc_loss(zeros({huge, 0, 2}), zeros({huge, 0}, DType::int64)), ShapeError);
}

TEST(CtcBeamDecode, BrokenInput) {
  EXPECT_ERROR(ctc_beam_decode(zeros({1, 2, 3}), 2, 3), ValueError,
               "ctc_beam_decode: n is 3, width is 2: n must be at least 1 and at most width");
  EXPECT_THROW(ctc_beam_decode(zeros({1, 2, 3}), 0, 0), ValueError);
  const Tensor x = tensor({0.0, 0.0, not_a_number, 0.0}, {1, 2, 2});
  EXPECT_ERROR(ctc_greedy_decode(x), ValueError, "ctc_greedy_decode: logit [0, 1, 0] is NaN");
  EXPECT_NO_THROW(ctc_greedy_decode(x, {.lengths = tensor({1})}));
  const Tensor certain = tensor({0.0, infinity, -infinity, 0.0}, {1, 2, 2});
  EXPECT_ERROR(ctc_greedy_decode(certain), ValueError,
               "ctc_greedy_decode: logit [0, 0, 1] is infinity");
  EXPECT_THROW(ctc_beam_decode(certain, 2), ValueError);
  EXPECT_NO_THROW(ctc_greedy_decode(tensor({0.0, -infinity}, {1, 1, 2})));
  EXPECT_THROW(ctc_greedy_decode(zeros({2, 3})), ShapeError);
  EXPECT_THROW(ctc_greedy_decode(zeros({std::int64_t{1} << 61, 0, 2})), ShapeError);
}

}  // namespace
}  // namespace gradus
