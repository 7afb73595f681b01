#include <gradus/framework/base/memory.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/attention.h>
#include <gradus/framework/ops/nn/detail/attention_of_packed.h>
#include <gradus/framework/ops/nn/lengths.h>
#include <gradus/framework/ops/nn/positions.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>
#include <gradus/framework/ops/where.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <algorithm>

namespace gradus {
namespace {

/// Sizes of a problem and its options.
struct Form {
  std::int64_t B = 2, H = 2, kv_heads = 2, Q = 3, K = 5, d = 4, dv = 3;
  Shape mask{};        ///< of a mask that is added; rank 0 for none
  Shape takes_part{};  ///< of a boolean mask
  std::vector<std::int64_t> lengths = {};
  bool causal = false;
  std::optional<double> scale = std::nullopt;
  double dropout = 0;
  bool side_by_side = false;  ///< [B, T, H d]
};

/// x [B, T, H d] as [B, H, T, d].
Tensor apart(const Tensor& x, std::int64_t heads) {
  const std::int64_t width = x.size(2) / std::max<std::int64_t>(heads, 1);
  return permute(reshape(x, {x.size(0), x.size(1), heads, width}), {0, 2, 1, 3});
}

/// True with probability 2 / 3.
Tensor random_mask(const Shape& shape, std::uint64_t seed = 9) {
  return greater(frozen(random_leaf(shape, seed, -1, 2)), 0);
}

/// The leaves of a problem: q, k, v and a mask that is added.
struct Problem {
  explicit Problem(const Form& form, DType dtype = DType::float64) : f(form) {
    q = add(form.H, form.Q, form.d, dtype);
    k = add(form.kv_heads, form.K, form.d, dtype);
    v = add(form.kv_heads, form.K, form.dv, dtype);
    options.causal = form.causal;
    options.scale = form.scale;
    options.dropout = form.dropout;
    if (form.mask.rank() > 0) options.mask = add(form.mask, dtype);
    if (form.takes_part.rank() > 0) options.mask = random_mask(form.takes_part);
    if (!form.lengths.empty()) options.lengths = tensor(form.lengths);
    if (form.side_by_side) options.num_heads = form.H;
  }

  Tensor run() const {
    Generator generator(3);
    return scaled_dot_product_attention(q, k, v, options, generator);
  }

  /// The definition, [B, H, Q, dv].
  Tensor composed() const {
    const auto heads = [&](const Tensor& x, std::int64_t count) {
      const Tensor y = f.side_by_side ? apart(x, count) : x;
      return repeat_interleave(y, f.H / count, 1);
    };
    Tensor scores = matmul(heads(q, f.H), heads(k, f.kv_heads), {.trans_b = true}) *
                    f.scale.value_or(1 / std::sqrt(static_cast<double>(f.d)));
    if (f.mask.rank() > 0) scores = scores + options.mask;
    const Tensor e = exp(scores) * takes_part().to(q.dtype());
    const Tensor total = sum(e, -1, true);
    const Tensor p = e / masked_fill(total, equal(total, 0), 1);
    return matmul(p, heads(v, f.kv_heads));
  }

  /// 1 where a query takes part with a key: by loops.
  Tensor takes_part() const {
    Tensor mask = full({f.B, f.H, f.Q, f.K}, true, DType::boolean);
    if (f.takes_part.rank() > 0) mask = logical_and(mask, options.mask);
    auto values = mask.mutable_span<bool>();
    for (std::size_t n = 0; n < values.size(); ++n) {
      const auto at = static_cast<std::int64_t>(n);
      const std::int64_t j = at % f.K, i = at / f.K % f.Q, b = at / (f.K * f.Q * f.H);
      if (f.causal && j > f.K - f.Q + i) values[n] = false;
      if (!f.lengths.empty() && j >= f.lengths[static_cast<std::size_t>(b)]) values[n] = false;
    }
    return mask;
  }

  Tensor in_heads(const Tensor& y) const { return f.side_by_side ? apart(y, f.H) : y; }

  /// The gradients of all leaves for a random cotangent of a result [B, H, Q, dv].
  std::vector<Tensor> gradients(const Tensor& y) const {
    sum(y * frozen(random_leaf(y.shape(), 20)).to(y.dtype())).backward();
    std::vector<Tensor> all;
    for (const Tensor& leaf : leaves) {
      all.push_back(leaf.grad().empty() ? zeros_like(leaf) : leaf.grad().to_dense());
      leaf.clear_grad();
    }
    return all;
  }

  Form f;
  Tensor q, k, v;
  AttentionOptions options;
  std::vector<Tensor> leaves;

 private:
  Tensor add(std::int64_t heads, std::int64_t time, std::int64_t width, DType dtype) {
    return add(f.side_by_side ? Shape{f.B, time, heads * width} : Shape{f.B, heads, time, width},
               dtype);
  }
  Tensor add(const Shape& shape, DType dtype) {
    const Tensor leaf = random_leaf(shape, leaves.size() + 1, -1.5, 1.5);
    leaves.push_back(frozen(leaf).to(dtype).set_trainable(true));
    return leaves.back();
  }
};

void expect_composed(const Form& form) {
  SCOPED_TRACE(testing::Message() << "Q " << form.Q << ", K " << form.K << ", d " << form.d
                                  << ", causal " << form.causal);
  const Problem problem(form);
  const Tensor fused = problem.in_heads(problem.run()), composed = problem.composed();
  EXPECT_TRUE(is_close(fused, composed.shape(), values_of(composed), 1e-12));
  {
    const NoGradGuard no_grad;
    EXPECT_TRUE(
        is_close(problem.in_heads(problem.run()), composed.shape(), values_of(composed), 1e-12));
  }
  const auto actual = problem.gradients(fused), expected = problem.gradients(composed);
  for (std::size_t k = 0; k < actual.size(); ++k) {
    EXPECT_TRUE(is_close(actual[k], expected[k].shape(), values_of(expected[k]), 1e-11)) << k;
  }
}

std::function<Inputs()> leaves_of(const Form& form) {
  return [form] { return Problem(form).leaves; };
}
std::function<Tensor(const Inputs&)> run_of(const Form& form) {
  return [form](const Inputs& in) {
    Problem problem(form);
    problem.q = in[0];
    problem.k = in[1];
    problem.v = in[2];
    if (form.mask.rank() > 0) problem.options.mask = in[3];
    return problem.run();
  };
}
OpCase case_of(const std::string& name, const Form& form) {
  return OpCase{"scaled_dot_product_attention", name, leaves_of(form), run_of(form)};
}

const OpCases cases{
    case_of("heads apart", {}),
    case_of("heads side by side, grouped, causal", {.H = 4, .causal = true, .side_by_side = true}),
    case_of("a mask that is added, lengths", {.mask = {2, 1, 3, 5}, .lengths = {5, 2}}),
    case_of("a boolean mask, dropout", {.takes_part = {3, 5}, .dropout = 0.3}),
};

TEST(OpScaledDotProductAttention, KnownValues) {
  // Scores 0 and log 3: weights 1/4 and 3/4.
  const Tensor q = tensor({2.}, {1, 1, 1, 1}), k = tensor({0., std::log(3.) / 2}, {1, 1, 2, 1});
  const Tensor v = tensor({4., 8., 0., 16.}, {1, 1, 2, 2});
  EXPECT_TRUE(is_close(scaled_dot_product_attention(q, k, v), {1, 1, 1, 2}, {1, 14}, 1e-14));
  EXPECT_TRUE(is_close(attention_weights(q, k), {1, 1, 1, 2}, {.25, .75}, 1e-14));
  EXPECT_TRUE(
      is_close(scaled_dot_product_attention(q, k, v, {.scale = 0}), {1, 1, 1, 2}, {2, 12}, 1e-14));
}

// Two queries and four keys: the first sees three of them.
TEST(OpScaledDotProductAttention, KnownValuesOfCausalAreAlignedAtTheLastKey) {
  const Tensor q = zeros({1, 1, 2, 3}), k = ones({1, 1, 4, 3});
  const Tensor v = tensor({1.0F, 2.0F, 3.0F, 4.0F}, {1, 1, 4, 1});
  EXPECT_TRUE(is_close(scaled_dot_product_attention(q, k, v, {.causal = true}), {1, 1, 2, 1},
                       {2, 2.5}, 1e-6));
  // With more queries than keys, the first ones see none.
  const Tensor y = scaled_dot_product_attention(k, q, zeros({1, 1, 2, 1}) + 3, {.causal = true});
  EXPECT_TRUE(has_values(y, {1, 1, 4, 1}, {0, 0, 3, 3}));
}

TEST(OpScaledDotProductAttention, KnownValuesOfTheComposedForm) {
  for (const bool causal : {false, true}) {
    for (const bool side : {false, true}) {
      expect_composed({.causal = causal, .side_by_side = side});
      expect_composed({.H = 6, .lengths = {5, 2}, .causal = causal, .side_by_side = side});
      expect_composed({.mask = {2, 2, 3, 5}, .causal = causal, .side_by_side = side});
      expect_composed({.takes_part = {2, 2, 3, 5}, .causal = causal, .side_by_side = side});
      expect_composed({.Q = 9, .causal = causal, .scale = -0.7, .side_by_side = side});
      expect_composed({.Q = 1, .d = 1, .dv = 1, .causal = causal, .side_by_side = side});
      expect_composed(
          {.Q = 70, .K = 140, .d = 33, .dv = 50, .causal = causal, .side_by_side = side});
    }
  }
}

TEST(OpScaledDotProductAttention, KnownValuesOfTheComposedFormForMasksThatBroadcast) {
  for (const std::int64_t Q : {3, 9}) {
    for (const Shape& shape :
         {Shape{5}, Shape{Q, 1}, Shape{1, 5}, Shape{Q, 5}, Shape{2, Q, 5}, Shape{2, 1, 1},
          Shape{2, 1, Q, 5}, Shape{2, 1, 1, 5}, Shape{1}, Shape{2, 2, 1, 1}}) {
      expect_composed({.Q = Q, .mask = shape});
      expect_composed({.Q = Q, .takes_part = shape});
    }
    expect_composed({.H = 4, .Q = Q, .mask = {4, Q, 5}});
    expect_composed({.B = 3, .H = 4, .Q = Q, .mask = {3, 1, Q, 5}, .side_by_side = true});
  }
}

// All lengths up to beyond a block of keys, and around the size of a block of queries.
TEST(OpScaledDotProductAttention, KnownValuesOfTheComposedFormAroundAllBlocks) {
  for (const bool causal : {false, true}) {
    for (std::int64_t T = 1; T <= 70; ++T) {
      expect_composed({.B = 1, .H = 1, .kv_heads = 1, .Q = T, .K = T, .d = 3, .causal = causal});
    }
    for (const std::int64_t Q : {1, 5, 31, 32, 33, 63, 64, 65, 127, 128, 129, 260}) {
      for (const std::int64_t K : {1, 63, 64, 65, 129}) {
        expect_composed({.B = 1,
                         .H = 2,
                         .kv_heads = 1,
                         .Q = Q,
                         .K = K,
                         .d = 2,
                         .lengths = {K - K / 3},
                         .causal = causal,
                         .side_by_side = Q % 2 == 0});
      }
    }
  }
}

// Keys in ranges of their own, each with a share in the gradients of the queries.
TEST(OpScaledDotProductAttention, KnownValuesOfTheComposedFormForManyKeys) {
  for (const bool causal : {false, true}) {
    expect_composed({.B = 1, .H = 1, .kv_heads = 1, .Q = 140, .K = 1100, .d = 2, .causal = causal});
    expect_composed({.H = 2,
                     .kv_heads = 1,
                     .Q = 6,
                     .K = 1030,
                     .d = 2,
                     .lengths = {1030, 3},
                     .causal = causal,
                     .side_by_side = true});
  }
}

TEST(OpScaledDotProductAttention, KnownValuesOfFloat32AreThoseOfFloat64) {
  for (const bool causal : {false, true}) {
    for (const std::int64_t T :
         {1, 4, 5, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 70, 128, 129, 200}) {
      SCOPED_TRACE(T);
      const Form form{.Q = T, .K = T, .d = 17, .dv = 40, .lengths = {T, T / 2}, .causal = causal};
      const Problem single(form, DType::float32), exact(form);
      const Tensor y = single.run(), z = exact.run();
      EXPECT_TRUE(is_close(y, z.shape(), values_of(z), 2e-6));
      const auto actual = single.gradients(y), expected = exact.gradients(z);
      for (std::size_t k = 0; k < actual.size(); ++k) {
        EXPECT_TRUE(is_close(actual[k], expected[k].shape(), values_of(expected[k]), 1e-5)) << k;
      }
    }
  }
}

TEST(OpScaledDotProductAttention, KnownValuesOfLargeScores) {
  const Tensor q = leaf({1e4, -1e4}, {1, 1, 2, 1}), k = leaf({1, 0, -1}, {1, 1, 3, 1});
  const Tensor v = leaf({3, 5, 7}, {1, 1, 3, 1});
  const Tensor y = scaled_dot_product_attention(q, k, v);
  EXPECT_TRUE(has_values(y, {1, 1, 2, 1}, {3, 7}));
  sum(y).backward();
  EXPECT_EQ(gradient_of(q), (std::vector<double>{0, 0}));
  EXPECT_EQ(gradient_of(v), (std::vector<double>{1, 0, 1}));
}

TEST(OpScaledDotProductAttention, KnownValuesOfScoresFarBelowZero) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const std::int64_t Q : {2, 9}) {
      for (const double score : {-80., -89., -710., -1e4, -1e9}) {
        SCOPED_TRACE(testing::Message() << name(dtype) << " " << Q << " " << score);
        const Tensor q = ones({1, 1, Q, 1}, dtype), v = ones({1, 1, 70, 1}, dtype);
        const Tensor k = full({1, 1, 70, 1}, score, dtype);
        const std::vector<double> expected(static_cast<std::size_t>(Q), 1);
        EXPECT_TRUE(is_close(scaled_dot_product_attention(q, k, v), {1, 1, Q, 1}, expected, 1e-6));
      }
    }
  }
}

/// The op and attention_weights() give the same values and gradients.
void expect_weighted(const Problem& problem, double tolerance) {
  const Tensor y = problem.run();
  const Tensor expected =
      matmul(attention_weights(problem.q, problem.k, problem.options), problem.v);
  EXPECT_TRUE(is_close(y, expected.shape(), values_of(expected), tolerance));
  const auto actual = problem.gradients(y), gradients = problem.gradients(expected);
  for (std::size_t k = 0; k < actual.size(); ++k) {
    EXPECT_TRUE(is_close(actual[k], gradients[k].shape(), values_of(gradients[k]), tolerance)) << k;
  }
}

// The first block of keys, or more, is far below the others.
TEST(OpScaledDotProductAttention, KnownValuesOfMasksThatRise) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double tolerance = dtype == DType::float32 ? 1e-4 : 1e-12;
    for (const std::int64_t Q : {2, 9}) {
      for (const double low : {-100., -1e4, -1e9, -infinity}) {
        SCOPED_TRACE(testing::Message() << name(dtype) << " " << Q << " " << low);
        Problem problem({.Q = Q, .K = 100}, dtype);
        problem.options.mask = where(less(arange(100), 65), full({100}, low, dtype), 0);
        expect_weighted(problem, tolerance);
      }
    }
    for (const bool causal : {false, true}) {
      Problem problem({.H = 4, .kv_heads = 4, .Q = 400, .K = 400, .causal = causal}, dtype);
      problem.options.mask = alibi_mask(4, 400, 400, dtype);
      expect_weighted(problem, tolerance);
    }
  }
}

// Backward finds the weights of forward, which add up to 1, whatever the scores are.
TEST(OpScaledDotProductAttention, GradientOfLargeScoresHasTheWeightsOfTheValue) {
  for (const std::int64_t Q : {1, 4, 5}) {
    for (std::uint64_t seed = 1; seed < 20; ++seed) {
      const auto random = [&](std::int64_t time, std::uint64_t part) {
        return frozen(random_leaf({1, 1, time, 64}, seed + part, -170, 170)).to(DType::float32);
      };
      const Tensor v = zeros({1, 1, 20, 1}).set_trainable(true);
      sum(scaled_dot_product_attention(random(Q, 100), random(20, 200), v)).backward();
      double total = 0;
      for (const double weight : gradient_of(v)) total += weight;
      EXPECT_NEAR(total, static_cast<double>(Q), 1e-5);
    }
  }
}

TEST(OpScaledDotProductAttention, KnownValuesDoNotDependOnKeysThatABooleanMaskExcludes) {
  for (const std::int64_t Q : {3, 9}) {
    const Problem problem({.Q = Q, .K = 70, .takes_part = {70}});
    const auto run = [&] {
      const NoGradGuard no_grad;
      return values_of(problem.run());
    };
    const auto with_graph = values_of(problem.run()), without = run();
    const Tensor mask = reshape(problem.options.mask, {1, 1, 70, 1});
    for (const double value : {not_a_number, infinity}) {
      problem.k.detach().copy_(where(mask, problem.k.detach(), value));
      EXPECT_EQ(values_of(problem.run()), with_graph) << Q << " " << value;
      EXPECT_EQ(run(), without) << Q << " " << value;
    }
  }
}

TEST(OpScaledDotProductAttention, GradientOfAnExcludedScoreThatOverflowsIsZero) {
  for (const std::int64_t Q : {2, 9}) {
    const Tensor q = full({1, 1, Q, 1}, 1e30, DType::float32).set_trainable(true);
    const Tensor k = tensor({1e30F, 1.0F}, {1, 1, 2, 1}).set_trainable(true);
    const Tensor v = tensor({3.0F, 5.0F}, {1, 1, 2, 1}).set_trainable(true);
    const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = tensor({false, true})});
    EXPECT_TRUE(has_values(y, {1, 1, Q, 1}, std::vector<double>(static_cast<std::size_t>(Q), 5)));
    sum(y).backward();
    EXPECT_EQ(gradient_of(q), std::vector<double>(static_cast<std::size_t>(Q), 0));
    EXPECT_EQ(gradient_of(k), (std::vector<double>{0, 0}));
    EXPECT_EQ(gradient_of(v), (std::vector<double>{0, static_cast<double>(Q)}));
  }
}

TEST(OpScaledDotProductAttention, KnownValuesOfNanQueriesWithoutKeysAreZero) {
  for (const std::int64_t Q : {2, 9}) {
    const Problem problem({.Q = Q});
    AttentionOptions options;
    options.mask = full({Q, 5}, true, DType::boolean);
    options.mask.set_row(1, full({5}, false, DType::boolean));
    for (std::int64_t b = 0; b < 2; ++b) {
      for (std::int64_t h = 0; h < 2; ++h) {
        problem.q.detach()[b][h].set_row(1, full({4}, not_a_number, DType::float64));
      }
    }
    const auto run = [&] {
      return scaled_dot_product_attention(problem.q, problem.k, problem.v, options);
    };
    for (const Tensor& g : problem.gradients(run())) {
      for (const double value : values_of(g)) EXPECT_TRUE(std::isfinite(value));
    }
    EXPECT_TRUE(has_values(run()[1][0][1], {3}, {0, 0, 0}));
    const NoGradGuard no_grad;
    EXPECT_TRUE(has_values(run()[1][0][1], {3}, {0, 0, 0}));
  }
}

// Of rows without keys: by a mask of either kind, by lengths, by causal, or since there are none.
TEST(OpScaledDotProductAttention, KnownValuesOfQueriesWithoutKeysAreZero) {
  for (const std::int64_t Q : {2, 9}) {
    SCOPED_TRACE(Q);
    const Problem problem({.Q = Q, .K = 2, .lengths = {2, 0}});
    const Tensor some = random_mask({Q, 2});
    some.set_row(1, full({2}, false, DType::boolean));
    for (const Tensor& mask : {some, where(some, zeros({Q, 2}, DType::float64), -infinity)}) {
      AttentionOptions options = problem.options;
      options.mask = mask;
      const Tensor y = scaled_dot_product_attention(problem.q, problem.k, problem.v, options);
      const auto gradients = problem.gradients(y);
      for (std::int64_t h = 0; h < 2; ++h) {
        EXPECT_TRUE(has_values(y[0][h][1], {3}, {0, 0, 0}));
        EXPECT_TRUE(has_values(gradients[0][0][h][1], {4}, {0, 0, 0, 0}));
      }
      EXPECT_TRUE(
          has_values(y[1], {2, Q, 3}, std::vector<double>(static_cast<std::size_t>(6 * Q))));
      for (const Tensor& g : gradients) {
        for (const double value : values_of(g[1])) EXPECT_EQ(value, 0);
        for (const double value : values_of(g)) EXPECT_TRUE(std::isfinite(value));
      }
    }
  }
}

TEST(OpScaledDotProductAttention, KnownValuesOfEmptyInput) {
  for (const Form& form :
       {Form{.B = 0}, Form{.Q = 0}, Form{.K = 0}, Form{.dv = 0}, Form{.H = 0, .kv_heads = 0}}) {
    const Problem problem(form);
    const Tensor y = problem.run();
    EXPECT_EQ(y.shape(), (Shape{form.B, form.H, form.Q, form.dv}));
    for (const double value : values_of(y)) EXPECT_EQ(value, 0);
    for (const Tensor& g : problem.gradients(y)) {
      for (const double value : values_of(g)) EXPECT_EQ(value, 0);
    }
  }
  for (const std::int64_t Q : {3, 9}) {  // products of no elements are 0: the mean of the values
    const Tensor y = scaled_dot_product_attention(zeros({1, 1, Q, 0}), zeros({1, 1, 2, 0}),
                                                  tensor({1.0F, 2.0F}, {1, 1, 2, 1}));
    EXPECT_TRUE(
        is_close(y, {1, 1, Q, 1}, std::vector<double>(static_cast<std::size_t>(Q), 1.5), 1e-6));
  }
}

TEST(OpScaledDotProductAttention, KnownValuesDoNotDependOnPaddedKeys) {
  for (const std::int64_t Q : {3, 9, 70}) {
    for (const bool side : {false, true}) {
      const Problem problem({.Q = Q, .K = 70, .lengths = {66, 3}, .side_by_side = side});
      std::vector<std::vector<std::vector<double>>> results;
      for (const double padding : {7.0, not_a_number, infinity}) {
        const Tensor mask = reshape(length_mask(problem.options.lengths, 70),
                                    side ? Shape{2, 70, 1} : Shape{2, 1, 70, 1});
        for (const Tensor& x : {problem.k.detach(), problem.v.detach()}) {
          x.copy_(where(mask, x, padding));
        }
        const Tensor y = problem.run();
        results.push_back({values_of(y)});
        for (const Tensor& g : problem.gradients(y)) results.back().push_back(values_of(g));
      }
      EXPECT_EQ(results[1], results[0]);
      EXPECT_EQ(results[2], results[0]);
    }
  }
}

// A query whose output is not used, such as one in the padding, may hold anything.
TEST(OpScaledDotProductAttention, GradientOfACotangentOfZeroIsZero) {
  const Problem problem({.Q = 9});
  std::vector<std::vector<std::vector<double>>> results;
  for (const double padding : {7.0, not_a_number}) {
    for (std::int64_t b = 0; b < 2; ++b) {
      for (std::int64_t h = 0; h < 2; ++h) {
        problem.q.detach()[b][h].set_row(4, full({4}, padding, DType::float64));
      }
    }
    const Tensor y = problem.run(), g = frozen(random_leaf(y.shape(), 5));
    for (std::int64_t b = 0; b < 2; ++b) {
      for (std::int64_t h = 0; h < 2; ++h) g[b][h].set_row(4, zeros({3}, DType::float64));
    }
    y.backward(g);
    results.emplace_back();
    for (const Tensor& leaf : problem.leaves) {
      results.back().push_back(gradient_of(leaf));
      leaf.clear_grad();
    }
  }
  EXPECT_EQ(results[1], results[0]);
}

TEST(OpScaledDotProductAttention, KnownValuesKeepNan) {
  for (const std::int64_t Q : {2, 9}) {
    const Problem problem({.Q = Q});
    problem.k.detach()[1][0].set_row(2, full({4}, not_a_number, DType::float64));
    const Tensor y = problem.run();
    for (const double value : values_of(y[1][0])) EXPECT_TRUE(std::isnan(value));
    for (const double value : values_of(y[1][1])) EXPECT_FALSE(std::isnan(value));
    for (const double value : values_of(y[0])) EXPECT_FALSE(std::isnan(value));
  }
}

TEST(OpScaledDotProductAttention, Gradient) {
  for (const bool causal : {false, true}) {
    for (const Form& form :
         {Form{.Q = 4, .causal = causal}, Form{.Q = 9, .K = 3, .causal = causal},
          Form{.H = 6, .Q = 5, .lengths = {5, 1}, .causal = causal, .side_by_side = true},
          Form{.Q = 5, .mask = {2, 2, 5, 5}, .causal = causal},
          Form{.H = 4, .Q = 5, .mask = {5, 5}, .lengths = {2, 0}, .causal = causal},
          Form{.Q = 5, .takes_part = {2, 1, 5, 5}, .causal = causal, .scale = 0.3},
          Form{.Q = 5, .causal = causal, .dropout = 0.4}}) {
      EXPECT_TRUE(passes_gradcheck(run_of(form), leaves_of(form)()));
    }
  }
  for (const std::int64_t T : {2, 7, 8, 9, 15, 16, 17, 33, 63, 64, 65, 70}) {
    const Form form{
        .B = 1, .H = 1, .kv_heads = 1, .Q = T, .K = T, .d = 2, .dv = 2, .causal = T % 2 == 0};
    EXPECT_TRUE(passes_gradcheck(run_of(form), leaves_of(form)())) << T;
  }
}

TEST(OpScaledDotProductAttention, GradientOfFrozenInputsIsNotComputed) {
  for (std::size_t k = 0; k < 4; ++k) {
    const Problem problem({.Q = 9, .mask = {9, 5}});
    const auto all = problem.gradients(problem.run());
    for (std::size_t other = 0; other < 4; ++other) problem.leaves[other].set_trainable(other == k);
    const auto one = problem.gradients(problem.run());
    for (std::size_t other = 0; other < 4; ++other) {
      if (other == k) {
        EXPECT_EQ(values_of(one[k]), values_of(all[k]));
      } else {
        EXPECT_TRUE(problem.leaves[other].grad().empty());
      }
    }
  }
}

// The output is a mean of the values with weights that are multiplied by 0 or 1 / (1 - p).
TEST(OpScaledDotProductAttention, KnownValuesOfDropout) {
  const std::int64_t K = 128;
  const Tensor q = zeros({2, 2, 40, 3}, DType::float64), k = zeros({2, 2, K, 3}, DType::float64);
  const Tensor v = reshape(eye(K, DType::float64), {1, 1, K, K});
  Generator generator(5), other(6);
  const Tensor values = expand(v, {2, 2, K, K});
  const Tensor y = scaled_dot_product_attention(q, k, values, {.dropout = 0.25}, generator);
  std::int64_t kept = 0;
  for (const double weight : values_of(y)) {
    EXPECT_TRUE(weight == 0 || std::abs(weight * K - 1 / 0.75) < 1e-12) << weight;
    kept += weight != 0;
  }
  EXPECT_NEAR(static_cast<double>(kept) / static_cast<double>(y.numel()), 0.75, 0.01);
  EXPECT_EQ(generator.offset(), 2U * 2 * 40 * 128);
  const Tensor again = scaled_dot_product_attention(q, k, values, {.dropout = 0.25}, generator);
  EXPECT_NE(values_of(again), values_of(y));
  const Tensor nothing = scaled_dot_product_attention(q, k, values, {.dropout = 1}, generator);
  for (const double weight : values_of(nothing)) EXPECT_EQ(weight, 0);
  scaled_dot_product_attention(q, k, values, {}, other);
  EXPECT_EQ(other.offset(), 0U);
}

TEST(OpScaledDotProductAttention, DecodingInStepsOfAnySizeIsTheFullPass) {
  const std::int64_t T = 75;
  const Problem problem({.H = 4, .Q = T, .K = T, .causal = true});
  const NoGradGuard no_grad;
  const Tensor full_pass = problem.run();
  for (const std::int64_t step : {1, 2, 3, 4, 5, 7, 16, 33, 64, 74}) {
    std::vector<Tensor> parts;
    for (std::int64_t t = 0; t < T; t += step) {
      const std::int64_t end = std::min(t + step, T);
      parts.push_back(scaled_dot_product_attention(slice(problem.q, 2, t, end),
                                                   slice(problem.k, 2, 0, end),
                                                   slice(problem.v, 2, 0, end), {.causal = true}));
    }
    EXPECT_TRUE(is_close(cat(parts, 2), full_pass.shape(), values_of(full_pass), 1e-12)) << step;
  }
}

TEST(OpScaledDotProductAttention, TheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  for (const Form& form :
       {Form{.H = 4, .Q = 150, .K = 1100, .lengths = {1100, 900}, .causal = true},
        Form{.Q = 140, .K = 70, .mask = {140, 70}, .dropout = 0.1, .side_by_side = true},
        Form{.H = 4, .Q = 3, .K = 70}}) {
    std::vector<std::vector<double>> first;
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      set_parallel_grain(threads == 1 ? detail::default_parallel_grain : 1);
      const Problem problem(form, DType::float32);
      const Tensor y = problem.run();
      std::vector<std::vector<double>> bits{values_of(y)};
      for (const Tensor& g : problem.gradients(problem.in_heads(y))) bits.push_back(values_of(g));
      if (threads == 1) first = bits;
      EXPECT_EQ(bits, first) << threads;
    }
  }
}

// A tenth of what the scores would take.
TEST(OpScaledDotProductAttention, NeedsMemoryInProportionToTheQueries) {
  const OneThread one_thread;
  const std::int64_t T = 2048;
  for (const bool causal : {false, true}) {
    const Problem problem(
        {.B = 1, .H = 4, .kv_heads = 4, .Q = T, .K = T, .d = 16, .dv = 16, .causal = causal},
        DType::float32);
    const Tensor g = frozen(problem.q);
    reset_peak_memory();
    const std::int64_t before = memory_stats().live;
    const Tensor y = problem.run();
    y.backward(g);
    const std::int64_t results = 4 * problem.q.numel() * 4;  // the output and three gradients
    EXPECT_LT(memory_stats().peak - before - results, 4 * T * T * 4 / 10);
  }
}

TEST(OpScaledDotProductAttention, BrokenInput) {
  const Tensor q = zeros({2, 4, 3, 8}), k = zeros({2, 2, 5, 8}), v = zeros({2, 2, 5, 6});
  const auto run = [&](const AttentionOptions& options) {
    return [&, options] { scaled_dot_product_attention(q, k, v, options); };
  };
  const auto attend = [](const Tensor& a, const Tensor& b, const Tensor& c) {
    return scaled_dot_product_attention(a, b, c);
  };
  EXPECT_ERROR(attend(zeros({2, 3, 32}), k, v), ShapeError,
               "scaled_dot_product_attention: q is [2, 3, 32], it must be [batch, heads, time, "
               "size]: for [batch, time, heads * size], set num_heads");
  EXPECT_ERROR(run({.num_heads = 4})(), ShapeError,
               "scaled_dot_product_attention: q is [2, 4, 3, 8], it must be [batch, time, heads * "
               "size] with num_heads: without it, [batch, heads, time, size]");
  EXPECT_ERROR(scaled_dot_product_attention(zeros({2, 3, 9}), k, v, {.num_heads = 4}), ShapeError,
               "scaled_dot_product_attention: q is [2, 3, 9], its last axis is not a multiple of "
               "num_heads, 4");
  EXPECT_ERROR(scaled_dot_product_attention(zeros({2, 3, 8}), k, v, {.num_heads = 0}), ValueError,
               "scaled_dot_product_attention: num_heads is 0, it must be at least 1");
  EXPECT_ERROR(attend(q, zeros({2, 3, 5, 8}), v), ShapeError,
               "scaled_dot_product_attention: k is [2, 3, 5, 8], q is [2, 4, 3, 8]: it must be [2, "
               "heads, keys, 8], where the heads of q are a multiple of those of k");
  EXPECT_THROW(attend(q, zeros({2, 4, 5, 7}), v), ShapeError);
  EXPECT_THROW(attend(q, zeros({1, 4, 5, 8}), v), ShapeError);
  EXPECT_THROW(attend(q, zeros({4, 5, 8}), v), ShapeError);
  EXPECT_THROW(attend(q, zeros({2, 0, 5, 8}), v), ShapeError);
  EXPECT_THROW(scaled_dot_product_attention(zeros({2, 3, 8}), zeros({2, 5, 6}), zeros({2, 5, 6}),
                                            {.num_heads = 2}),
               ShapeError);
  EXPECT_ERROR(attend(q, k, zeros({2, 2, 4, 6})), ShapeError,
               "scaled_dot_product_attention: v is [2, 2, 4, 6], k is [2, 2, 5, 8]: v must have "
               "the batch, the heads (2) and the times of k");
  EXPECT_THROW(attend(q, k, zeros({2, 4, 5, 6})), ShapeError);
  EXPECT_THROW(attend(q, k, zeros({2, 5, 6})), ShapeError);
  EXPECT_ERROR(run({.mask = zeros({3, 4})})(), ShapeError,
               "scaled_dot_product_attention: the mask is [3, 4], it must broadcast to [2, 4, 3, "
               "5], [batch, heads, queries, keys]");
  EXPECT_THROW(run({.mask = zeros({1, 2, 4, 3, 5})})(), ShapeError);
  EXPECT_THROW(run({.mask = zeros({2, 3, 5})})(), ShapeError);
  EXPECT_ERROR(run({.mask = zeros({3, 5}, DType::int64)})(), DTypeError,
               "scaled_dot_product_attention: the mask is int64: it must be boolean, true where a "
               "query takes part with a key, or float32 to be added to the scores: greater(mask, "
               "0) makes a boolean one of 0 and 1");
  EXPECT_THROW(run({.mask = zeros({3, 5}, DType::float64)})(), DTypeError);
  EXPECT_ERROR(run({.mask = tensor({3, 5})})(), DTypeError,
               "scaled_dot_product_attention: the mask is int64 [2]: the lengths of sequences "
               "belong in .lengths");
  EXPECT_ERROR(run({.lengths = tensor({5, 6})})(), IndexError,
               "scaled_dot_product_attention: length 6 at position [1] is outside [0, 5]: k is [2, "
               "2, 5, 8]");
  EXPECT_THROW(run({.lengths = tensor({-1, 5})})(), IndexError);
  EXPECT_ERROR(run({.lengths = tensor({5})})(), ShapeError,
               "scaled_dot_product_attention: lengths are [1], k is [2, 2, 5, 8]: one length per "
               "sequence is needed, [2]");
  EXPECT_ERROR(run({.lengths = zeros({2})})(), DTypeError,
               "scaled_dot_product_attention: lengths are float32, int64 is needed: convert them "
               "with to(DType::int64)");
  EXPECT_ERROR(run({.dropout = 1.5})(), ValueError,
               "scaled_dot_product_attention: dropout is 1.5, it must be between 0 and 1");
  EXPECT_THROW(run({.dropout = not_a_number})(), ValueError);
  EXPECT_ERROR(run({.scale = infinity})(), ValueError,
               "scaled_dot_product_attention: scale is inf, it must be finite");
  EXPECT_ERROR(attend(q, k.to(DType::float64), v), DTypeError,
               "scaled_dot_product_attention: k is float64, q is float32: convert one with to()");
  EXPECT_THROW(attend(q, k, v.to(DType::float64)), DTypeError);
  EXPECT_THROW(attend(zeros({2, 4, 3, 8}, DType::int64), k, v), DTypeError);
}

TEST(AttentionWeights, AreThoseOfTheOp) {
  for (const bool side : {false, true}) {
    for (const Form& form :
         {Form{.H = 4, .mask = {3, 5}, .lengths = {5, 0}, .causal = true, .side_by_side = side},
          Form{.Q = 7, .takes_part = {7, 5}, .scale = 2, .side_by_side = side}}) {
      const Problem problem(form);
      const Tensor p = attention_weights(problem.q, problem.k, problem.options);
      const Tensor values = side ? apart(problem.v, form.kv_heads) : problem.v;
      const Tensor y = matmul(p, repeat_interleave(values, form.H / form.kv_heads, 1));
      const Tensor expected = problem.in_heads(problem.run());
      EXPECT_TRUE(is_close(y, expected.shape(), values_of(expected), 1e-13));
      const auto actual = problem.gradients(y), gradients = problem.gradients(expected);
      for (std::size_t k = 0; k < actual.size(); ++k) {
        EXPECT_TRUE(is_close(actual[k], gradients[k].shape(), values_of(gradients[k]), 1e-12));
      }
    }
  }
}

TEST(AttentionWeights, DoNotDependOnPaddedKeys) {
  const Problem problem({.lengths = {5, 3}});
  const auto run = [&] {
    const Tensor p = attention_weights(problem.q, problem.k, problem.options);
    std::vector<std::vector<double>> results{values_of(p)};
    for (const Tensor& g : problem.gradients(p)) results.push_back(values_of(g));
    return results;
  };
  const auto before = run();
  for (std::int64_t h = 0; h < 2; ++h) {
    problem.k.detach()[1][h].set_row(3, full({4}, not_a_number, DType::float64));
  }
  EXPECT_EQ(run(), before);
}

TEST(LengthMask, IsTrueWhereAnElementBelongsToItsSequence) {
  EXPECT_TRUE(has_values(length_mask(tensor({2, 0, 3}), 3), {3, 3}, {1, 1, 0, 0, 0, 0, 1, 1, 1}));
  EXPECT_ERROR(length_mask(tensor({4}), 3), IndexError,
               "length_mask: length 4 at position [0] is outside [0, 3]: T is 3");
  EXPECT_THROW(length_mask(tensor({1}), -1), ValueError);
  EXPECT_THROW(length_mask(zeros({2, 2}, DType::int64), 3), ShapeError);
  EXPECT_THROW(length_mask(zeros({2}), 3), DTypeError);
}

TEST(ZeroPadding, ClearsWhatComesAfterTheEnd) {
  const Tensor x = leaf({1, 2, 3, not_a_number, 5, 6, 7, infinity}, {2, 2, 2});
  const Tensor y = zero_padding(x, tensor({1, 1}));
  EXPECT_TRUE(has_values(y, {2, 2, 2}, {1, 2, 0, 0, 5, 6, 0, 0}));
  sum(y * y).backward();
  EXPECT_EQ(gradient_of(x), (std::vector<double>{2, 4, 0, 0, 10, 12, 0, 0}));
  EXPECT_TRUE(zero_padding(x, {}).is_same(x));
  EXPECT_THROW(zero_padding(zeros({2}), tensor({1, 1})), ShapeError);
  EXPECT_THROW(zero_padding(x, tensor({1, 3})), IndexError);
}

/// Attention of 6 heads of size 4 over T elements, packed or in slices; the gradients follow.
std::vector<Tensor> attention_of_parts(bool packed, std::int64_t kv_heads, std::int64_t T,
                                       AttentionOptions options, DType dtype) {
  const std::int64_t q = 6 * 4, kv = kv_heads * 4;
  const Tensor x = random_leaf({2, T, q + 2 * kv}).detach().to(dtype).set_trainable(true);
  if (options.mask.defined() && options.mask.dtype() != DType::boolean)
    options.mask = options.mask.clone().set_trainable(true);
  options.num_heads = 6;
  Generator generator(3);
  const Tensor y =
      packed ? detail::attention_of_packed(x, kv_heads, options, generator)
             : scaled_dot_product_attention(slice(x, 2, 0, q), slice(x, 2, q, q + kv),
                                            slice(x, 2, q + kv, q + 2 * kv), options, generator);
  y.backward(frozen(random_leaf(y.shape(), 2)).to(dtype));
  std::vector<Tensor> all{y.detach(), x.grad().dense()};
  if (options.mask.defined() && options.mask.trainable())
    all.push_back(options.mask.grad().dense());
  return all;
}

TEST(OpScaledDotProductAttention, OfPackedOperandsIsThatOfTheirSlices) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    for (const std::int64_t T : {1, 3, 5, 70}) {
      const std::vector<AttentionOptions> all{
          {},
          {.causal = true},
          {.lengths = tensor(std::vector<std::int64_t>{T, T / 2}), .causal = true},
          {.mask = random_mask({2, 1, T, T})},
          {.mask = frozen(random_leaf({6, T, T}, 5)).to(dtype)},
          {.dropout = 0.5}};
      for (const AttentionOptions& options : all) {
        for (const std::int64_t kv_heads : {6, 2, 1}) {
          const auto packed = attention_of_parts(true, kv_heads, T, options, dtype);
          const auto apart = attention_of_parts(false, kv_heads, T, options, dtype);
          for (std::size_t i = 0; i < packed.size(); ++i)
            EXPECT_TRUE(is_close(packed[i], apart[i].shape(), values_of(apart[i]), 0))
                << kv_heads << " of " << T << ": " << i;
        }
      }
    }
  }
}

TEST(OpScaledDotProductAttention, OfPackedOperandsThatAreFrozenHasGradientsOfTheMask) {
  const Tensor x = frozen(random_leaf({2, 3, 3 * 4})), mask = random_leaf({3, 3});
  Generator generator(3);
  sum(detail::attention_of_packed(x, 2, {.mask = mask, .num_heads = 2}, generator)).backward();
  EXPECT_FALSE(x.requires_grad());
  EXPECT_EQ(mask.grad().dense().shape(), mask.shape());
}

}  // namespace
}  // namespace gradus
