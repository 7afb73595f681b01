// The optimizers beyond SGD and Adam: what all have in common, then their rules.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/optim/adadelta.h>
#include <gradus/optim/adafactor.h>
#include <gradus/optim/adagrad.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/adamax.h>
#include <gradus/optim/lion.h>
#include <gradus/optim/muon.h>
#include <gradus/optim/nadam.h>
#include <gradus/optim/radam.h>
#include <gradus/optim/rmsprop.h>
#include <gradus/optim/sparse_adam.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "optim_testing.h"

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::Each;
using testing::HasSubstr;
using testing::Pointwise;

// ---- rules

// Values of PyTorch 1.13 in double.
TEST(Rules, FollowTheTableOfKnownSteps) {
  EXPECT_THAT(three_steps<Adagrad>(
                  AdagradOptions{.lr = 0.1, .lr_decay = 0.5, .initial_accumulator_value = 0.1}),
              are(0.9154845745, 0.9728621056, 0.9296283355));
  EXPECT_THAT(three_steps<RMSprop>(RMSpropOptions{.lr = 0.1}),
              are(2e-7, 0.8953230819, 0.0212040086));
  EXPECT_THAT(three_steps<RMSprop>(RMSpropOptions{.lr = 0.1, .momentum = 0.9, .centered = true}),
              are(-0.0050376132, -0.0133320286, -0.8968007492));
  EXPECT_THAT(three_steps<Adadelta>(AdadeltaOptions{}),
              are(0.9968377856, 1.0008783389, 0.995615943));
}

TEST(Adagrad, AddsEpsOutsideOfTheRoot) {
  double w = 1, s = 0;
  std::vector<double> expected;
  for (const double gradient : {0.5, -1.0, 2.0}) {
    const double g = gradient + 0.2 * w;
    s += g * g;
    w -= 0.1 * g / (std::sqrt(s) + 0.1);
    expected.push_back(w);
  }
  EXPECT_THAT(three_steps<Adagrad>(AdagradOptions{.lr = 0.1, .weight_decay = 0.2, .eps = 0.1}),
              Pointwise(DoubleNear(1e-14), expected));
}

TEST(Adamax, FollowsItsFormula) {
  double w = 1, m = 0, u = 0, t = 0;
  std::vector<double> expected;
  for (const double gradient : {0.5, -1.0, 2.0}) {
    const double g = gradient + 0.1 * w;
    m = 0.8 * m + 0.2 * g;
    u = std::max(0.5 * u, std::abs(g) + 0.1);
    w -= 0.1 / (1 - std::pow(0.8, ++t)) * m / u;
    expected.push_back(w);
  }
  EXPECT_THAT(three_steps<Adamax>(
                  AdamaxOptions{.lr = 0.1, .betas = {0.8, 0.5}, .eps = 0.1, .weight_decay = 0.1}),
              Pointwise(DoubleNear(1e-14), expected));
}

TEST(NAdam, FollowsItsFormula) {
  double w = 1, m = 0, v = 0, product = 1;
  std::vector<double> expected;
  const auto mu = [](double t) { return 0.8 * (1 - 0.5 * std::pow(0.96, t * 0.3)); };
  double t = 0;
  for (const double g : {0.5, -1.0, 2.0}) {
    ++t;
    w *= 1 - 0.1 * 0.2;
    m = 0.8 * m + 0.2 * g;
    v = 0.5 * v + 0.5 * g * g;
    product *= mu(t);
    const double d = std::sqrt(v / (1 - std::pow(0.5, t))) + 0.1;
    w -= 0.1 * (1 - mu(t)) / (1 - product) * g / d;
    w -= 0.1 * mu(t + 1) / (1 - product * mu(t + 1)) * m / d;
    expected.push_back(w);
  }
  EXPECT_THAT(three_steps<NAdam>(NAdamOptions{.lr = 0.1,
                                              .betas = {0.8, 0.5},
                                              .eps = 0.1,
                                              .weight_decay = 0.2,
                                              .momentum_decay = 0.3,
                                              .decoupled_weight_decay = true}),
              Pointwise(DoubleNear(1e-14), expected));
}

TEST(RAdam, RectifiesOnceTheVarianceIsKnown) {
  const NamedParameter x = named("x", tensor({1.0}));
  RAdam optimizer({x}, {.lr = 0.1, .betas = {0.8, 0.9}, .eps = 0.1});
  double w = 1, m = 0, v = 0;
  int rectified = 0;
  for (int t = 1; t <= 12; ++t) {
    const double g = std::sin(t), power = std::pow(0.9, t);
    m = 0.8 * m + 0.2 * g;
    v = 0.9 * v + 0.1 * g * g;
    const double p = 2 / (1 - 0.9) - 1, pt = p - 2 * t * power / (1 - power);
    const double mean = m / (1 - std::pow(0.8, t));
    if (pt > 5) {
      const double r = std::sqrt((pt - 4) * (pt - 2) * p / ((p - 4) * (p - 2) * pt));
      w -= 0.1 * mean * r * std::sqrt(1 - power) / (std::sqrt(v) + 0.1);
      ++rectified;
    } else {
      w -= 0.1 * mean;
    }
    x.parameter.set_grad(tensor({g}));
    optimizer.step();
    EXPECT_NEAR(x.parameter.item(), w, 1e-14) << t;
  }
  EXPECT_GT(rectified, 3);
  EXPECT_LT(rectified, 9);
}

TEST(Lion, FollowsItsFormula) {
  double w = 1, m = 0;
  std::vector<double> expected;
  for (const double g : {0.5, -1.0, 2.0}) {
    w = w * (1 - 0.1 * 0.2) - 0.1 * (0.95 * m + 0.05 * g > 0 ? 1 : -1);
    m = 0.2 * m + 0.8 * g;
    expected.push_back(w);
  }
  EXPECT_THAT(three_steps<Lion>(LionOptions{.lr = 0.1, .betas = {0.95, 0.2}, .weight_decay = 0.2}),
              Pointwise(DoubleNear(1e-15), expected));
}

TEST(Lion, LeavesAWeightWithoutGradientAndKeepsNaN) {
  const NamedParameter x = named("x", tensor({2.0, 2.0}));
  Lion optimizer({x}, {.lr = 0.5});
  x.parameter.set_grad(tensor({0.0, std::nan("")}));
  optimizer.step();
  EXPECT_EQ(x.parameter.span<double>()[0], 2.0);
  EXPECT_TRUE(std::isnan(x.parameter.span<double>()[1]));
}

TEST(Adafactor, FollowsItsFormulaForAVector) {
  double w = 1, v = 0, t = 0;
  std::vector<double> expected;
  for (const double g : {0.5, -1.0, 2.0}) {
    const double b = std::pow(++t, -0.5);
    v += b * (g * g - v);
    const double update = g / std::max(std::sqrt(v), 0.7);
    const double step = std::max(0.4, std::abs(w)) * std::min(0.3, 1 / std::sqrt(t));
    w = w * (1 - 0.3 * 0.2) - step * update / std::max(1.0, std::abs(update) / 1.2);
    expected.push_back(w);
  }
  EXPECT_THAT(
      three_steps<Adafactor>(AdafactorOptions{
          .lr = 0.3, .beta2_decay = -0.5, .eps = {0.7, 0.4}, .d = 1.2, .weight_decay = 0.2}),
      Pointwise(DoubleNear(1e-14), expected));
}

/// Three steps for matrices [2, 3], one after the other, element by element.
std::vector<double> adafactor_of_matrices(std::vector<double> w,
                                          const std::vector<Tensor>& gradients,
                                          const AdafactorOptions& o) {
  const std::size_t n = w.size(), matrices = n / 6;
  std::vector<double> rows(2 * matrices, 0), cols(3 * matrices, 0);
  double t = 0;
  for (const Tensor& gradient : gradients) {
    const double b = std::pow(++t, o.beta2_decay);
    const auto g = values_of(gradient);
    std::vector<double> row_means(rows.size(), 0), col_means(cols.size(), 0), u(n);
    double size = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      row_means[i / 3] += g[i] * g[i] / 3;
      col_means[i / 6 * 3 + i % 3] += g[i] * g[i] / 2;
      size += w[i] * w[i] / static_cast<double>(n);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] += b * (row_means[i] - rows[i]);
    for (std::size_t i = 0; i < cols.size(); ++i) cols[i] += b * (col_means[i] - cols[i]);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t m = i / 6;
      const double mean = (rows[2 * m] + rows[2 * m + 1]) / 2;
      const double v = rows[i / 3] * cols[3 * m + i % 3] / std::max(mean, o.eps[0]);
      u[i] = g[i] / std::max(std::sqrt(v), o.eps[0]);
      squares += u[i] * u[i] / static_cast<double>(n);
    }
    const double step = std::max(o.eps[1], std::sqrt(size)) * std::min(o.lr, 1 / std::sqrt(t));
    for (std::size_t i = 0; i < n; ++i) {
      w[i] = w[i] * (1 - o.lr * o.weight_decay) -
             step * u[i] / std::max(1.0, std::sqrt(squares) / o.d);
    }
  }
  return w;
}

TEST(Adafactor, FollowsItsFormulaForMatrices) {
  for (const Shape& shape : {Shape{2, 3}, Shape{4, 2, 3}}) {
    for (const double eps : {0.1, 1.0}) {
      const AdafactorOptions options{
          .lr = 0.8, .beta2_decay = -0.6, .eps = {eps, 0.05}, .d = 1.1, .weight_decay = 0.1};
      const NamedParameter x = named("x", random_tensor(shape, 1));
      Adafactor optimizer({x}, options);
      std::vector<Tensor> gradients;
      const auto start = values_of(x.parameter);
      for (unsigned step = 0; step < 3; ++step) {
        gradients.push_back(random_tensor(shape, 2 + step));
        x.parameter.set_grad(gradients.back().clone());
        optimizer.step();
      }
      EXPECT_THAT(values_of(x.parameter),
                  Pointwise(DoubleNear(1e-14), adafactor_of_matrices(start, gradients, options)));
    }
  }
}

TEST(Adafactor, KeepsTwoVectorsForAMatrix) {
  const NamedParameter m = named("m", random_tensor({5, 3}, 1)), v = named("v", ones({4}));
  Adafactor optimizer({m, v});
  m.parameter.set_grad(random_tensor({5, 3}, 2));
  v.parameter.set_grad(ones({4}));
  optimizer.step();
  const StateDict state = optimizer.state_dict();
  EXPECT_EQ(state.at("m.row_var").shape(), (Shape{5, 1}));
  EXPECT_EQ(state.at("m.col_var").shape(), (Shape{1, 3}));
  EXPECT_EQ(state.at("m.variance").numel(), 0);
  EXPECT_EQ(state.at("v.variance").shape(), Shape{4});
  EXPECT_EQ(state.at("v.row_var").numel() + state.at("v.col_var").numel(), 0);
}

TEST(Adafactor, StandsStillAtAGradientOfZeroAndTakesEmptyParameters) {
  const NamedParameter x = named("x", random_tensor<float>({3, 2}, 1));
  const NamedParameter none = named("none", zeros({0, 2}));
  Adafactor optimizer({x, none});
  const Tensor before = x.parameter.clone();
  step_with_zeros(optimizer, {x, none});
  EXPECT_TRUE(same_bytes(x.parameter, before));
}

using Matrix = std::vector<std::vector<double>>;

Matrix times(const Matrix& a, const Matrix& b) {
  Matrix c(a.size(), std::vector<double>(b[0].size(), 0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t k = 0; k < b.size(); ++k) {
      for (std::size_t j = 0; j < b[0].size(); ++j) c[i][j] += a[i][k] * b[k][j];
    }
  }
  return c;
}

Matrix transposed(const Matrix& a) {
  Matrix b(a[0].size(), std::vector<double>(a.size()));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < a[0].size(); ++j) b[j][i] = a[i][j];
  }
  return b;
}

/// a x + b (x x^T) x + c (x x^T)^2 x, `steps` times, of x over its norm.
Matrix orthogonalised(Matrix x, const MuonOptions& o) {
  double squares = 0;
  for (const auto& row : x) {
    for (const double value : row) squares += value * value;
  }
  for (auto& row : x) {
    for (double& value : row) value /= std::max(std::sqrt(squares), o.eps);
  }
  for (std::int64_t step = 0; step < o.ns_steps; ++step) {
    const Matrix gram = times(x, transposed(x)), once = times(gram, x), twice = times(gram, once);
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t j = 0; j < x[0].size(); ++j) {
        x[i][j] = o.ns_coefficients[0] * x[i][j] + o.ns_coefficients[1] * once[i][j] +
                  o.ns_coefficients[2] * twice[i][j];
      }
    }
  }
  return x;
}

std::vector<double> muon_steps(std::vector<double> w, std::size_t rows,
                               const std::vector<Tensor>& gradients, const MuonOptions& o,
                               double scale) {
  const std::size_t columns = w.size() / rows;
  std::vector<double> m(w.size(), 0);
  for (const Tensor& gradient : gradients) {
    const auto g = values_of(gradient);
    Matrix u(rows, std::vector<double>(columns));
    for (std::size_t i = 0; i < w.size(); ++i) {
      m[i] += (1 - o.momentum) * (g[i] - m[i]);
      u[i / columns][i % columns] = o.nesterov ? g[i] + o.momentum * (m[i] - g[i]) : m[i];
    }
    const Matrix x = orthogonalised(u, o);
    for (std::size_t i = 0; i < w.size(); ++i) {
      w[i] = w[i] * (1 - o.lr * o.weight_decay) - o.lr * scale * x[i / columns][i % columns];
    }
  }
  return w;
}

TEST(Muon, FollowsItsFormula) {
  for (const Shape& shape : {Shape{2, 5}, Shape{5, 2}, Shape{3, 3}}) {
    const auto rows = static_cast<double>(shape[0]), columns = static_cast<double>(shape[1]);
    MuonOptions options{.lr = 0.1, .weight_decay = 0.2, .momentum = 0.8, .ns_steps = 3};
    MuonOptions rms = options, spectral = options;
    rms.match_rms_adamw = true;
    rms.nesterov = false;
    spectral.spectral_unclamped = true;
    spectral.eps = 1;
    spectral.ns_coefficients = {2, -1.5, 0.5};
    for (const auto& [o, scale] : std::vector<std::pair<MuonOptions, double>>{
             {options, std::sqrt(std::max(1.0, rows / columns))},
             {rms, 0.2 * std::sqrt(std::max(rows, columns))},
             {spectral, std::sqrt(rows / columns)}}) {
      const NamedParameter x = named("x", random_tensor(shape, 1));
      const auto start = values_of(x.parameter);
      Muon optimizer({x}, o);
      std::vector<Tensor> gradients;
      for (unsigned step = 0; step < 3; ++step) {
        gradients.push_back(random_tensor(shape, 2 + step));
        x.parameter.set_grad(gradients.back().clone());
        optimizer.step();
      }
      EXPECT_THAT(values_of(x.parameter),
                  Pointwise(DoubleNear(1e-12), muon_steps(start, static_cast<std::size_t>(shape[0]),
                                                          gradients, o, scale)));
    }
  }
}

TEST(Muon, StepsHaveSingularValuesNearOne) {
  for (const Shape& shape : {Shape{20, 50}, Shape{50, 20}}) {
    const NamedParameter x = named("x", zeros(shape, DType::float64));
    Muon optimizer({x}, {.lr = 1, .weight_decay = 0, .spectral_unclamped = true});
    x.parameter.set_grad(random_tensor(shape, 2));
    optimizer.step();
    const double scale = std::sqrt(static_cast<double>(shape[0]) / static_cast<double>(shape[1]));
    const Tensor values = svd(x.parameter.detach()).s;
    for (const double s : values.span<double>()) {
      EXPECT_GT(s / scale, 0.6);
      EXPECT_LT(s / scale, 1.3);
    }
  }
}

TEST(Muon, HasGroupsThatAdamWUpdates) {
  const Tensor start = random_tensor<float>({7}, 1);
  const NamedParameter a = named("a", start), b = named("b", start);
  const NamedParameter matrix = named("matrix", random_tensor<float>({3, 4}, 2));
  Muon muon(std::vector<ParameterGroup<MuonOptions>>{{{matrix}, {}},
                                                     {{a},
                                                      {.lr = 0.01,
                                                       .weight_decay = 0.3,
                                                       .adamw = true,
                                                       .adamw_betas = {0.8, 0.9},
                                                       .adamw_eps = 0.1}}});
  AdamW adamw({b}, {.lr = 0.01, .betas = {0.8, 0.9}, .eps = 0.1, .weight_decay = 0.3});
  for (unsigned step = 0; step < 4; ++step) {
    const Tensor g = random_tensor<float>({7}, 3 + step);
    a.parameter.set_grad(g.clone());
    b.parameter.set_grad(g.clone());
    matrix.parameter.set_grad(random_tensor<float>({3, 4}, 9 + step));
    muon.step();
    adamw.step();
  }
  EXPECT_TRUE(same_bytes(a.parameter, b.parameter));
  const StateDict state = muon.state_dict();
  EXPECT_EQ(state.size(), 3u);
  EXPECT_TRUE(state.contains("matrix.momentum_buffer") && state.contains("a.exp_avg") &&
              state.contains("a.exp_avg_sq"));
}

TEST(Muon, RefusesWhatIsNoMatrix) {
  const Tensor start = ones({3, 2});
  const NamedParameter w = named("w", start), bias = named("layer.bias", ones({3}));
  Muon optimizer({w, bias});
  w.parameter.set_grad(ones({3, 2}));
  bias.parameter.set_grad(ones({3}));
  EXPECT_EQ(message_of<ShapeError>([&] { optimizer.step(); }),
            "Muon: layer.bias is [3], but only matrices can be orthogonalised: put it into a group "
            "with .adamw = true (see split_for_muon())");
  EXPECT_TRUE(same_bytes(w.parameter, start));
}

TEST(Muon, StandsStillAtAGradientOfZeroAndTakesEmptyMatrices) {
  const NamedParameter x = named("x", random_tensor<float>({3, 2}, 1));
  const NamedParameter none = named("none", zeros({0, 2}));
  Muon optimizer({x, none}, {.weight_decay = 0});
  const Tensor before = x.parameter.clone();
  step_with_zeros(optimizer, {x, none});
  EXPECT_TRUE(same_bytes(x.parameter, before));
}

TEST(Adamax, KeepsNaN) {
  const NamedParameter x = named("x", tensor({1.0}));
  Adamax optimizer({x});
  for (const double g : {std::nan(""), 1.0}) {
    x.parameter.set_grad(tensor({g}));
    optimizer.step();
    EXPECT_TRUE(std::isnan(optimizer.state_dict().find("x.exp_inf")->tensor.item()));
  }
}

// Centered: the estimate of a variance may round below zero.
TEST(RMSprop, StaysFiniteWhereTheGradientIsConstant) {
  const NamedParameter x = named("x", random_tensor<float>({64}, 3));
  RMSprop optimizer({x}, {.lr = 1e-3, .alpha = 0.5, .centered = true});
  const Tensor g = random_tensor<float>({64}, 4);
  for (int step = 0; step < 200; ++step) {
    x.parameter.set_grad(g.clone());
    optimizer.step();
  }
  for (const float value : x.parameter.span<float>()) EXPECT_TRUE(std::isfinite(value));
}

TEST(RowwiseAdagrad, KeepsTheMeanSquareOfARow) {
  const NamedParameter w = named("w", ones({3, 2}, DType::float64));
  RowwiseAdagrad optimizer({w}, {.lr = 0.1, .initial_accumulator_value = 0.5, .eps = 0.1});
  w.parameter.set_grad(
      SparseGrad(tensor({2, 0, 2}), tensor({1.0, 2.0, 3.0, 4.0, 0.5, -1.0}, {3, 2}), {3, 2}));
  optimizer.step();
  const double s2 = 0.5 + (1.5 * 1.5 + 1.0) / 2, s0 = 0.5 + 12.5;
  const auto moved = [](double g, double s) { return 1 - 0.1 * g / (std::sqrt(s) + 0.1); };
  EXPECT_THAT(values_of(w.parameter),
              Pointwise(DoubleNear(1e-15),
                        {moved(3, s0), moved(4, s0), 1.0, 1.0, moved(1.5, s2), moved(1, s2)}));
  EXPECT_THAT(values_of(optimizer.state_dict().find("w.row_sum")->tensor),
              Pointwise(DoubleNear(1e-15), {s0, 0.5, s2}));
}

// ---- what all share

template <class Optimizer>
bool takes_dense() {
  return !std::is_same_v<Optimizer, SparseAdam>;
}

template <class Optimizer>
class EachRule : public testing::Test {};
using All = testing::Types<Adagrad, RowwiseAdagrad, RMSprop, Adadelta, Adamax, NAdam, RAdam,
                           SparseAdam, Lion, Adafactor, Muon>;
TYPED_TEST_SUITE(EachRule, All);

// A gradient that the rule takes: dense, or all rows of the table.
template <class Optimizer>
void set_gradient(const NamedParameter& target, unsigned seed) {
  const Shape shape = target.parameter.shape();
  const Tensor dense = random_tensor<float>(shape, seed);
  if (takes_dense<Optimizer>()) {
    target.parameter.set_grad(dense);
  } else {
    target.parameter.set_grad(SparseGrad(arange(shape[0]), dense, shape));
  }
}

TYPED_TEST(EachRule, SkipsAFrozenParameterWithAStaleGradientAndKeepsNothingForIt) {
  const NamedParameter frozen = named("frozen", random_tensor<float>({4, 3}, 1));
  const NamedParameter trained = named("trained", random_tensor<float>({4, 3}, 2));
  TypeParam optimizer({frozen, trained});
  set_gradient<TypeParam>(frozen, 3);
  set_gradient<TypeParam>(trained, 4);
  frozen.parameter.set_trainable(false);
  const auto frozen_before = hash_of<float>(frozen.parameter);
  const auto trained_before = hash_of<float>(trained.parameter);
  optimizer.step();
  EXPECT_EQ(hash_of<float>(frozen.parameter), frozen_before);
  EXPECT_NE(hash_of<float>(trained.parameter), trained_before);
  const StateDict state = optimizer.state_dict();
  for (const StateEntry& entry : state.entries()) {
    EXPECT_EQ(entry.name.find("frozen"), std::string::npos) << entry.name;
  }
  frozen.parameter.set_trainable(true);
  optimizer.step();
  EXPECT_NE(hash_of<float>(frozen.parameter), frozen_before);
}

TYPED_TEST(EachRule, ResumesWithTheSameBits) {
  const Tensor start = random_tensor<float>({5, 3}, 1);
  const NamedParameter a = named("w", start);
  TypeParam whole({a});
  for (unsigned step = 0; step < 8; ++step) {
    set_gradient<TypeParam>(a, 10 + step);
    whole.step();
  }
  const NamedParameter b = named("w", start);
  StateDict saved;
  {
    TypeParam first({b});
    for (unsigned step = 0; step < 4; ++step) {
      set_gradient<TypeParam>(b, 10 + step);
      first.step();
    }
    saved = first.state_dict();
  }
  TypeParam second({b});
  second.load_state_dict(saved);
  second.load_state_dict(saved);  // twice is once
  for (unsigned step = 4; step < 8; ++step) {
    set_gradient<TypeParam>(b, 10 + step);
    second.step();
  }
  EXPECT_TRUE(same_bytes(a.parameter, b.parameter));
  EXPECT_FALSE(same_bytes(a.parameter, start));
}

TYPED_TEST(EachRule, HasTheSameBitsForAnyNumberOfThreads) {
  const auto results = with_threads([] {
    const NamedParameter a = named("a", random_tensor<float>({211, 7}, 2));
    const NamedParameter b = named("b", random_tensor<float>({3, 2}, 3));
    TypeParam optimizer({a, b});
    for (unsigned step = 0; step < 3; ++step) {
      set_gradient<TypeParam>(a, 10 + step);
      set_gradient<TypeParam>(b, 20 + step);
      optimizer.step();
    }
    return std::pair(hash_of<float>(a.parameter), hash_of<float>(b.parameter));
  });
  EXPECT_THAT(results, Each(results[0]));
}

// A sparse gradient of repeated rows gives what its dense form would, or is refused by name.
TYPED_TEST(EachRule, TakesASparseGradientAsItsDenseFormOrRefusesIt) {
  const Tensor start = random_tensor({6, 3}, 1);
  const NamedParameter a = named("table.weight", start), b = named("b", start);
  TypeParam optimizer({a, b});
  for (unsigned step = 0; step < 3; ++step) {
    const SparseGrad rows = random_rows({4, 1, 4, 4}, {6, 3}, 5 + step);
    a.parameter.set_grad(rows);
    if (std::is_same_v<TypeParam, SparseAdam>) {
      b.parameter.set_grad(rows.coalesce());
    } else {
      b.parameter.set_grad(rows.to_dense());
    }
    constexpr bool sparse = std::is_same_v<TypeParam, Adagrad> ||
                            std::is_same_v<TypeParam, RowwiseAdagrad> ||
                            std::is_same_v<TypeParam, SparseAdam>;
    if (!sparse) {
      EXPECT_THAT(message_of<AutogradError>([&] { optimizer.step(); }),
                  HasSubstr(": every step moves every row and the gradient of table.weight is "
                            "sparse: give it to SparseAdam, Adagrad, or Adam with .lazy = true, "
                            "or make the gradient dense with .sparse = false"));
      EXPECT_TRUE(same_bytes(a.parameter, start) && same_bytes(b.parameter, start));
      return;
    }
    optimizer.step();
    EXPECT_THAT(values_of(a.parameter), Pointwise(DoubleNear(1e-14), values_of(b.parameter)));
    EXPECT_EQ(a.parameter.span<double>()[0], start.span<double>()[0]);  // a row not present
    EXPECT_NE(a.parameter.span<double>()[3], start.span<double>()[3]);
  }
  const Tensor before = a.parameter.clone();
  b.parameter.clear_grad();
  a.parameter.set_grad(SparseGrad(empty({0}, DType::int64), empty({0, 3}, DType::float64), {6, 3}));
  optimizer.step();
  EXPECT_TRUE(same_bytes(a.parameter, before));
}

// Bytes of state by parameter of [8, 4]: arrays of that size, or one number a row.
TYPED_TEST(EachRule, KeepsNoMoreStateThanItsRuleNeeds) {
  const NamedParameter w = named("w", random_tensor<float>({8, 4}, 1));
  TypeParam optimizer({w});
  EXPECT_EQ(optimizer.state_dict().size(), 0u);
  set_gradient<TypeParam>(w, 2);
  optimizer.step();
  std::int64_t elements = 0;
  const StateDict state = optimizer.state_dict();
  for (const StateEntry& entry : state.entries()) elements += entry.tensor.numel();
  const bool one = std::is_same_v<TypeParam, Adagrad> || std::is_same_v<TypeParam, Lion> ||
                   std::is_same_v<TypeParam, RMSprop> || std::is_same_v<TypeParam, Muon>;
  const bool rows = std::is_same_v<TypeParam, RowwiseAdagrad>;
  const bool both = std::is_same_v<TypeParam, Adafactor>;  // rows and columns
  EXPECT_EQ(elements, rows ? 8 : both ? 12 : one ? 32 : 64);
}

TYPED_TEST(EachRule, RefusesALearningRateThatIsNone) {
  using Options = std::remove_cvref_t<decltype(std::declval<TypeParam>().options())>;
  const std::vector<NamedParameter> w = {named("w", ones({2}))};
  for (const double lr : {-1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    Options options;
    options.lr = lr;
    EXPECT_THAT(message_of<ValueError>([&] { TypeParam(w, options); }), HasSubstr(": lr is "));
  }
}

TEST(SparseAdam, RefusesADenseGradient) {
  const NamedParameter w = named("w", ones({2, 2}));
  SparseAdam optimizer({w});
  w.parameter.set_grad(ones({2, 2}));
  EXPECT_EQ(message_of<AutogradError>([&] { optimizer.step(); }),
            "SparseAdam: the gradient of w is dense: use Adam, or make it sparse with "
            ".sparse = true");
}

TEST(Adagrad, RefusesDecayOfASparseGradient) {
  const NamedParameter w = named("w", ones({2, 2}));
  Adagrad optimizer({w}, {.weight_decay = 0.5});
  w.parameter.set_grad(SparseGrad(tensor({1}), ones({1, 2}), {2, 2}));
  EXPECT_EQ(message_of<AutogradError>([&] { optimizer.step(); }),
            "Adagrad: weight_decay is 0.5 and the gradient of w is sparse: put it into a group "
            "with .weight_decay = 0, or make the gradient dense with .sparse = false");
}

TEST(Rules, RefuseOptionsOutOfRange) {
  const std::vector<NamedParameter> w = {named("w", ones({2}))};
  const auto message = [&]<class Optimizer>(auto options) {
    return message_of<ValueError>([&] { Optimizer(w, options); });
  };
  EXPECT_EQ(message.operator()<Adagrad>(AdagradOptions{.lr_decay = -1}),
            "Adagrad: lr_decay is -1, it must not be negative");
  EXPECT_EQ(message.operator()<Adagrad>(AdagradOptions{.initial_accumulator_value = -1}),
            "Adagrad: initial_accumulator_value is -1, it must not be negative");
  EXPECT_EQ(message.operator()<RMSprop>(RMSpropOptions{.alpha = -1}),
            "RMSprop: alpha is -1, it must not be negative");
  EXPECT_EQ(message.operator()<RMSprop>(RMSpropOptions{.momentum = -1}),
            "RMSprop: momentum is -1, it must not be negative");
  EXPECT_EQ(message.operator()<Adadelta>(AdadeltaOptions{.rho = 1.5}),
            "Adadelta: rho is 1.5, it must be in [0, 1]");
  EXPECT_EQ(message.operator()<Adamax>(AdamaxOptions{.betas = {0.5, 1}}),
            "Adamax: betas[1] is 1, it must be in [0, 1)");
  EXPECT_EQ(message.operator()<NAdam>(NAdamOptions{.momentum_decay = -1}),
            "NAdam: momentum_decay is -1, it must not be negative");
  EXPECT_EQ(message.operator()<RAdam>(RAdamOptions{.eps = -1}),
            "RAdam: eps is -1, it must not be negative");
  EXPECT_EQ(message.operator()<SparseAdam>(SparseAdamOptions{.eps = 0}),
            "SparseAdam: eps is 0, it must be above 0");
  EXPECT_EQ(message.operator()<Lion>(LionOptions{.weight_decay = -1}),
            "Lion: weight_decay is -1, it must not be negative");
  EXPECT_EQ(message.operator()<Adafactor>(AdafactorOptions{.beta2_decay = 0.5}),
            "Adafactor: beta2_decay is 0.5, it must be finite and at most 0");
  EXPECT_EQ(message.operator()<Adafactor>(AdafactorOptions{.d = 0.5}),
            "Adafactor: d is 0.5, it must be finite and at least 1");
  EXPECT_EQ(message.operator()<Muon>(MuonOptions{.momentum = 1}),
            "Muon: momentum is 1, it must be in [0, 1)");
  EXPECT_EQ(message.operator()<Muon>(MuonOptions{.ns_steps = -1}),
            "Muon: ns_steps is -1, it must be at least 0");
  EXPECT_EQ(
      message.operator()<Muon>(MuonOptions{.match_rms_adamw = true, .spectral_unclamped = true}),
      "Muon: match_rms_adamw and spectral_unclamped are both set: choose one");
}

}  // namespace
}  // namespace gradus
