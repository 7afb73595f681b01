#include <gradus/framework/base/memory.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/recurrent.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <algorithm>

namespace gradus {
namespace {

using States = std::vector<Tensor>;

/// One of the ops, with its results as a list: the output, then the states.
struct Op {
  std::string name;
  std::int64_t gates, states;
  std::function<States(const Tensor& x, const RecurrentWeights&, const States&,
                       const RecurrentOptions&)>
      run;
  /// The states after one element x [1, features], in ops that have tests of their own.
  std::function<States(const Tensor& x, const RecurrentWeights&, const States&)> step;
};

Tensor times(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor y = matmul(x, weight, {.trans_b = true});
  return bias.defined() ? y + bias : y;
}

/// Both sums of a step, and one gate of each.
struct Sums {
  Sums(const Tensor& x, const RecurrentWeights& w, const Tensor& h)
      : input(times(x, w.weight_ih, w.bias_ih)), hidden(times(h, w.weight_hh, w.bias_hh)) {}
  Tensor gate_of(const Tensor& sum, std::int64_t gate, std::int64_t gates) const {
    const std::int64_t H = sum.size(1) / gates;
    return slice(sum, 1, gate * H, (gate + 1) * H);
  }
  Tensor gate(std::int64_t gate, std::int64_t gates) const {
    return gate_of(input + hidden, gate, gates);
  }
  Tensor input, hidden;
};

Op rnn_op(RnnNonlinearity nonlinearity) {
  const bool is_relu = nonlinearity == RnnNonlinearity::relu;
  return {is_relu ? "rnn with relu" : "rnn", 1, 1,
          [=](const Tensor& x, const RecurrentWeights& w, const States& s,
              const RecurrentOptions& options) {
            const RnnResult y = rnn(x, w, nonlinearity, s[0], options);
            return States{y.output, y.state};
          },
          [=](const Tensor& x, const RecurrentWeights& w, const States& s) {
            const Tensor sum = Sums(x, w, s[0]).gate(0, 1);
            return States{is_relu ? relu(sum) : tanh(sum)};
          }};
}

Op gru_op() {
  return {"gru", 3, 1,
          [](const Tensor& x, const RecurrentWeights& w, const States& s,
             const RecurrentOptions& options) {
            const RnnResult y = gru(x, w, s[0], options);
            return States{y.output, y.state};
          },
          [](const Tensor& x, const RecurrentWeights& w, const States& s) {
            const Sums sums(x, w, s[0]);
            const Tensor r = sigmoid(sums.gate(0, 3)), z = sigmoid(sums.gate(1, 3));
            const Tensor n =
                tanh(sums.gate_of(sums.input, 2, 3) + r * sums.gate_of(sums.hidden, 2, 3));
            return States{(1 - z) * n + z * s[0]};
          }};
}

Op lstm_op() {
  return {"lstm", 4, 2,
          [](const Tensor& x, const RecurrentWeights& w, const States& s,
             const RecurrentOptions& options) {
            const LstmResult y = lstm(x, w, {s[0], s[1]}, options);
            return States{y.output, y.state.h, y.state.c};
          },
          [](const Tensor& x, const RecurrentWeights& w, const States& s) {
            const Sums sums(x, w, s[0]);
            const Tensor i = sigmoid(sums.gate(0, 4)), f = sigmoid(sums.gate(1, 4));
            const Tensor g = tanh(sums.gate(2, 4)), o = sigmoid(sums.gate(3, 4));
            const Tensor c = f * s[1] + i * g, h = o * tanh(c);
            return States{w.weight_hr.defined() ? times(h, w.weight_hr, {}) : h, c};
          }};
}

const Op tanh_rnn = rnn_op(RnnNonlinearity::tanh), relu_rnn = rnn_op(RnnNonlinearity::relu);
const Op a_gru = gru_op(), an_lstm = lstm_op();
const std::vector<Op> all_ops{tanh_rnn, relu_rnn, a_gru, an_lstm};

/// Sizes of a problem and what is left out of it.
struct Form {
  std::int64_t B = 3, T = 4, features = 2, H = 3;
  std::int64_t P = 0;  ///< of a projection
  bool bias = true, state = true, reverse = false;
  std::vector<std::int64_t> lengths = {};
};

/// The leaves of a problem: x, the weights that are there, then the initial states.
struct Problem {
  Problem(const Op& o, const Form& form, DType dtype = DType::float64) : op(o) {
    const std::int64_t rows = op.gates * form.H, R = form.P > 0 ? form.P : form.H;
    x = add({form.B, form.T, form.features}, 2, dtype);
    weights.weight_ih = add({rows, form.features}, 0.8, dtype);
    weights.weight_hh = add({rows, R}, 0.8, dtype);
    if (form.bias) weights.bias_ih = add({rows}, 0.5, dtype);
    if (form.bias) weights.bias_hh = add({rows}, 0.5, dtype);
    if (form.P > 0) weights.weight_hr = add({form.P, form.H}, 0.8, dtype);
    for (std::int64_t k = 0; k < op.states; ++k) {
      state.push_back(form.state ? add({form.B, k == 0 ? R : form.H}, 1, dtype) : Tensor());
    }
    options.reverse = form.reverse;
    if (!form.lengths.empty()) options.lengths = tensor(form.lengths);
  }

  States run() const { return op.run(x, weights, state, options); }

  /// Element by element: the definition.
  States composed() const {
    const std::int64_t B = x.size(0), T = x.size(1);
    std::vector<States> rows(static_cast<std::size_t>(1 + op.states));  // of each result
    for (std::int64_t b = 0; b < B; ++b) {
      States now;
      for (std::size_t k = 0; k < state.size(); ++k) {
        const Tensor& like = k == 0 ? weights.weight_hh : weights.weight_ih;
        const std::int64_t width = k == 0 ? like.size(1) : like.size(0) / op.gates;
        now.push_back(state[k].defined() ? slice(state[k], 0, b, b + 1)
                                         : zeros({1, width}, x.dtype()));
      }
      const std::int64_t length =
          options.lengths.defined() ? options.lengths.data<std::int64_t>()[b] : T;
      const Tensor zero = zeros(now[0].shape(), x.dtype());
      States output(static_cast<std::size_t>(T), zero);
      for (std::int64_t s = 0; s < length; ++s) {
        const std::int64_t t = options.reverse ? length - 1 - s : s;
        now = op.step(select(slice(x, 0, b, b + 1), 1, t), weights, now);
        output[static_cast<std::size_t>(t)] = now[0];
      }
      rows[0].push_back(stack(output, 1));
      for (std::size_t k = 0; k < now.size(); ++k) rows[k + 1].push_back(now[k]);
    }
    States results;
    results.reserve(rows.size());
    for (const States& parts : rows) results.push_back(cat(parts, 0));
    return results;
  }

  /// A random one of a result.
  Tensor cotangent(const States& results, std::size_t k) const {
    return frozen(random_leaf(results[k].shape(), 20 + k)).to(x.dtype());
  }

  /// The gradients of all leaves for these cotangents.
  States gradients(const States& results) const {
    Tensor loss;
    for (std::size_t k = 0; k < results.size(); ++k) {
      const Tensor term = sum(results[k] * cotangent(results, k));
      loss = loss.defined() ? loss + term : term;
    }
    loss.backward();
    States all;
    for (const Tensor& leaf : leaves) {
      all.push_back(leaf.grad().empty() ? zeros_like(leaf) : leaf.grad().to_dense());
      leaf.clear_grad();
    }
    return all;
  }

  const Op& op;
  Tensor x;
  RecurrentWeights weights;
  States state;
  RecurrentOptions options;
  std::vector<Tensor> leaves;

 private:
  Tensor add(const Shape& shape, double bound, DType dtype) {
    const Tensor leaf = random_leaf(shape, leaves.size() + 1, -bound, bound);
    leaves.push_back(frozen(leaf).to(dtype).set_trainable(true));
    return leaves.back();
  }
};

void expect_close(const States& actual, const States& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t k = 0; k < actual.size(); ++k) {
    EXPECT_TRUE(is_close(actual[k], expected[k].shape(), values_of(expected[k]), tolerance)) << k;
  }
}

std::vector<std::vector<double>> all_values(const States& tensors) {
  std::vector<std::vector<double>> values;
  values.reserve(tensors.size());
  for (const Tensor& x : tensors) values.push_back(values_of(x));
  return values;
}

void expect_composed(const Op& op, const Form& form) {
  SCOPED_TRACE(op.name);
  const Problem problem(op, form);
  const States fused = problem.run(), composed = problem.composed();
  expect_close(fused, composed, 1e-12);
  expect_close(problem.gradients(fused), problem.gradients(composed), 1e-11);
}

void expect_composed(const Form& form) {
  for (const Op& op : all_ops) expect_composed(op, form);
}

/// All results of an op as one vector.
Tensor joined(const States& results) {
  States parts;
  parts.reserve(results.size());
  for (const Tensor& y : results) parts.push_back(reshape(y, {y.numel()}));
  return cat(parts);
}

std::function<Inputs()> leaves_of(const Op& op, const Form& form) {
  return [op, form] { return Problem(op, form).leaves; };
}

std::function<Tensor(const Inputs&)> run_of(const Op& op, const Form& form) {
  return [op, form](const Inputs& in) {
    Problem problem(op, form);
    std::size_t k = 0;
    const auto next = [&] { return in[k++]; };
    problem.x = next();
    problem.weights.weight_ih = next();
    problem.weights.weight_hh = next();
    if (form.bias) problem.weights.bias_ih = next();
    if (form.bias) problem.weights.bias_hh = next();
    if (form.P > 0) problem.weights.weight_hr = next();
    if (form.state) std::generate(problem.state.begin(), problem.state.end(), next);
    return joined(problem.run());
  };
}

const std::vector<std::int64_t> some_lengths{2, 0, 4, 1};
const Form plain{}, ragged{.B = 4, .lengths = some_lengths};
const Form ragged_reverse{.B = 4, .reverse = true, .lengths = some_lengths};
const Form bare{.bias = false, .state = false};
const Form projecting{.B = 4, .P = 2, .lengths = some_lengths};

const OpCases cases{
    OpCase{"rnn", "tanh", leaves_of(tanh_rnn, plain), run_of(tanh_rnn, plain)},
    OpCase{"rnn", "no bias, no state", leaves_of(tanh_rnn, bare), run_of(tanh_rnn, bare)},
    OpCase{"rnn", "relu, lengths, reverse", leaves_of(relu_rnn, ragged_reverse),
           run_of(relu_rnn, ragged_reverse)},
    OpCase{"gru", "all inputs", leaves_of(a_gru, plain), run_of(a_gru, plain)},
    OpCase{"gru", "no bias, no state", leaves_of(a_gru, bare), run_of(a_gru, bare)},
    OpCase{"gru", "lengths", leaves_of(a_gru, ragged), run_of(a_gru, ragged)},
    OpCase{"lstm", "all inputs", leaves_of(an_lstm, plain), run_of(an_lstm, plain)},
    OpCase{"lstm", "no bias, no state", leaves_of(an_lstm, bare), run_of(an_lstm, bare)},
    OpCase{"lstm", "lengths, reverse", leaves_of(an_lstm, ragged_reverse),
           run_of(an_lstm, ragged_reverse)},
    OpCase{"lstm", "a projection", leaves_of(an_lstm, projecting), run_of(an_lstm, projecting)},
};

// Of both directions, with and without what may be left out.
TEST(OpLstm, KnownValuesOfTheComposedForm) {
  for (const bool reverse : {false, true}) {
    expect_composed({.reverse = reverse});
    expect_composed({.B = 4, .reverse = reverse, .lengths = {2, 0, 4, 1}});
    expect_composed({.B = 2, .T = 3, .bias = false, .state = false, .reverse = reverse});
    expect_composed({.B = 5, .T = 7, .features = 1, .H = 1, .lengths = {7, 1, 3, 3, 0}});
  }
}
TEST(OpLstm, KnownValuesOfTheComposedFormForWholeRegisters) {
  expect_composed({.B = 2, .T = 3, .features = 5, .H = 16});
  expect_composed({.B = 3, .T = 3, .features = 9, .H = 19, .lengths = {3, 2, 1}});
}
TEST(OpLstm, KnownValuesOfTheComposedFormForManySequences) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t b = 0; b < 31; ++b) lengths.push_back(b * 7 % 5);
  expect_composed({.B = 31, .T = 4, .lengths = lengths});
  expect_composed({.B = 31, .T = 3, .reverse = true});
  expect_composed({.B = 31, .T = 1});
  expect_composed({.B = 31, .T = 4, .lengths = std::vector<std::int64_t>(31, 1)});  // in blocks
}
TEST(OpLstm, KnownValuesOfTheComposedFormForAWeightLargerThanTheCaches) {
  std::vector<std::int64_t> lengths(26, 1);
  lengths[3] = 0;
  lengths[20] = 2;
  expect_composed(tanh_rnn, {.B = 26, .T = 2, .features = 1, .H = 1025, .lengths = lengths});
}
TEST(OpLstm, KnownValuesOfTheComposedFormForOneElementAndOneSequence) {
  expect_composed({.T = 1});
  expect_composed({.B = 1, .T = 1});
  expect_composed({.B = 1, .T = 5, .lengths = {3}});
}
TEST(OpLstm, KnownValuesOfTheComposedFormWithAProjection) {
  for (const bool reverse : {false, true}) {
    expect_composed(an_lstm, {.P = 2, .reverse = reverse});
    expect_composed(an_lstm, {.B = 4, .P = 1, .reverse = reverse, .lengths = {2, 0, 4, 1}});
    expect_composed(an_lstm, {.B = 14, .P = 5, .bias = false, .state = false});
  }
  expect_composed(an_lstm, {.T = 1, .P = 2});
}

TEST(OpLstm, KnownValues) {
  // PyTorch's in float64.
  const RecurrentWeights weights{tensor({.1, .2, .3, .4}, {4, 1}), tensor({.4, .5, .6, .7}, {4, 1}),
                                 tensor({.1, .2, .3, .4}), tensor({-.1, -.2, .7, .1})};
  const LstmResult y = lstm(tensor({1., 2.}, {1, 2, 1}), weights);
  EXPECT_TRUE(is_close(y.output, {1, 2, 1}, {.3013422869711038, .5593774161375971}, 1e-15));
  EXPECT_TRUE(is_close(y.state.h, {1, 1}, {.5593774161375971}, 1e-15));
  EXPECT_TRUE(is_close(y.state.c, {1, 1}, {.8344035337294713}, 1e-15));
}

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

TEST(OpGru, KnownValues) {
  // Gates in the order r, z, n; r multiplies the second bias of n as well.
  const RecurrentWeights weights{tensor({.1, .2, .3}, {3, 1}), tensor({.4, .5, .6}, {3, 1}),
                                 tensor({.1, .2, .3}), tensor({-.1, -.3, .7})};
  double h = 0.25;
  std::vector<double> expected;
  for (const double x : {1.0, 2.0, -1.0}) {
    const double r = logistic(.1 * x + .1 + .4 * h - .1), z = logistic(.2 * x + .2 + .5 * h - .3);
    const double n = std::tanh(.3 * x + .3 + r * (.6 * h + .7));
    h = (1 - z) * n + z * h;
    expected.push_back(h);
  }
  const RnnResult y = gru(tensor({1., 2., -1.}, {1, 3, 1}), weights, tensor({0.25}, {1, 1}));
  EXPECT_TRUE(is_close(y.output, {1, 3, 1}, expected, 1e-14));
  EXPECT_TRUE(is_close(y.state, {1, 1}, {h}, 1e-14));
}

TEST(OpRnn, KnownValues) {
  const RecurrentWeights weights{tensor({2.}, {1, 1}), tensor({-3.}, {1, 1}), tensor({.5}),
                                 tensor({.25})};
  const Tensor x = tensor({1., 2., -1.}, {1, 3, 1}), state = tensor({0.5}, {1, 1});
  double h = 0.5, positive = 0.5;
  std::vector<double> expected, of_relu;
  for (const double v : {1.0, 2.0, -1.0}) {
    h = std::tanh(2 * v + .5 - 3 * h + .25);
    positive = std::max(0.0, 2 * v + .5 - 3 * positive + .25);
    expected.push_back(h);
    of_relu.push_back(positive);
  }
  EXPECT_TRUE(
      is_close(rnn(x, weights, RnnNonlinearity::tanh, state).output, {1, 3, 1}, expected, 1e-14));
  EXPECT_TRUE(
      is_close(rnn(x, weights, RnnNonlinearity::relu, state).output, {1, 3, 1}, of_relu, 1e-14));
}

TEST(OpRnn, KnownValuesOfReluKeepNan) {
  const RecurrentWeights weights{ones({3, 1}), zeros({3, 3})};
  const RnnResult y =
      rnn(tensor({1.0F, -2.0F, std::nanf(""), 2.0F}, {1, 4, 1}), weights, RnnNonlinearity::relu);
  const auto values = values_of(y.output);
  for (std::size_t i = 0; i < 12; ++i) {  // 0 times NaN is NaN in a product
    EXPECT_TRUE(i < 6 ? values[i] == (i < 3 ? 1 : 0) : std::isnan(values[i])) << i;
  }
  for (const double v : values_of(y.state)) EXPECT_TRUE(std::isnan(v));
}

TEST(OpLstm, KnownValuesOfEmptySequencesAreTheInitialState) {
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    const Problem problem(op, {.B = 2, .lengths = {0, 0}}), nothing(op, {.T = 0});
    for (const Problem* p : {&problem, &nothing}) {
      const States y = p->run();
      EXPECT_TRUE(has_values(y[0], y[0].shape(),
                             std::vector<double>(static_cast<std::size_t>(y[0].numel()), 0)));
      const States gradients = p->gradients(y);
      const std::size_t weights = gradients.size() - p->state.size();  // and x
      for (std::size_t k = 0; k < p->state.size(); ++k) {
        EXPECT_TRUE(has_values(y[k + 1], p->state[k].shape(), values_of(p->state[k])));
        EXPECT_EQ(values_of(gradients[weights + k]), values_of(p->cotangent(y, k + 1)));
      }
      for (std::size_t k = 0; k < weights; ++k) {
        for (const double v : values_of(gradients[k])) EXPECT_EQ(v, 0) << k;
      }
    }
  }
}

TEST(OpLstm, KnownValuesOfAnEmptyBatch) {
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    const Problem problem(op, {.B = 0});
    const States y = problem.run();
    EXPECT_TRUE(has_values(y[0], {0, 4, 3}, {}));
    EXPECT_TRUE(has_values(y[1], {0, 3}, {}));
    for (const Tensor& g : problem.gradients(y)) {
      for (const double v : values_of(g)) EXPECT_EQ(v, 0);
    }
  }
}

TEST(OpLstm, KnownValuesDoNotDependOnThePadding) {
  for (const Op& op : all_ops) {
    for (const bool reverse : {false, true}) {
      SCOPED_TRACE(op.name);
      const Problem problem(op, {.B = 4, .reverse = reverse, .lengths = some_lengths});
      const auto pad_with = [&](double padding) {
        const NoGradGuard no_grad;
        auto values = problem.x.mutable_span<double>();
        const std::int64_t T = problem.x.size(1), C = problem.x.size(2);
        for (std::int64_t b = 0; b < 4; ++b) {
          const auto begin =
              values.begin() + (b * T + some_lengths[static_cast<std::size_t>(b)]) * C;
          std::fill(begin, values.begin() + (b + 1) * T * C, padding);
        }
      };
      pad_with(7);
      const States with_number = problem.run();
      const auto values = all_values(with_number);
      const auto gradients = all_values(problem.gradients(with_number));
      pad_with(not_a_number);
      const States with_nan = problem.run();
      EXPECT_EQ(all_values(with_nan), values);
      EXPECT_EQ(all_values(problem.gradients(with_nan)), gradients);
    }
  }
}

TEST(OpLstm, GradientIgnoresTheCotangentOfThePadding) {
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    const Problem problem(op, {.B = 4, .lengths = some_lengths});
    std::vector<std::vector<std::vector<double>>> gradients;
    for (const double padding : {0.0, not_a_number}) {
      const Tensor y = problem.run()[0], g = frozen(random_leaf(y.shape(), 5));
      for (std::int64_t b = 0; b < 4; ++b) {
        for (std::int64_t t = some_lengths[static_cast<std::size_t>(b)]; t < 4; ++t) {
          g[b].set_row(t, full({3}, padding, DType::float64));
        }
      }
      y.backward(g);
      gradients.emplace_back();
      for (const Tensor& leaf : problem.leaves) {
        gradients.back().push_back(gradient_of(leaf));
        leaf.clear_grad();
      }
    }
    EXPECT_EQ(gradients[0], gradients[1]);
  }
}

void expect_gradients(const Op& op, const Form& form) {
  const Problem problem(op, form);
  EXPECT_TRUE(
      passes_gradcheck([&](const Inputs&) { return joined(problem.run()); }, problem.leaves))
      << op.name;
}

void expect_gradients(const Op& op) {
  for (const bool reverse : {false, true}) {
    expect_gradients(op, {.reverse = reverse});
    expect_gradients(op, {.B = 4, .reverse = reverse, .lengths = some_lengths});
    expect_gradients(op, {.bias = false, .state = false, .reverse = reverse});
  }
}

TEST(OpRnn, Gradient) {
  expect_gradients(tanh_rnn);
  expect_gradients(relu_rnn);
}
TEST(OpGru, Gradient) { expect_gradients(a_gru); }
TEST(OpLstm, Gradient) {
  expect_gradients(an_lstm);
  expect_gradients(an_lstm, {.B = 4, .P = 2, .lengths = some_lengths});
}

TEST(OpLstm, GradientOfEachResultAlone) {
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    const Problem problem(op, {.B = 4, .lengths = some_lengths});
    for (std::size_t k = 0; k < problem.run().size(); ++k) {
      const Tensor alone = problem.run()[k], composed = problem.composed()[k];
      expect_close(problem.gradients({alone}), problem.gradients({composed}), 1e-11);
    }
  }
}

void expect_same_bits_for_any_number_of_threads(const Op& op, const Form& form) {
  SCOPED_TRACE(op.name);
  const ThreadsGuard guard;
  const Problem problem(op, form);
  std::vector<std::vector<double>> first;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    set_parallel_grain(threads == 1 ? detail::default_parallel_grain : 1);
    const States y = problem.run();
    auto bits = all_values(y);
    for (const auto& g : all_values(problem.gradients(y))) bits.push_back(g);
    if (threads == 1) first = bits;
    EXPECT_EQ(bits, first) << threads;
  }
}

TEST(OpLstm, TheSameBitsForAnyNumberOfThreads) {
  std::vector<std::int64_t> lengths;
  for (std::int64_t b = 0; b < 40; ++b) lengths.push_back(b * 11 % 7);
  Form form{.B = 40, .T = 6, .features = 5, .H = 9, .lengths = lengths};
  for (const bool reverse : {false, true}) {
    form.reverse = reverse;
    for (const Op& op : all_ops) expect_same_bits_for_any_number_of_threads(op, form);
  }
  form.P = 4;
  expect_same_bits_for_any_number_of_threads(an_lstm, form);
  for (const Op& op : all_ops) expect_same_bits_for_any_number_of_threads(op, {.B = 40, .T = 1});
  const Form large{.B = 26, .T = 2, .features = 1, .H = 1025};  // a weight of more than 8 MiB
  expect_same_bits_for_any_number_of_threads(tanh_rnn, large);
}

// Beyond rounding: which sequences share a product changes only what is left over at its end.
TEST(OpLstm, GivesASequenceTheSameInEveryOrder) {
  std::vector<std::int64_t> lengths, reversed;
  for (std::int64_t b = 0; b < 40; ++b) lengths.push_back(b * 11 % 7);
  reversed.assign(lengths.rbegin(), lengths.rend());
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    const NoGradGuard no_grad;
    Problem problem(op, {.B = 40, .T = 6, .features = 5, .H = 9, .lengths = lengths});
    const States y = problem.run();
    problem.x = flip(problem.x, {0});
    for (Tensor& s : problem.state) s = flip(s, {0});
    problem.options.lengths = tensor(reversed);
    const States z = problem.run();
    for (std::size_t k = 0; k < y.size(); ++k) {
      EXPECT_TRUE(is_close(flip(z[k], {0}), y[k].shape(), values_of(y[k]), 1e-13)) << k;
    }
  }
}

TEST(OpLstm, NeedsMemoryInProportionToTheSteps) {
  const OneThread one_thread;
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    std::vector<double> peaks;
    for (const std::int64_t T : {5000, 10000}) {
      const Problem problem(op, {.B = 2, .T = T, .features = 8, .H = 8}, DType::float32);
      reset_peak_memory();
      const std::int64_t before = memory_stats().live;
      const States y = problem.run();
      for (const Tensor& g : problem.gradients(y)) EXPECT_TRUE(g.defined());
      peaks.push_back(static_cast<double>(memory_stats().peak - before));
    }
    EXPECT_LT(peaks[1], 2.2 * peaks[0]);
    EXPECT_LT(peaks[1], 2 * 10000 * 8 * sizeof(float) * 40.0);
  }
}

TEST(OpLstm, NeedsNoMemoryForAProjectionThatIsFrozen) {
  const OneThread one_thread;
  const std::int64_t B = 3, T = 50, H = 20, P = 10;
  std::vector<double> peaks;
  std::vector<std::vector<double>> gradients[2];
  for (const bool trainable : {true, false}) {
    const Problem problem(an_lstm, {.B = B, .T = T, .H = H, .P = P});
    problem.weights.weight_hr.set_trainable(trainable);
    const Tensor y = problem.run()[0], g = problem.cotangent({y}, 0);
    reset_peak_memory();
    const std::int64_t before = memory_stats().live;
    y.backward(g);
    peaks.push_back(static_cast<double>(memory_stats().peak - before));
    for (const Tensor& leaf : problem.leaves) {
      if (leaf.is_same(problem.weights.weight_hr)) continue;
      gradients[trainable].push_back(gradient_of(leaf));
    }
  }
  EXPECT_EQ(gradients[false], gradients[true]);
  EXPECT_LE(peaks[1] + B * T * (H + P) * 8.0, peaks[0]);
}

TEST(OpLstm, TakesNoMemoryFromTheSystemAfterTheFirstSteps) {
  const OneThread one_thread;
  for (const Op& op : all_ops) {
    SCOPED_TRACE(op.name);
    const Problem problem(op, {.B = 14, .T = 9, .features = 20, .H = 30}, DType::float32);
    for (int step = 0; step < 3; ++step) problem.gradients(problem.run());
    const MemoryStats before = memory_stats();
    for (int step = 0; step < 5; ++step) problem.gradients(problem.run());
    const MemoryStats after = memory_stats();
    EXPECT_EQ(after.live, before.live);
#ifndef GRADUS_DEBUG_MEMORY  // which takes every block from the system
    EXPECT_EQ(after.fresh, before.fresh);
#endif
  }
}

// Errors: of all three where they share the check.
TEST(OpLstm, BrokenInput) {
  const Tensor x = zeros({2, 5, 3});
  const RecurrentWeights good{zeros({16, 3}), zeros({16, 4}), zeros({16}), zeros({16})};
  const auto run = [&](const RecurrentWeights& w) { return [&, w] { lstm(x, w); }; };
  EXPECT_ERROR(lstm(zeros({5, 3}), good), ShapeError,
               "lstm: x is [5, 3], it must be 3-D [batch, time, features]: unsqueeze() adds an "
               "axis of size 1");
  EXPECT_ERROR(lstm(zeros({2, 5, 4}), good), ShapeError,
               "lstm: x is [2, 5, 4], its last axis must be 3, as weight_ih is [16, 3]");
  EXPECT_ERROR(run({zeros({16, 3}), zeros({12, 4})})(), ShapeError,
               "lstm: weight_ih is [16, 3], weight_hh is [12, 4]: they must be [4 H, features] and "
               "[4 H, H] for a hidden size H > 0");
  EXPECT_THROW(run({zeros({15, 3}), zeros({15, 4})})(), ShapeError);
  EXPECT_THROW(run({zeros({16, 3}), zeros({16, 3})})(), ShapeError);
  EXPECT_THROW(run({zeros({0, 3}), zeros({0, 0})})(), ShapeError);
  EXPECT_THROW(run({zeros({48}), zeros({16, 4})})(), ShapeError);
  EXPECT_ERROR(run({zeros({16, 3}), zeros({16, 4}), zeros({4})})(), ShapeError,
               "lstm: bias_ih is [4], it must be [16], as weight_ih is [16, 3]");
  EXPECT_ERROR(run({zeros({16, 3}), zeros({16, 4}), {}, zeros({1, 16})})(), ShapeError,
               "lstm: bias_hh is [1, 16], it must be [16], as weight_ih is [16, 3]");
  EXPECT_ERROR(run({zeros({16, 3}), zeros({16, 2}), {}, {}, zeros({3, 4})})(), ShapeError,
               "lstm: weight_hr is [3, 4], weight_hh is [16, 2]: a projection must be [P, H] and "
               "go with a weight_hh [4 H, P], P > 0");
  EXPECT_ERROR(lstm(x, good, {zeros({2, 3}), zeros({2, 4})}), ShapeError,
               "lstm: state.h is [2, 3], it must be [2, 4]: one row for each sequence");
  EXPECT_ERROR(lstm(x, good, {zeros({2, 4}), zeros({1, 2, 4})}), ShapeError,
               "lstm: state.c is [1, 2, 4], it must be [2, 4]: one row for each sequence");
  EXPECT_ERROR(lstm(x, good, {zeros({2, 4}, DType::float64), {}}), DTypeError,
               "lstm: state.h is float64, x is float32: convert one with to()");
  EXPECT_ERROR(lstm(zeros({2, 5, 3}, DType::int64), good), DTypeError,
               "lstm: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(lstm(zeros({2, 5, 3}, DType::float64), good), DTypeError);
  EXPECT_THROW(run({zeros({16, 3}), zeros({16, 4}), zeros({16}, DType::float64)})(), DTypeError);
  EXPECT_ERROR(run({Tensor(), zeros({16, 4})})(), Error,
               "lstm: weight_ih is an undefined tensor (default-constructed or moved from)");
  EXPECT_ERROR(run({zeros({16, 3}), Tensor()})(), Error,
               "lstm: weight_hh is an undefined tensor (default-constructed or moved from)");
}

// An x without features needs no memory, whatever its other sizes, but its results do.
TEST(OpLstm, BrokenInputOfSizesThatCannotBeAddressed) {
  const std::int64_t huge = std::int64_t{1} << 61;
  const Tensor steps = zeros({1, huge, 0}), sequences = zeros({huge, 0, 0});
  const auto weights = [](std::int64_t gates) {
    return RecurrentWeights{zeros({gates, 0}), zeros({gates, 1})};
  };
  for (const Tensor& x : {steps, sequences}) {
    EXPECT_THROW(rnn(x, weights(1)), ShapeError);
    EXPECT_THROW(gru(x, weights(3)), ShapeError);
    EXPECT_THROW(lstm(x, weights(4)), ShapeError);
  }
  EXPECT_ERROR(lstm(steps, weights(4)), ShapeError,
               "lstm: [1, 2305843009213693952, 1] of float32 has more bytes than can be addressed");
  EXPECT_ERROR(lstm(zeros({1, huge, 0}), weights(4), {}, {.lengths = tensor({0}), .reverse = true}),
               ShapeError,
               "lstm: [1, 2305843009213693952, 1] of float32 has more bytes than can be addressed");
}

TEST(OpLstm, BrokenInputOfLengths) {
  const RecurrentWeights good{zeros({16, 3}), zeros({16, 4})};
  const auto run = [&](const Tensor& lengths) { lstm(zeros({2, 5, 3}), good, {}, {lengths}); };
  EXPECT_ERROR(run(tensor({1, 6})), IndexError,
               "lstm: length 6 at position [1] is outside [0, 5]: x is [2, 5, 3]");
  EXPECT_ERROR(run(tensor({-1, 6})), IndexError,
               "lstm: length -1 at position [0] is outside [0, 5]: x is [2, 5, 3]");
  EXPECT_ERROR(run(tensor({1, 2, 3})), ShapeError,
               "lstm: lengths are [3], x is [2, 5, 3]: one length per sequence is needed, [2]");
  EXPECT_ERROR(run(tensor({1.0, 2.0})), DTypeError,
               "lstm: lengths are float64, int64 is needed: convert them with to(DType::int64)");
}

TEST(OpRnn, BrokenInput) {
  const Tensor x = zeros({2, 5, 3});
  const RecurrentWeights good{zeros({4, 3}), zeros({4, 4})};
  const RecurrentWeights projected{zeros({4, 3}), zeros({4, 4}), {}, {}, zeros({4, 4})};
  EXPECT_ERROR(rnn(x, {zeros({4, 3}), zeros({4, 3})}), ShapeError,
               "rnn: weight_ih is [4, 3], weight_hh is [4, 3]: they must be [H, features] and "
               "[H, H] for a hidden size H > 0");
  EXPECT_ERROR(rnn(x, good, RnnNonlinearity::tanh, zeros({2, 3})), ShapeError,
               "rnn: state is [2, 3], it must be [2, 4]: one row for each sequence");
  EXPECT_ERROR(rnn(x, projected), ValueError,
               "rnn: weight_hr is [4, 4], but only lstm() has projections: leave it out");
}

TEST(OpGru, BrokenInput) {
  const Tensor x = zeros({2, 5, 3});
  const RecurrentWeights good{zeros({12, 3}), zeros({12, 4})};
  const RecurrentWeights projected{zeros({12, 3}), zeros({12, 4}), {}, {}, zeros({4, 4})};
  EXPECT_ERROR(gru(x, {zeros({16, 3}), zeros({16, 4})}), ShapeError,
               "gru: weight_ih is [16, 3], weight_hh is [16, 4]: they must be [3 H, features] and "
               "[3 H, H] for a hidden size H > 0");
  EXPECT_ERROR(gru(x, good, zeros({1, 4})), ShapeError,
               "gru: state is [1, 4], it must be [2, 4]: one row for each sequence");
  EXPECT_ERROR(gru(x, projected), ValueError,
               "gru: weight_hr is [4, 4], but only lstm() has projections: leave it out");
}

}  // namespace
}  // namespace gradus
