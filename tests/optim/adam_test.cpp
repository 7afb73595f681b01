#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sparse_adam.h>
#include <gtest/gtest.h>

#include <cmath>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::Pointwise;

// Values of PyTorch 1.13 in double.
TEST(Adam, FollowsTheTableOfKnownSteps) {
  EXPECT_THAT(three_steps<Adam>(AdamOptions{.lr = 0.1}),
              are(0.900000002, 0.9366103542, 0.8946447927));
  EXPECT_THAT(three_steps<Adam>(AdamOptions{.lr = 0.1, .weight_decay = 0.1}),
              are(0.9000000017, 0.9252635194, 0.8776172608));
  EXPECT_THAT(three_steps<Adam>(AdamOptions{.lr = 0.1, .betas = {0.9, 0.5}, .amsgrad = true}),
              are(0.900000002, 0.9334255435, 0.8990313768));
  EXPECT_THAT(three_steps<Adam>(AdamOptions{.lr = 0.1, .eps = 0.1}),
              are(0.9166666667, 0.9491666743, 0.9101494815));
}

TEST(AdamW, FollowsTheTableOfKnownSteps) {
  EXPECT_THAT(three_steps<AdamW>(AdamWOptions{.lr = 0.1, .weight_decay = 0.1}),
              are(0.890000002, 0.9177103542, 0.8665676892));
}

TEST(AdamW, DecaysByDefault) {
  const NamedParameter w = named("w", ones({1}, DType::float64));
  EXPECT_EQ(AdamW({w}).options().weight_decay, 0.01);
  EXPECT_EQ(Adam({w}).options().weight_decay, 0);
}

TEST(AdamW, ShrinksByLrTimesDecayWhereTheGradientIsZero) {
  const NamedParameter w = named("w", tensor({2.0, -4.0}));
  AdamW optimizer({w}, {.lr = 0.5, .weight_decay = 0.25});
  w.parameter.set_grad(zeros({2}, DType::float64));
  optimizer.step();
  EXPECT_THAT(values_of(w.parameter), ElementsAre(2.0 * 0.875, -4.0 * 0.875));  // 1 - 0.5 * 0.25
}

// The definition, element by element in double.
struct Oracle {
  explicit Oracle(const Tensor& start)
      : w(values_of(start)), m(w.size()), v(w.size()), most(w.size()) {}

  void step(std::size_t i, double g, int t, const AdamOptions& o, bool sparse) {
    g += o.weight_decay * w[i];
    m[i] = o.betas[0] * m[i] + (1 - o.betas[0]) * g;
    v[i] = o.betas[1] * v[i] + (1 - o.betas[1]) * g * g;
    most[i] = std::max(most[i], v[i]);
    const double correction1 = 1 - std::pow(o.betas[0], t),
                 correction2 = 1 - std::pow(o.betas[1], t);
    const double root = std::sqrt(o.amsgrad ? most[i] : v[i]);
    w[i] -= sparse ? o.lr * std::sqrt(correction2) / correction1 * m[i] / (root + o.eps)
                   : o.lr / correction1 * m[i] / (root / std::sqrt(correction2) + o.eps);
  }

  std::vector<double> w, m, v, most;
};

void expect_lazy_steps_as_defined(const AdamOptions& options) {
  const Shape shape{7, 3};
  const NamedParameter w = named("w", random_tensor(shape, 1));
  Oracle oracle(w.parameter);
  Adam optimizer({w}, options);
  const std::vector<std::vector<std::int64_t>> batches = {{5, 1, 5}, {0}, {}, {1, 6, 6, 6}, {5}};
  for (std::size_t step = 0; step < batches.size(); ++step) {
    const SparseGrad rows = random_rows(batches[step], shape, 10 + static_cast<unsigned>(step));
    const std::vector<double> g = values_of(rows.to_dense());
    for (std::size_t i = 0; i < g.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i / 3);
      const auto& ids = batches[step];
      if (std::find(ids.begin(), ids.end(), row) == ids.end()) continue;
      oracle.step(i, g[i], static_cast<int>(step) + 1, options, true);
    }
    w.parameter.set_grad(rows);
    optimizer.step();
    EXPECT_THAT(values_of(w.parameter), Pointwise(DoubleNear(1e-13), oracle.w)) << "step " << step;
  }
}

TEST(Adam, StepsLazilyAsSparseAdamDoes) {
  const ThreadsGuard guard;
  expect_lazy_steps_as_defined({.lr = 0.1, .lazy = true});
  set_parallel_grain(40);  // chunks of two rows
  expect_lazy_steps_as_defined({.lr = 0.1, .eps = 0.1, .lazy = true});
  expect_lazy_steps_as_defined({.lr = 0.1, .betas = {0.5, 0.6}, .amsgrad = true, .lazy = true});
}

TEST(SparseAdam, HasTheBitsOfLazyAdam) {
  const NamedParameter a = named("a", random_tensor({9, 5}, 1)), b = named("b", a.parameter);
  SparseAdam sparse({a}, {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.1, .maximize = true});
  Adam lazy({b}, {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.1, .lazy = true, .maximize = true});
  for (unsigned step = 0; step < 20; ++step) {
    const SparseGrad rows = random_rows({7, 2, 7, step % 9}, {9, 5}, 10 + step);
    a.parameter.set_grad(rows);
    b.parameter.set_grad(rows);
    sparse.step();
    lazy.step();
    EXPECT_TRUE(same_bytes(a.parameter, b.parameter)) << "step " << step;
  }
}

TEST(Adam, StepsAlikeWithACoalescedGradient) {
  const NamedParameter a = named("a", random_tensor<float>({40, 19}, 1));
  const NamedParameter b = named("b", a.parameter);
  Adam optimizer({a, b}, {.lr = 0.1, .lazy = true});
  std::vector<std::int64_t> ids;
  for (std::int64_t k = 0; k < 100; ++k) ids.push_back(k * k * 7 % 40);
  for (unsigned step = 0; step < 3; ++step) {
    const SparseGrad rows = random_rows<float>(ids, {40, 19}, 10 + step);
    a.parameter.set_grad(rows);
    b.parameter.set_grad(rows.coalesce());
    optimizer.step();
    EXPECT_TRUE(same_bytes(a.parameter, b.parameter)) << "step " << step;
  }
}

TEST(Adam, ServesBothKindsOfGradientWhenLazy) {
  const AdamOptions options{.lr = 0.1, .eps = 0.1, .lazy = true};
  const NamedParameter table = named("table", random_tensor({4, 2}, 1));
  const NamedParameter bias = named("bias", random_tensor({3}, 2));
  Oracle dense(bias.parameter), sparse(table.parameter);
  Adam optimizer({table, bias}, options);
  for (int t = 1; t <= 3; ++t) {
    const auto seed = static_cast<unsigned>(t);
    const SparseGrad rows = random_rows({2}, {4, 2}, seed);
    const Tensor g = random_tensor({3}, 10 + seed);
    table.parameter.set_grad(rows);
    bias.parameter.set_grad(g);
    optimizer.step();
    for (std::size_t i = 0; i < 3; ++i) dense.step(i, g.span<double>()[i], t, options, false);
    for (std::size_t i = 0; i < 2; ++i) {
      sparse.step(4 + i, rows.values().span<double>()[i], t, options, true);
    }
  }
  EXPECT_THAT(values_of(bias.parameter), Pointwise(DoubleNear(1e-13), dense.w));
  EXPECT_THAT(values_of(table.parameter), Pointwise(DoubleNear(1e-13), sparse.w));
}

TEST(Adam, LeavesRowsAloneThatALazyGradientLacks) {
  const NamedParameter w = named("w", random_tensor<float>({300, 9}, 3));
  Adam optimizer({w}, {.lazy = true});
  w.parameter.set_grad(random_rows<float>({7, 30, 7, 299}, {300, 9}, 4));
  optimizer.step();
  const Tensor before = w.parameter.clone();
  w.parameter.set_grad(random_rows<float>({30, 299}, {300, 9}, 5));  // row 7 has moments
  optimizer.step();
  for (std::size_t i = 0; i < before.span<float>().size(); ++i) {
    const bool touched = i / 9 == 30 || i / 9 == 299;
    EXPECT_EQ(w.parameter.span<float>()[i] != before.span<float>()[i], touched) << i;
  }
}

TEST(Adam, CountsAStepOfNoRows) {
  const NamedParameter w = named("w", ones({2, 1}, DType::float64));
  Adam optimizer({w}, {.lr = 0.1, .betas = {0.5, 0.5}, .eps = 0, .lazy = true});
  const Tensor start = w.parameter.clone();
  w.parameter.set_grad(SparseGrad(empty({0}, DType::int64), empty({0, 1}, DType::float64), {2, 1}));
  optimizer.step();
  EXPECT_TRUE(same_bytes(w.parameter, start));
  w.parameter.set_grad(SparseGrad(tensor({1}), tensor({3.0}, {1, 1}), {2, 1}));
  optimizer.step();
  // t = 2: m = 1.5, v = 4.5, both corrections 0.75.
  EXPECT_DOUBLE_EQ(w.parameter.span<double>()[1],
                   1 - 0.1 * std::sqrt(0.75) / 0.75 * 1.5 / std::sqrt(4.5));
}

TEST(Adam, RefusesSparseGradientsThatItCannotUse) {
  const NamedParameter bias = named("bias", ones({2}, DType::float64));
  const NamedParameter w = named("embedding.weight", ones({4, 2}, DType::float64));
  bias.parameter.set_grad(ones({2}, DType::float64));
  w.parameter.set_grad(random_rows({1}, {4, 2}, 7));
  Adam plain({bias, w});
  EXPECT_EQ(message_of<AutogradError>([&] { plain.step(); }),
            "Adam: .lazy is false and the gradient of embedding.weight is sparse: set .lazy = true "
            "to update its rows only, or make the gradient dense with .sparse = false");
  AdamW decaying({bias, w}, {.lazy = true});
  EXPECT_EQ(message_of<AutogradError>([&] { decaying.step(); }),
            "AdamW: weight_decay is 0.01 and the gradient of embedding.weight is sparse: put it "
            "into a group with .weight_decay = 0, or make the gradient dense with .sparse = false");
  EXPECT_THAT(values_of(bias.parameter), Each(1));
  EXPECT_THAT(values_of(w.parameter), Each(1));
  EXPECT_EQ(decaying.state_dict().size(), 0u);
}

TEST(Adam, RefusesOptionsOutOfRange) {
  const std::vector<NamedParameter> w = {named("w", ones({2}))};
  const auto message = [&](const AdamOptions& options) {
    return message_of<ValueError>([&] { Adam(w, options); });
  };
  EXPECT_EQ(message({.lr = -1}), "Adam: lr is -1, it must not be negative");
  EXPECT_EQ(message({.betas = {1, 0.9}}), "Adam: betas[0] is 1, it must be in [0, 1)");
  EXPECT_EQ(message({.betas = {0.9, -0.1}}), "Adam: betas[1] is -0.1, it must be in [0, 1)");
  EXPECT_EQ(message({.eps = -1e-8}), "Adam: eps is -1e-08, it must not be negative");
  EXPECT_EQ(message({.weight_decay = -1}), "Adam: weight_decay is -1, it must not be negative");
  EXPECT_EQ(message_of<ValueError>([&] { AdamW(w, {.lr = -1}); }),
            "AdamW: lr is -1, it must not be negative");
}

TEST(Adam, KeepsTwoEqualParametersEqual) {
  const NamedParameter a = named("a", random_tensor<float>({5, 7}, 1));
  const NamedParameter b = named("b", a.parameter);
  Adam optimizer({a, b}, {.lr = 0.1});
  for (unsigned step = 0; step < 4; ++step) {
    a.parameter.set_grad(random_tensor<float>({5, 7}, 10 + step));
    b.parameter.set_grad(a.parameter.grad().dense().clone());
    optimizer.step();
    EXPECT_TRUE(same_bytes(a.parameter, b.parameter)) << "step " << step;
  }
}

// One element has the same bits wherever it stands, and in a row as in a whole array.
TEST(Adam, TreatsAnElementAlikeAtAnyPosition) {
  const Tensor start = random_tensor<float>({61}, 1), g = random_tensor<float>({61}, 2);
  const NamedParameter whole = named("whole", start);
  whole.parameter.set_grad(g);
  Adam({whole}).step();
  for (std::size_t i = 0; i < 61; ++i) {
    const NamedParameter one = named("one", tensor({start.span<float>()[i]}));
    one.parameter.set_grad(tensor({g.span<float>()[i]}));
    Adam({one}).step();
    EXPECT_EQ(one.parameter.item<float>(), whole.parameter.span<float>()[i]) << i;
  }
}

TEST(Adam, HasTheSameBitsForAnyNumberOfThreads) {
  const auto results = with_threads([] {
    const NamedParameter dense = named("dense", random_tensor<float>({1003}, 1));
    const NamedParameter sparse = named("sparse", random_tensor<float>({211, 7}, 2));
    Adam optimizer({dense, sparse}, {.lr = 0.1, .lazy = true});
    for (unsigned step = 0; step < 3; ++step) {
      dense.parameter.set_grad(random_tensor<float>({1003}, 10 + step));
      std::vector<std::int64_t> ids;
      for (std::int64_t k = 0; k < 300; ++k) ids.push_back(k * k * 7 % 211);
      sparse.parameter.set_grad(random_rows<float>(ids, {211, 7}, 20 + step));
      optimizer.step();
    }
    return std::pair(hash_of<float>(dense.parameter), hash_of<float>(sparse.parameter));
  });
  EXPECT_THAT(results, Each(results[0]));
}

}  // namespace
}  // namespace gradus
