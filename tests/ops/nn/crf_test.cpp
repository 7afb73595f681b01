#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/crf.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

using Labels = std::vector<std::int64_t>;

/// Sizes of a problem, and what it has beside emissions.
struct Form {
  std::int64_t B = 3, T = 4, C = 3;
  bool transitions = true, start = true, end = true;
  bool constraints = false;
  Labels lengths = {};
};

/// One labeling of a sequence, and its score.
struct Labeling {
  Labels labels;
  double score;
};

struct Problem {
  explicit Problem(const Form& f, DType dtype = DType::float64) : form(f) {
    emissions = add({f.B, f.T, f.C}, dtype);
    if (f.transitions) scores.transitions = add({f.C, f.C}, dtype);
    if (f.start) scores.start = add({f.C}, dtype);
    if (f.end) scores.end = add({f.C}, dtype);
    if (!f.lengths.empty()) options.lengths = tensor(f.lengths);
    if (!f.constraints) return;
    // All but 0 after 1, the last label at the start, and 1 at the end of three labels.
    options.constraints = {ones({f.C, f.C}).to(DType::boolean), ones({f.C}).to(DType::boolean),
                           ones({f.C}).to(DType::boolean)};
    options.constraints.transitions.mutable_data<bool>()[f.C == 1 ? 0 : f.C] = f.C == 1;
    options.constraints.start.mutable_data<bool>()[f.C - 1] = f.C == 1;
    if (f.C == 3) options.constraints.end.mutable_data<bool>()[1] = false;
  }

  std::int64_t length(std::int64_t b) const {
    return form.lengths.empty() ? form.T : form.lengths[static_cast<std::size_t>(b)];
  }
  std::size_t size(std::int64_t b) const { return static_cast<std::size_t>(length(b)); }

  /// The definition: -infinity for a labeling that is not allowed.
  double score(std::int64_t b, const Labels& y) const {
    if (y.empty()) return 0;
    double sum = value(scores.start, y[0]) + value(scores.end, y.back());
    bool allowed = flag(options.constraints.start, y[0]) && flag(options.constraints.end, y.back());
    for (std::size_t t = 0; t < y.size(); ++t) {
      sum += value(emissions, (b * form.T + static_cast<std::int64_t>(t)) * form.C + y[t]);
      if (t == 0) continue;
      sum += value(scores.transitions, y[t - 1] * form.C + y[t]);
      allowed = allowed && flag(options.constraints.transitions, y[t - 1] * form.C + y[t]);
    }
    return allowed ? sum : -infinity;
  }

  /// All labelings that are allowed.
  std::vector<Labeling> all(std::int64_t b) const {
    std::vector<Labeling> found;
    Labels y(size(b), 0);
    for (;;) {
      if (const double s = score(b, y); s != -infinity) found.push_back({y, s});
      std::size_t t = 0;
      while (t < y.size() && ++y[t] == form.C) y[t++] = 0;
      if (t == y.size()) return found;
    }
  }

  double log_z(std::int64_t b) const {
    double sum = 0;
    for (const Labeling& labeling : all(b)) sum += std::exp(labeling.score);
    return std::log(sum);
  }

  /// Labels [B, T], those of sequence b being y; 7 after their end, and 0 in the other sequences.
  Tensor labels(std::int64_t b, const Labels& y) const {
    Labels values(static_cast<std::size_t>(form.B * form.T), 0);
    const auto row = values.begin() + b * form.T;
    std::fill(row, row + form.T, 7);
    std::copy(y.begin(), y.end(), row);
    return tensor(values, {form.B, form.T});
  }

  Form form;
  Tensor emissions;
  CrfScores scores;
  CrfOptions options;
  std::vector<Tensor> leaves;

 private:
  static double value(const Tensor& x, std::int64_t i) {
    return x.defined() ? values_of(x)[static_cast<std::size_t>(i)] : 0;
  }
  static bool flag(const Tensor& x, std::int64_t i) { return !x.defined() || x.data<bool>()[i]; }

  Tensor add(const Shape& shape, DType dtype) {
    leaves.push_back(frozen(random_leaf(shape, leaves.size() + 1)).to(dtype).set_trainable(true));
    return leaves.back();
  }
};

/// Every choice of what is there, for every number of labels up to 3 and every length up to 5.
std::vector<Form> small_forms() {
  std::vector<Form> forms;
  for (std::int64_t C = 1; C <= 3; ++C) {
    for (int bits = 0; bits < 16; ++bits) {
      const auto has = [=](int bit) { return (bits >> bit & 1) == 1; };
      forms.push_back({.B = 6,
                       .T = 5,
                       .C = C,
                       .transitions = has(0),
                       .start = has(1),
                       .end = has(2),
                       .constraints = has(3),
                       .lengths = {3, 0, 5, 1, 2, 4}});
    }
  }
  return forms;
}

std::string text_of(const Form& f) {
  return std::to_string(f.C) + " labels, " + (f.transitions ? "transitions " : "") +
         (f.start ? "start " : "") + (f.end ? "end " : "") + (f.constraints ? "constraints" : "");
}

template <class F>
void for_small_forms(F f) {
  for (const Form& form : small_forms()) {
    SCOPED_TRACE(text_of(form));
    f(Problem(form));
  }
}

Tensor log_z_of(const Problem& p) { return crf_log_partition(p.emissions, p.scores, p.options); }

std::function<Inputs()> leaves_of(const Form& form) {
  return [form] { return Problem(form).leaves; };
}

/// Labels that the constraints of Problem allow for three labels.
Tensor some_labels() { return tensor({0, 2, 1, 2, 1, 1, 2, 0, 0, 0, 0, 0}, {3, 4}); }

std::function<Tensor(const Inputs&)> apply(const Form& form, bool likelihood) {
  return [=](const Inputs& in) {
    Problem p(form);
    std::size_t k = 1;
    for (Tensor* scores : {&p.scores.transitions, &p.scores.start, &p.scores.end}) {
      if (scores->defined()) *scores = in[k++];
    }
    if (!likelihood) return crf_log_partition(in[0], p.scores, p.options);
    return crf_log_likelihood(in[0], some_labels(), p.scores, p.options);
  };
}

const Form whole{}, ragged{.lengths = {2, 0, 4}};
const Form constrained{.constraints = true, .lengths = {4, 4, 1}};
const Form bare{.transitions = false, .start = false, .end = false};
const Form middle{.start = false, .end = false, .lengths = {1, 2, 3}};

const OpCases cases{
    OpCase{"crf_log_likelihood", "all scores", leaves_of(whole), apply(whole, true)},
    OpCase{"crf_log_likelihood", "lengths", leaves_of(ragged), apply(ragged, true)},
    OpCase{"crf_log_likelihood", "constraints", leaves_of(constrained), apply(constrained, true)},
    OpCase{"crf_log_likelihood", "no scores", leaves_of(bare), apply(bare, true)},
    OpCase{"crf_log_partition", "all scores", leaves_of(whole), apply(whole, false)},
    OpCase{"crf_log_partition", "constraints", leaves_of(constrained), apply(constrained, false)},
    OpCase{"crf_log_partition", "transitions", leaves_of(middle), apply(middle, false)},
};

TEST(OpCrfLogLikelihood, KnownValues) {
  const Tensor emissions = tensor({1.0, 2.0, 0.5, -0.5}, {1, 2, 2});
  const CrfScores scores{tensor({.1, .2, .3, .4}, {2, 2}), tensor({.5, -.5}), tensor({0.0, 1.0})};
  EXPECT_TRUE(is_close(crf_log_partition(emissions, scores), {1}, {3.6425355295}, 1e-10));
  EXPECT_TRUE(is_close(crf_log_likelihood(emissions, tensor({1, 1}, {1, 2}), scores), {1},
                       {-1.2425355295}, 1e-10));
  const CrfPaths best = crf_decode(emissions, scores);
  EXPECT_TRUE(has_values(best.labels, {1, 2}, {1, 1}));
  EXPECT_TRUE(is_close(best.scores, {1}, {2.4}, 1e-15));
  const CrfPaths all = crf_n_best(emissions, 4, scores);
  EXPECT_TRUE(has_values(all.labels, {1, 4, 2}, {1, 1, 1, 0, 0, 1, 0, 0}));
  EXPECT_TRUE(is_close(all.scores, {1, 4}, {2.4, 2.3, 2.2, 2.1}, 1e-15));
}

TEST(OpCrfLogLikelihood, KnownValuesOfAllLabelings) {
  for_small_forms([](const Problem& p) {
    const NoGradGuard no_grad;
    for (std::int64_t b = 0; b < p.form.B; ++b) {
      const double log_z = p.log_z(b);
      double total = 0;
      for (const Labeling& labeling : p.all(b)) {
        const Tensor labels = p.labels(b, labeling.labels);
        // The other sequences have labels that may not be allowed.
        const Tensor y = crf_log_likelihood(
            slice(p.emissions, 0, b, b + 1), slice(labels, 0, b, b + 1), p.scores,
            {.lengths = tensor({p.length(b)}), .constraints = p.options.constraints});
        EXPECT_TRUE(is_close(y, {1}, {labeling.score - log_z}, 1e-12));
        EXPECT_LE(y.item(), 0);
        total += std::exp(y.item());
      }
      EXPECT_NEAR(total, 1, 1e-12) << "length " << p.length(b);
    }
  });
}

TEST(OpCrfLogPartition, KnownValuesOfAllLabelings) {
  for_small_forms([](const Problem& p) {
    std::vector<double> expected;
    for (std::int64_t b = 0; b < p.form.B; ++b) expected.push_back(p.log_z(b));
    EXPECT_TRUE(is_close(log_z_of(p), {p.form.B}, expected, 1e-12));
  });
}

/// The probability of each label, by enumeration; and the expected counts of pairs of labels,
/// first and last labels over all sequences.
struct Expectations {
  explicit Expectations(const Problem& p)
      : marginals(static_cast<std::size_t>(p.form.B * p.form.T * p.form.C)),
        pairs(static_cast<std::size_t>(p.form.C * p.form.C)),
        start(static_cast<std::size_t>(p.form.C)),
        end(start) {
    for (std::int64_t b = 0; b < p.form.B; ++b) {
      const double log_z = p.log_z(b);
      for (const auto& [y, score] : p.all(b)) {
        if (y.empty()) continue;
        const double probability = std::exp(score - log_z);
        for (std::size_t t = 0; t < y.size(); ++t) {
          const auto at = static_cast<std::int64_t>(t);
          add(marginals, (b * p.form.T + at) * p.form.C + y[t], probability);
          if (t > 0) add(pairs, y[t - 1] * p.form.C + y[t], probability);
        }
        add(start, y[0], probability);
        add(end, y.back(), probability);
      }
    }
  }
  static void add(std::vector<double>& to, std::int64_t i, double value) {
    to[static_cast<std::size_t>(i)] += value;
  }
  std::vector<double> marginals, pairs, start, end;
};

TEST(OpCrfLogPartition, GradientIsTheMarginalsAndExpectedCounts) {
  for_small_forms([](const Problem& p) {
    const Expectations expected(p);
    sum(log_z_of(p)).backward();
    const auto is = [](const Tensor& leaf, const std::vector<double>& values) {
      return !leaf.defined() || is_close(leaf.grad().dense(), leaf.shape(), values, 1e-12);
    };
    EXPECT_TRUE(is(p.emissions, expected.marginals));
    EXPECT_TRUE(is(p.scores.transitions, expected.pairs));
    EXPECT_TRUE(is(p.scores.start, expected.start));
    EXPECT_TRUE(is(p.scores.end, expected.end));
    const NoGradGuard no_grad;
    EXPECT_TRUE(is_close(crf_marginals(p.emissions, p.scores, p.options), p.emissions.shape(),
                         expected.marginals, 1e-12));
  });
}

TEST(OpCrfLogLikelihood, Gradient) {
  for (const Form& form : {whole, ragged, constrained, bare, middle}) {
    EXPECT_TRUE(passes_gradcheck(apply(form, true), leaves_of(form)())) << text_of(form);
  }
}

TEST(OpCrfLogPartition, Gradient) {
  for (const Form& form : small_forms()) {
    if (form.C < 3) continue;
    EXPECT_TRUE(passes_gradcheck(apply(form, false), leaves_of(form)())) << text_of(form);
  }
}

TEST(OpCrfLogPartition, GradientOfEachInputAlone) {
  const std::vector<Tensor> all = Problem(ragged).leaves;
  sum(apply(ragged, true)(all)).backward();
  for (std::size_t k = 0; k < all.size(); ++k) {
    const std::vector<Tensor> alone = Problem(ragged).leaves;
    for (std::size_t i = 0; i < all.size(); ++i) alone[i].set_trainable(i == k);
    sum(apply(ragged, true)(alone)).backward();
    for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(alone[i].grad().empty(), i != k);
    EXPECT_EQ(gradient_of(alone[k]), gradient_of(all[k]));
  }
}

/// log Z and the marginals of one sequence, in long double and logarithms, pair by pair.
struct Slow {
  using Real = long double;
  explicit Slow(const Problem& p) : C(static_cast<std::size_t>(p.form.C)), T(p.size(0)) {
    const auto x = values_of(p.emissions);
    const auto bounds = [&](const Tensor& scores, const Tensor& allowed) {
      std::vector<Real> all(C, 0);
      for (std::size_t i = 0; i < C; ++i) {
        if (scores.defined()) all[i] = values_of(scores)[i];
        if (allowed.defined() && !allowed.data<bool>()[i]) all[i] = none;
      }
      return all;
    };
    const auto start = bounds(p.scores.start, p.options.constraints.start);
    const auto end = bounds(p.scores.end, p.options.constraints.end);
    std::vector<Real> pairs(C * C, 0);
    for (std::size_t i = 0; i < C * C; ++i) {
      const Tensor& allowed = p.options.constraints.transitions;
      if (p.scores.transitions.defined()) pairs[i] = values_of(p.scores.transitions)[i];
      if (allowed.defined() && !allowed.data<bool>()[i]) pairs[i] = none;
    }
    std::vector<std::vector<Real>> forward(T), back(T, end);
    for (std::size_t t = 0; t < T; ++t) {
      for (std::size_t j = 0; j < C; ++j) {
        std::vector<Real> terms{start[j]};
        if (t > 0) terms = forward[t - 1];
        for (std::size_t i = 0; t > 0 && i < C; ++i) terms[i] += pairs[i * C + j];
        forward[t].push_back(log_sum(terms) + x[t * C + j]);
      }
    }
    for (std::size_t t = T - 1; t > 0; --t) {
      for (std::size_t i = 0; i < C; ++i) {
        std::vector<Real> terms = back[t];
        for (std::size_t j = 0; j < C; ++j) terms[j] += pairs[i * C + j] + x[t * C + j];
        back[t - 1][i] = log_sum(terms);
      }
    }
    for (std::size_t t = 0; t < T; ++t) {
      for (std::size_t j = 0; j < C; ++j) back[t][j] += forward[t][j];
      log_z = log_sum(back[t]);
      for (const Real joint : back[t]) {
        marginals.push_back(static_cast<double>(std::exp(joint - log_z)));
      }
    }
  }
  static Real log_sum(const std::vector<Real>& terms) {
    const Real most = *std::max_element(terms.begin(), terms.end());
    if (most == none) return none;
    Real sum = 0;
    for (const Real term : terms) sum += std::exp(term - most);
    return most + std::log(sum);
  }
  static constexpr Real none = -std::numeric_limits<Real>::infinity();
  std::size_t C, T;
  Real log_z = 0;
  std::vector<double> marginals;
};

void expect_slow(const Problem& p, double tolerance) {
  const Slow slow(p);
  const Tensor log_z = log_z_of(p);
  EXPECT_TRUE(is_close(log_z, {1}, {static_cast<double>(slow.log_z)}, tolerance));
  sum(log_z).backward();
  EXPECT_TRUE(is_close(p.emissions.grad().dense(), p.emissions.shape(), slow.marginals, tolerance));
  for (const Tensor& leaf : p.leaves) {
    for (const double g : gradient_of(leaf)) EXPECT_TRUE(g >= 0 && std::isfinite(g));
  }
  // A pair of labels for each element but the first.
  double pairs = 0;
  for (const double g : gradient_of(p.scores.transitions)) pairs += g;
  EXPECT_NEAR(pairs, static_cast<double>(p.form.T - 1), tolerance * static_cast<double>(p.form.T));
}

TEST(OpCrfLogPartition, KnownValuesOfTenThousandElementsInFloat32) {
  expect_slow(Problem({.B = 1, .T = 10000, .C = 5}, DType::float32), 2e-7);
  expect_slow(Problem({.B = 1, .T = 10000, .C = 3}), 1e-11);
}

TEST(OpCrfLogPartition, KnownValuesOfManyLabels) {
  for (const std::int64_t C : {4, 7, 8, 9, 16, 17, 33, 40, 70}) {
    SCOPED_TRACE(C);
    expect_slow(Problem({.B = 1, .T = 6, .C = C}), 1e-12);
  }
}

TEST(OpCrfLogPartition, KnownValuesOfScoresThatAreFarApart) {
  for (const double size : {10.0, 100.0, 1e3, 1e4, 1e6}) {
    SCOPED_TRACE(size);
    const Problem p({.B = 1, .T = 30, .C = 9});
    {
      const NoGradGuard no_grad;
      for (const Tensor& leaf : p.leaves) leaf.mul_(size);
    }
    expect_slow(p, 1e-10);
  }
}

// A labeling whose first half is nearly impossible is the only one that its end allows.
TEST(OpCrfLogPartition, KnownValuesWhereTheLikelyLabelsMayNotEnd) {
  const Problem p({.B = 1, .T = 100, .C = 3});
  const NoGradGuard no_grad;
  for (std::int64_t t = 0; t < 100; ++t) p.emissions.mutable_data<double>()[3 * t] += 50;
  Problem ends = p;
  ends.options.constraints.end = tensor({false, true, false});
  // From 0 to 0 alone, and from the others to the others.
  ends.options.constraints.transitions =
      tensor({true, false, false, false, true, true, false, true, true}, {3, 3});
  const Slow slow(ends);
  EXPECT_TRUE(is_close(log_z_of(ends), {1}, {static_cast<double>(slow.log_z)}, 1e-12));
  EXPECT_TRUE(is_close(crf_marginals(ends.emissions, ends.scores, ends.options), {1, 100, 3},
                       slow.marginals, 1e-12));
  EXPECT_TRUE(is_close(select(crf_marginals(ends.emissions, ends.scores, ends.options), 2, 0),
                       {1, 100}, std::vector<double>(100, 0), 0));
}

TEST(OpCrfLogPartition, KnownValuesOfInfiniteEmissions) {
  const Problem p({.B = 1, .T = 5, .C = 3});
  {
    const NoGradGuard no_grad;
    for (const std::int64_t i : {0, 1, 5, 9}) p.emissions.mutable_data<double>()[i] = -infinity;
    p.scores.transitions.mutable_data<double>()[2] = -infinity;
  }
  expect_slow(p, 1e-12);
}

TEST(OpCrfLogPartition, KnownValuesWithoutALabeling) {
  const Problem p({.B = 3, .T = 2, .C = 2, .lengths = {2, 0, 1}});
  CrfOptions options = p.options;
  options.constraints.start = tensor({true, false});
  options.constraints.end = tensor({false, true});
  options.constraints.transitions = tensor({true, false, false, true}, {2, 2});
  const Tensor y = crf_log_partition(p.emissions, p.scores, options);
  EXPECT_TRUE(has_values(y, {3}, {-infinity, 0, -infinity}));
  sum(y).backward();
  for (const Tensor& leaf : p.leaves) {
    for (const double g : gradient_of(leaf)) EXPECT_EQ(g, 0);
  }
  const NoGradGuard no_grad;
  EXPECT_TRUE(has_values(crf_marginals(p.emissions, p.scores, options), {3, 2, 2},
                         std::vector<double>(12, 0)));
  const CrfPaths best = crf_decode(p.emissions, p.scores, options);
  EXPECT_TRUE(has_values(best.labels, {3, 2}, std::vector<double>(6, 0)));
  EXPECT_TRUE(has_values(best.scores, {3}, {-infinity, 0, -infinity}));
}

TEST(OpCrfLogLikelihood, KnownValuesOfAnImpossibleEmission) {
  const Tensor x = leaf({0, -infinity, 1, 0.5}, {1, 2, 2});
  const Tensor y = crf_log_likelihood(x, tensor({1, 0}, {1, 2}));
  EXPECT_TRUE(has_values(y, {1}, {-infinity}));
  y.backward(ones({1}, DType::float64));
  const double p = 1 / (1 + std::exp(-0.5));  // as cross_entropy(): one-hot less softmax
  EXPECT_TRUE(is_close(x.grad().dense(), {1, 2, 2}, {-1, 1, 1 - p, p - 1}, 1e-12));
}

TEST(OpCrfLogPartition, KnownValuesKeepNanInItsSequence) {
  const Problem p(ragged);
  {
    const NoGradGuard no_grad;
    p.emissions.mutable_data<double>()[2 * 12 + 7] = not_a_number;
  }
  const auto values = values_of(log_z_of(p));
  EXPECT_TRUE(std::isfinite(values[0]) && values[1] == 0 && std::isnan(values[2]));
}

TEST(OpCrfLogLikelihood, KnownValuesDoNotDependOnThePadding) {
  std::vector<std::vector<double>> seen;
  for (const double padding : {1.0, not_a_number}) {
    const Problem p({.lengths = {2, 0, 3}});
    const Tensor labels = tensor({0, 1, -100, 99, -1, -1, -1, -1, 2, 1, 0, 7}, {3, 4});
    {
      const NoGradGuard no_grad;
      double* x = p.emissions.mutable_data<double>();
      std::fill(x + 2 * 3, x + 2 * 12, padding);
      std::fill(x + 2 * 12 + 9, x + 3 * 12, padding);
    }
    const Tensor y = crf_log_likelihood(p.emissions, labels, p.scores, p.options);
    sum(y).backward();
    std::vector<double> all = values_of(y);
    for (const Tensor& leaf : p.leaves) {
      for (const double g : gradient_of(leaf)) all.push_back(g);
    }
    const NoGradGuard no_grad;
    for (const CrfPaths& paths : {crf_decode(p.emissions, p.scores, p.options),
                                  crf_n_best(p.emissions, 3, p.scores, p.options)}) {
      for (const double v : values_of(paths.labels)) all.push_back(v);
      for (const double v : values_of(paths.scores)) all.push_back(v);
    }
    for (const double v : values_of(crf_marginals(p.emissions, p.scores, p.options))) {
      all.push_back(v);
    }
    seen.push_back(all);
  }
  EXPECT_EQ(seen[0], seen[1]);
}

TEST(OpCrfLogLikelihood, KnownValuesOfEmptyInput) {
  for (const Form& form : {Form{.B = 0}, Form{.T = 0}, Form{.lengths = {0, 0, 0}}}) {
    const Problem p(form);
    const std::int64_t B = form.B, T = form.T;
    const Tensor labels = full({B, T}, -100, DType::int64);
    const Tensor y = crf_log_likelihood(p.emissions, labels, p.scores, p.options);
    EXPECT_TRUE(has_values(y, {B}, std::vector<double>(static_cast<std::size_t>(B), 0)));
    sum(y).backward();
    for (const Tensor& leaf : p.leaves) {
      for (const double g : gradient_of(leaf)) EXPECT_EQ(g, 0);
    }
    EXPECT_EQ(crf_n_best(p.emissions, 2, p.scores, p.options).labels.shape(), (Shape{B, 2, T}));
  }
}

TEST(OpCrfLogLikelihood, KnownValuesOfTheOnlyLabelingAreZero) {
  const Problem p({.B = 2, .T = 2000, .C = 1}, DType::float32);
  const Tensor y =
      crf_log_likelihood(p.emissions, zeros({2, 2000}, DType::int64), p.scores, p.options);
  EXPECT_TRUE(is_close(y, {2}, {0, 0}, 1e-9));
  for (const double v : values_of(y)) EXPECT_LE(v, 0);
}

TEST(OpCrfLogLikelihood, TheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  Labels lengths;
  for (std::int64_t b = 0; b < 41; ++b) lengths.push_back(b * 11 % 14);
  const Problem p({.B = 41, .T = 13, .C = 17, .lengths = lengths}, DType::float32);
  std::vector<std::vector<double>> first;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    set_parallel_grain(threads == 1 ? detail::default_parallel_grain : 1);
    const Tensor y =
        crf_log_likelihood(p.emissions, zeros({41, 13}, DType::int64), p.scores, p.options);
    sum(y).backward();
    std::vector<std::vector<double>> bits{values_of(y)};
    for (const Tensor& leaf : p.leaves) {
      bits.push_back(gradient_of(leaf));
      leaf.clear_grad();
    }
    const NoGradGuard no_grad;
    bits.push_back(values_of(crf_marginals(p.emissions, p.scores, p.options)));
    bits.push_back(values_of(crf_n_best(p.emissions, 3, p.scores, p.options).labels));
    if (threads == 1) first = bits;
    EXPECT_EQ(bits, first) << threads;
  }
}

TEST(OpCrfLogLikelihood, LengthsMayBeReusedBeforeBackward) {
  const Problem p(ragged);
  const Tensor lengths = p.options.lengths.clone();
  const Tensor y = crf_log_partition(p.emissions, p.scores, {.lengths = lengths});
  lengths.fill_(1);
  sum(y).backward();
  const Problem other(ragged);
  sum(log_z_of(other)).backward();
  EXPECT_EQ(gradient_of(p.emissions), gradient_of(other.emissions));
}

// Decoding
TEST(CrfDecode, FindsTheBestOfAllLabelings) {
  for_small_forms([](const Problem& p) {
    const CrfPaths best = crf_decode(p.emissions, p.scores, p.options);
    for (std::int64_t b = 0; b < p.form.B; ++b) {
      const auto all = p.all(b);
      const auto expected =
          std::max_element(all.begin(), all.end(),
                           [](const Labeling& x, const Labeling& y) { return x.score < y.score; });
      Labels labels = expected->labels;
      labels.resize(static_cast<std::size_t>(p.form.T), 0);
      EXPECT_TRUE(has_values(best.labels[b], {p.form.T}, {labels.begin(), labels.end()}));
      EXPECT_NEAR(best.scores[b].item(), expected->score, 1e-12);
    }
  });
}

TEST(CrfNBest, FindsTheBestOfAllLabelings) {
  for_small_forms([](const Problem& p) {
    constexpr std::int64_t n = 7;
    const CrfPaths best = crf_n_best(p.emissions, n, p.scores, p.options);
    EXPECT_EQ(best.labels.shape(), (Shape{p.form.B, n, p.form.T}));
    for (std::int64_t b = 0; b < p.form.B; ++b) {
      auto all = p.all(b);
      std::sort(all.begin(), all.end(),
                [](const Labeling& x, const Labeling& y) { return x.score > y.score; });
      for (std::int64_t r = 0; r < n; ++r) {
        const bool there = r < static_cast<std::int64_t>(all.size());
        Labels labels = there ? all[static_cast<std::size_t>(r)].labels : Labels();
        labels.resize(static_cast<std::size_t>(p.form.T), 0);
        EXPECT_TRUE(has_values(best.labels[b][r], {p.form.T}, {labels.begin(), labels.end()}));
        const double score = best.scores[b][r].item();
        if (there) {
          EXPECT_NEAR(score, all[static_cast<std::size_t>(r)].score, 1e-12);
        } else {
          EXPECT_EQ(score, -infinity);
        }
      }
    }
  });
}

TEST(CrfDecode, IsTheFirstOfTheNBest) {
  const Problem p({.B = 4, .T = 60, .C = 19}, DType::float32);
  const CrfPaths best = crf_decode(p.emissions, p.scores);
  const CrfPaths many = crf_n_best(p.emissions, 4, p.scores);
  EXPECT_EQ(values_of(select(many.labels, 1, 0)), values_of(best.labels));
  EXPECT_EQ(values_of(select(many.scores, 1, 0)), values_of(best.scores));
  // The score of labels is their log-likelihood and log Z.
  const Tensor score = crf_log_likelihood(p.emissions, best.labels, p.scores) + log_z_of(p);
  EXPECT_TRUE(is_close(score, {4}, values_of(best.scores), 1e-6));
}

TEST(CrfDecode, BreaksTiesTowardsTheLowerLabel) {
  const Tensor x = zeros({1, 3, 2});
  EXPECT_TRUE(has_values(crf_decode(x).labels, {1, 3}, {0, 0, 0}));
  EXPECT_TRUE(has_values(crf_n_best(x, 3).labels, {1, 3, 3}, {0, 0, 0, 1, 0, 0, 0, 1, 0}));
}

TEST(CrfDecode, TakesScoresThatAreFarApart) {
  // 0 is better at each element, but leads nowhere.
  const Tensor x = tensor({1e4, 0.0, 1e4, 0.0}, {1, 2, 2});
  const Tensor transitions = tensor({-infinity, -1e6, -infinity, 0.0}, {2, 2});
  const CrfPaths best = crf_decode(x, {.transitions = transitions});
  EXPECT_TRUE(has_values(best.labels, {1, 2}, {1, 1}));
  EXPECT_TRUE(has_values(best.scores, {1}, {0}));
}

TEST(CrfConstraintsOfTags, AreThoseOfTheScheme) {
  const std::vector<std::string> bio{"O", "B-PER", "I-PER", "B-LOC", "I-LOC"};
  const CrfConstraints iob2 = crf_constraints(bio, TagScheme::iob2);
  EXPECT_TRUE(has_values(iob2.start, {5}, {1, 1, 0, 1, 0}));
  EXPECT_TRUE(has_values(iob2.end, {5}, {1, 1, 1, 1, 1}));
  EXPECT_TRUE(has_values(iob2.transitions, {5, 5}, {1, 1, 0, 1, 0,  //
                                                    1, 1, 1, 1, 0,  //
                                                    1, 1, 1, 1, 0,  //
                                                    1, 1, 0, 1, 1,  //
                                                    1, 1, 0, 1, 1}));
  const std::vector<std::string> bioes{"B-A", "I-A", "E-A", "S-A", "O", "I-B", "E-B"};
  const CrfConstraints iobes = crf_constraints(bioes, TagScheme::iobes);
  EXPECT_TRUE(has_values(iobes.start, {7}, {1, 0, 0, 1, 1, 0, 0}));
  EXPECT_TRUE(has_values(iobes.end, {7}, {0, 0, 1, 1, 1, 0, 1}));
  EXPECT_TRUE(has_values(iobes.transitions, {7, 7}, {0, 1, 1, 0, 0, 0, 0,  //
                                                     0, 1, 1, 0, 0, 0, 0,  //
                                                     1, 0, 0, 1, 1, 0, 0,  //
                                                     1, 0, 0, 1, 1, 0, 0,  //
                                                     1, 0, 0, 1, 1, 0, 0,  //
                                                     0, 0, 0, 0, 0, 1, 1,  //
                                                     1, 0, 0, 1, 1, 0, 0}));
}

TEST(CrfConstraintsOfTags, AreKeptInDecoding) {
  const std::vector<std::string> tags{"O", "B-PER", "I-PER"};
  const Tensor x = tensor({0.0, 0.0, 9.0, 0.0, 1.0, 3.0}, {1, 2, 3});  // I-PER is the best twice
  const CrfOptions options{.constraints = crf_constraints(tags, TagScheme::iob2)};
  EXPECT_TRUE(has_values(crf_decode(x).labels, {1, 2}, {2, 2}));
  EXPECT_TRUE(has_values(crf_decode(x, {}, options).labels, {1, 2}, {1, 2}));
}

TEST(CrfConstraintsOfTags, RefuseWhatIsNoTag) {
  const std::vector<std::string> tags{"O", "E-PER"};
  EXPECT_ERROR(crf_constraints(tags, TagScheme::iob2), FormatError,
               "crf_constraints: 'E-PER', tag 1, is none of IOB2: O, or a prefix, '-' and a type");
  EXPECT_ERROR(crf_constraints({}, TagScheme::iob2), ValueError,
               "crf_constraints: there are no tags");
}

// Errors: of all where they share the check.
TEST(OpCrfLogPartition, BrokenInput) {
  const Tensor x = zeros({2, 4, 3});
  EXPECT_ERROR(crf_log_partition(zeros({4, 3})), ShapeError,
               "crf_log_partition: emissions are [4, 3], they must be 3-D [batch, time, labels] "
               "with a label: unsqueeze() adds an axis of size 1");
  EXPECT_THROW(crf_log_partition(zeros({2, 4, 0})), ShapeError);
  EXPECT_ERROR(crf_log_partition(x, {.transitions = zeros({3})}), ShapeError,
               "crf_log_partition: transitions is [3], it must be [3, 3], as emissions are "
               "[2, 4, 3]");
  EXPECT_THROW(crf_log_partition(x, {.start = zeros({4})}), ShapeError);
  EXPECT_THROW(crf_log_partition(x, {.end = zeros({3, 1})}), ShapeError);
  EXPECT_ERROR(crf_log_partition(x, {.end = zeros({3}, DType::float64)}), DTypeError,
               "crf_log_partition: dtypes differ: emissions is float32, end is float64: convert "
               "one with to()");
  EXPECT_THROW(crf_log_partition(zeros({2, 4, 3}, DType::int64)), DTypeError);
  EXPECT_ERROR(crf_log_partition(x, {}, {.constraints = {.start = ones({2}).to(DType::boolean)}}),
               ShapeError,
               "crf_log_partition: constraints.start is [2], it must be [3], as emissions are "
               "[2, 4, 3]");
  EXPECT_THROW(crf_log_partition(x, {}, {.constraints = {.end = ones({3})}}), DTypeError);
  EXPECT_ERROR(crf_log_partition(x, {}, {.lengths = tensor({1, 5})}), IndexError,
               "crf_log_partition: length 5 at position [1] is outside [0, 4]: emissions are "
               "[2, 4, 3]");
  EXPECT_THROW(crf_log_partition(x, {}, {.lengths = tensor({1, -1})}), IndexError);
  EXPECT_THROW(crf_log_partition(x, {}, {.lengths = tensor({1})}), ShapeError);
  EXPECT_THROW(crf_log_partition(x, {}, {.lengths = tensor({1.0, 2.0})}), DTypeError);
}

TEST(OpCrfLogPartition, BrokenInputOfSizesThatCannotBeAddressed) {
  const std::int64_t huge = std::int64_t{1} << 61;
  EXPECT_THROW(crf_log_partition(zeros({huge, 0, 2})), ShapeError);
  EXPECT_THROW(crf_decode(zeros({huge, 0, 2})), ShapeError);
  EXPECT_EQ(crf_marginals(zeros({huge, 0, 2})).numel(), 0);
  EXPECT_EQ(crf_log_partition(zeros({0, huge, 2})).numel(), 0);
}

TEST(OpCrfLogLikelihood, BrokenInput) {
  const Tensor x = zeros({2, 2, 3});
  const auto run = [&](const Tensor& labels, const CrfOptions& options = {}) {
    crf_log_likelihood(x, labels, {}, options);
  };
  EXPECT_ERROR(run(tensor({0, 1, 3, -1}, {2, 2})), IndexError,
               "crf_log_likelihood: label 3 at position [1, 0] is outside [0, 3)");
  EXPECT_ERROR(run(tensor({0, -100, 0, 0}, {2, 2})), IndexError,
               "crf_log_likelihood: label -100 at position [0, 1] is outside [0, 3)");
  EXPECT_ERROR(run(tensor({0, 1})), ShapeError,
               "crf_log_likelihood: labels are [2], emissions are [2, 2, 3]: they must be [B, T] "
               "and [B, T, C]");
  EXPECT_ERROR(run(zeros({2, 2})), DTypeError,
               "crf_log_likelihood: labels are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  const std::vector<std::string> tags{"O", "B-A", "I-A"};
  const CrfOptions options{.constraints = crf_constraints(tags, TagScheme::iob2)};
  const std::string cure = ": mend the labels, or use the constraints only to decode";
  EXPECT_ERROR(run(tensor({0, 0, 0, 2}, {2, 2}), options), ValueError,
               "crf_log_likelihood: the constraints do not allow label 2 after 0 at position "
               "[1, 1]" +
                   cure);
  EXPECT_ERROR(run(tensor({2, 2, 0, 0}, {2, 2}), options), ValueError,
               "crf_log_likelihood: the constraints do not allow label 2 at position [0, 0], which "
               "begins its sequence" +
                   cure);
  const CrfOptions end{.constraints = {.end = tensor({true, false, true})}};
  EXPECT_ERROR(run(tensor({1, 0, 0, 1}, {2, 2}), end), ValueError,
               "crf_log_likelihood: the constraints do not allow label 1 at position [1, 1], which "
               "ends its sequence" +
                   cure);
}

TEST(CrfDecode, BrokenInput) {
  EXPECT_ERROR(crf_n_best(zeros({2, 2, 3}), 0), ValueError,
               "crf_n_best: n is 0, it must be at least 1");
  const Tensor x = tensor({0.0, 0.0, 0.0, 0.0, not_a_number, 0.0}, {1, 3, 2});
  EXPECT_ERROR(crf_decode(x), ValueError,
               "crf_decode: the emissions of sequence 0 have a NaN at element 4");
  EXPECT_NO_THROW(crf_decode(x, {}, {.lengths = tensor({2})}));
  EXPECT_ERROR(crf_n_best(zeros({1, 1, 1}), 1, {.end = full({1}, not_a_number)}), ValueError,
               "crf_n_best: the end scores have a NaN at element 0");
}

TEST(CrfMarginals, BrokenInputIsADerivative) {
  const Problem p(whole);
  EXPECT_ERROR(crf_marginals(p.emissions, p.scores), AutogradError,
               "crf_marginals: no derivative, and an argument requires a gradient: detach() it or "
               "use a NoGradGuard");
  const NoGradGuard no_grad;
  EXPECT_NO_THROW(crf_marginals(p.emissions, p.scores));
}

}  // namespace
}  // namespace gradus
