#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/accumulate.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

namespace gradus {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::Each;
using testing::ElementsAre;
using testing::Pointwise;

constexpr double inf = std::numeric_limits<double>::infinity();

// Dense 3, 4; a table whose row 2 repeats: its gradient is 12 there.
struct Mixed {
  Mixed()
      : dense(named("dense", zeros({2}, DType::float64))),
        table(named("table", zeros({4, 1}, DType::float64))),
        unused(named("unused", zeros({2}, DType::float64))) {
    dense.parameter.set_grad(tensor({3.0, -4.0}));
    table.parameter.set_grad(
        SparseGrad(tensor({2, 0, 2}), tensor({7.0, 0.0, 5.0}, {3, 1}), {4, 1}));
  }
  std::vector<NamedParameter> parameters() const { return {dense, table, unused}; }
  std::vector<double> dense_values() const { return values_of(dense.parameter.grad().dense()); }
  const SparseGrad& rows() const { return table.parameter.grad().sparse(); }

  NamedParameter dense, table, unused;
};

TEST(ClipGradNorm, ScalesDenseAndSparseGradientsTogether) {
  const Mixed model;
  EXPECT_DOUBLE_EQ(clip_grad_norm(model.parameters(), 6.5), 13);
  const double factor = 6.5 / (13 + 1e-6);
  EXPECT_THAT(model.dense_values(), ElementsAre(DoubleEq(3 * factor), DoubleEq(-4 * factor)));
  EXPECT_TRUE(model.rows().is_coalesced());
  EXPECT_THAT(model.rows().ids().span<std::int64_t>(), ElementsAre(0, 2));
  EXPECT_THAT(values_of(model.rows().values()), ElementsAre(0, DoubleEq(12 * factor)));
  EXPECT_TRUE(model.unused.parameter.grad().empty());
  EXPECT_NEAR(clip_grad_norm(model.parameters(), 100), 6.5, 1e-6);
}

TEST(ClipGradNorm, LeavesSmallGradientsAsTheyAre) {
  const Mixed model;
  EXPECT_DOUBLE_EQ(clip_grad_norm(model.parameters(), 13.1), 13);
  EXPECT_THAT(model.dense_values(), ElementsAre(3, -4));
  EXPECT_THAT(values_of(model.rows().values()), ElementsAre(0, 12));
  EXPECT_DOUBLE_EQ(clip_grad_norm(model.parameters(), inf), 13);
  EXPECT_THAT(model.dense_values(), ElementsAre(3, -4));
}

TEST(ClipGradNorm, TakesAnyOrder) {
  EXPECT_DOUBLE_EQ(clip_grad_norm(Mixed().parameters(), 1, {.norm_type = 1}), 3 + 4 + 12);
  EXPECT_NEAR(clip_grad_norm(Mixed().parameters(), 1, {.norm_type = 3}),
              std::cbrt(27 + 64 + 1728.0), 1e-12);
  const Mixed model;
  EXPECT_EQ(clip_grad_norm(model.parameters(), 6, {.norm_type = inf}), 12);
  EXPECT_THAT(values_of(model.rows().values()), ElementsAre(0, DoubleNear(6, 1e-6)));
  EXPECT_THAT(model.dense_values(), ElementsAre(DoubleNear(1.5, 1e-6), DoubleNear(-2, 1e-6)));
}

// Every order, dense, sparse and both, against the norm of all elements of the dense forms.
TEST(ClipGradNorm, TakesAnyOrderOfDenseAndSparseGradients) {
  for (const double p : {0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 7.5, inf}) {
    for (const bool dense : {false, true}) {
      for (const bool sparse : {false, true}) {
        std::vector<NamedParameter> parameters;
        std::vector<double> all;
        if (dense) {
          parameters.push_back(named("dense", zeros({37}, DType::float64)));
          parameters.back().parameter.set_grad(random_tensor({37}, 1));
        }
        if (sparse) {
          parameters.push_back(named("table", zeros({9, 3}, DType::float64)));
          parameters.back().parameter.set_grad(random_rows({4, 1, 4, 8, 1}, {9, 3}, 2));
        }
        double norm = 0;
        const auto add = [&](bool scaled) {
          all.clear();
          for (const NamedParameter& target : parameters) {
            const std::vector<double> g = values_of(target.parameter.grad().to_dense());
            all.insert(all.end(), g.begin(), g.end());
          }
          if (scaled) return;
          for (const double g : all) {
            norm = std::isinf(p) ? std::max(norm, std::abs(g)) : norm + std::pow(std::abs(g), p);
          }
          if (std::isfinite(p)) norm = std::pow(norm, 1 / p);
        };
        add(false);
        std::vector<double> expected = all;
        for (double& g : expected) g *= dense || sparse ? 0.25 * norm / (norm + 1e-6) : 1;
        const double found = clip_grad_norm(parameters, 0.25 * norm, {.norm_type = p});
        EXPECT_NEAR(found, norm, 1e-12 * norm) << p << dense << sparse;
        add(true);
        EXPECT_THAT(all, Pointwise(DoubleNear(1e-12), expected)) << p << dense << sparse;
      }
    }
  }
}

// Powers that leave the range of double where the norm does not.
TEST(ClipGradNorm, TakesElementsWhosePowersOverflowOrVanish) {
  for (const double size : {1e200, 1e-200}) {
    for (const double p : {0.5, 2.0, 3.0}) {
      const NamedParameter w = named("w", zeros({2}, DType::float64));
      w.parameter.set_grad(tensor({size, size}));
      EXPECT_NEAR(clip_grad_norm({w}, size, {.norm_type = p}) / size, std::pow(2, 1 / p), 1e-12);
    }
  }
}

// A norm that is infinite though each gradient is finite.
TEST(ClipGradNorm, ReportsANormOfAllThatIsNotFinite) {
  const NamedParameter a = named("a", zeros({2}, DType::float64)), b = named("b", a.parameter);
  for (const NamedParameter& target : {a, b}) target.parameter.set_grad(tensor({1e308, 1e308}));
  EXPECT_EQ(clip_grad_norm({a, b}, 1, {.norm_type = 1}), inf);
  EXPECT_EQ(message_of<ValueError>(
                [&] { clip_grad_norm({a}, 1, {.norm_type = 0.5, .error_if_nonfinite = true}); }),
            "clip_grad_norm: the norm of order 0.5 of the gradient of a [2] is inf: nothing was "
            "clipped");
  EXPECT_THAT(values_of(a.parameter.grad().dense()), Each(1e308));
  EXPECT_THAT(values_of(b.parameter.grad().dense()), Each(1e308));
}

TEST(ClipGradNorm, NamesTheTableWhoseRowsAreNotFinite) {
  for (const double p : {0.5, 1.0, 2.0, inf}) {
    const Mixed model;
    model.table.parameter.set_grad(
        SparseGrad(tensor({2, 0, 2}), tensor({7.0, std::nan(""), 5.0}, {3, 1}), {4, 1}));
    EXPECT_TRUE(std::isnan(clip_grad_norm(model.parameters(), 1, {.norm_type = p}))) << p;
    const std::string message = message_of<ValueError>([&] {
      clip_grad_norm(model.parameters(), 1, {.norm_type = p, .error_if_nonfinite = true});
    });
    EXPECT_NE(message.find("of the gradient of table [4, 1] is nan: nothing was clipped"),
              std::string::npos)
        << message;
    EXPECT_THAT(model.dense_values(), ElementsAre(3, -4));
    EXPECT_EQ(model.rows().nnz(), 3);  // not even coalesced
  }
}

TEST(ClipGradNorm, LeavesFrozenParametersOut) {
  const Mixed model;
  model.table.parameter.set_trainable(false);
  EXPECT_DOUBLE_EQ(clip_grad_norm(model.parameters(), 1), 5);
  EXPECT_EQ(model.rows().nnz(), 3);
  EXPECT_THAT(values_of(model.rows().values()), ElementsAre(7, 0, 5));
}

TEST(ClipGradNorm, CountsAParameterOnceThatIsListedTwice) {
  const Mixed model;
  EXPECT_DOUBLE_EQ(clip_grad_norm({model.dense, model.dense}, 2.5), 5);
  EXPECT_THAT(model.dense_values(), ElementsAre(DoubleNear(1.5, 1e-6), DoubleNear(-2, 1e-6)));
}

TEST(ClipGradNorm, IsZeroWithoutGradients) {
  EXPECT_EQ(clip_grad_norm({named("w", zeros({2}))}, 1), 0);
  EXPECT_EQ(clip_grad_norm({}, 1), 0);
}

TEST(ClipGradNorm, DoesNotOverflowInFloat) {
  const NamedParameter w = named("w", zeros({2}));
  w.parameter.set_grad(tensor({3e20f, 4e20f}));
  EXPECT_NEAR(clip_grad_norm({w}, 1) / 5e20, 1, 1e-6);
  EXPECT_NEAR(w.parameter.grad().dense().span<float>()[0], 0.6, 1e-6);
  EXPECT_NEAR(w.parameter.grad().dense().span<float>()[1], 0.8, 1e-6);
}

TEST(ClipGradNorm, LeavesGradientsAloneIfTheNormIsNotFinite) {
  for (const double bad : {std::nan(""), inf, -inf}) {
    const Mixed model;
    model.dense.parameter.set_grad(tensor({3.0, bad}));
    const double norm = clip_grad_norm(model.parameters(), 1);
    EXPECT_EQ(std::isnan(norm), std::isnan(bad));
    EXPECT_FALSE(std::isfinite(norm));
    EXPECT_EQ(message_of<ValueError>(
                  [&] { clip_grad_norm(model.parameters(), 1, {.error_if_nonfinite = true}); }),
              std::string("clip_grad_norm: the norm of order 2 of the gradient of dense [2] is ") +
                  (std::isnan(bad) ? "nan" : "inf") + ": nothing was clipped");
    EXPECT_EQ(model.dense_values()[0], 3);
    EXPECT_EQ(model.rows().nnz(), 3);
  }
}

TEST(ClipGradNorm, RefusesArgumentsOutOfRange) {
  const Mixed model;
  EXPECT_EQ(message_of<ValueError>([&] { clip_grad_norm(model.parameters(), -1); }),
            "clip_grad_norm: max_norm is -1, it must not be negative");
  EXPECT_EQ(
      message_of<ValueError>([&] { clip_grad_norm(model.parameters(), 1, {.norm_type = 0}); }),
      "clip_grad_norm: norm_type is 0, it must be above 0");
  EXPECT_THROW(clip_grad_norm(model.parameters(), NAN), ValueError);
}

// A gradient that is mapped from a file, behind one that is not.
struct ReadOnlyGradient : testing::Test {
  ReadOnlyGradient() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    const std::string path = testing::TempDir() + "gradus-" + test->name() + ".safetensors";
    StateDict state;
    state.set("g", tensor({3.0, 4.0}));
    save(state, path);
    a.parameter.set_grad(tensor({6.0, 8.0}));
    b.parameter.set_grad(load_mapped(path, "g"));
    std::filesystem::remove(path);
  }
  const NamedParameter a = named("a", zeros({2}, DType::float64)), b = named("b", a.parameter);
  const std::string problem =
      ": the gradient of b [2] is mapped from a file, read-only: set_grad() a clone() of it";
};

TEST_F(ReadOnlyGradient, IsRefusedBeforeAnythingIsClipped) {
  EXPECT_EQ(message_of<ValueError>([&] { clip_grad_norm({a, b}, 1); }), "clip_grad_norm" + problem);
  EXPECT_EQ(message_of<ValueError>([&] {
              clip_grad_value({a, b}, 1);
            }),
            "clip_grad_value" + problem);
  EXPECT_THAT(values_of(a.parameter.grad().dense()), ElementsAre(6, 8));
  EXPECT_NEAR(clip_grad_norm({a, b}, 20), std::sqrt(125), 1e-12);  // nothing to change
}

TEST_F(ReadOnlyGradient, IsClippedWhereItIsSparse) {  // and so replaced
  const NamedParameter w = named("w", zeros({3, 2}, DType::float64));
  const Tensor rows = reshape(b.parameter.grad().dense(), {1, 2});
  w.parameter.set_grad(SparseGrad(tensor({1}), rows, {3, 2}));
  EXPECT_NEAR(clip_grad_norm({w}, 1), 5, 1e-12);
  EXPECT_THAT(values_of(w.parameter.grad().sparse().values()),
              Pointwise(DoubleNear(1e-6), {0.6, 0.8}));
}

TEST_F(ReadOnlyGradient, IsRefusedBeforeAnythingIsZeroed) {
  const SGD optimizer({a, b}, {.lr = 0.1});
  EXPECT_EQ(message_of<ValueError>([&] { optimizer.zero_grad(false); }), "zero_grad" + problem);
  EXPECT_THAT(values_of(a.parameter.grad().dense()), ElementsAre(6, 8));
  optimizer.zero_grad();
  EXPECT_TRUE(b.parameter.grad().empty());
}

TEST_F(ReadOnlyGradient, IsRefusedBeforeAnythingIsDivided) {
  GradientAccumulator accumulator({a, b});
  const Tensor other = tensor({1.0}).set_trainable(true);
  accumulator.backward(sum(other), 2);
  EXPECT_EQ(message_of<ValueError>([&] { accumulator.finish(); }), "GradientAccumulator" + problem);
  EXPECT_THAT(values_of(a.parameter.grad().dense()), ElementsAre(6, 8));
}

TEST(ClipGradNorm, HasTheSameBitsForAnyNumberOfThreads) {
  const auto results = with_threads([] {
    const NamedParameter w = named("w", zeros({10007}));
    w.parameter.set_grad(random_tensor<float>({10007}, 1));
    const double norm = clip_grad_norm({w}, 1);
    return std::pair(norm, hash_of<float>(w.parameter.grad().dense()));
  });
  EXPECT_THAT(results, Each(results[0]));
}

TEST(ClipGradValue, ClampsEachElementOfTheSum) {
  const Mixed model;
  clip_grad_value(model.parameters(), 3.5);
  EXPECT_THAT(model.dense_values(), ElementsAre(3, -3.5));
  EXPECT_TRUE(model.rows().is_coalesced());
  EXPECT_THAT(values_of(model.rows().values()), ElementsAre(0, 3.5));  // of 7 + 5
}

TEST(ClipGradValue, LeavesFrozenParametersAndNaNAlone) {
  const Mixed model;
  model.dense.parameter.set_trainable(false);
  clip_grad_value(model.parameters(), 1);
  EXPECT_THAT(model.dense_values(), ElementsAre(3, -4));
  model.dense.parameter.set_trainable(true).set_grad(tensor({std::nan(""), -inf}));
  clip_grad_value(model.parameters(), 1);
  EXPECT_TRUE(std::isnan(model.dense_values()[0]));
  EXPECT_EQ(model.dense_values()[1], -1);
  EXPECT_EQ(message_of<ValueError>([&] { clip_grad_value(model.parameters(), -2); }),
            "clip_grad_value: limit is -2, it must not be negative");
}

}  // namespace
}  // namespace gradus
