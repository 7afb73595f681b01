#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/recurrent.h>
#include <gradus/layers/recurrent_cell.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <set>
#include <utility>

namespace gradus {
namespace {

using Strings = std::vector<std::string>;
using Tensors = std::vector<Tensor>;

/// One kind of layer, with its results as a list: the output, then the states.
struct Kind {
  std::string name;
  std::int64_t gates, states;
  /// Options of the layers, which are the same for all but the nonlinearity and proj_size.
  struct Options {
    std::int64_t num_layers = 1;
    bool bias = true, bidirectional = false;
    std::int64_t proj_size = 0;
    double dropout = 0, weight_dropout = 0;
    RnnNonlinearity nonlinearity = RnnNonlinearity::tanh;
  };
  using Call = std::function<Tensors(const Tensor& x, const Tensors& state, const Tensor& lengths)>;
  struct Made {
    Recurrent layer;
    Call call;
  };
  std::function<Made(std::int64_t in, std::int64_t hidden, const Options&)> make;
};

constexpr DType wide = DType::float64;

template <class L>
Kind::Call call_of(const L& layer) {
  return [layer](const Tensor& x, const Tensors& state, const Tensor& lengths) {
    const RnnResult y = layer(x, {.state = state[0], .lengths = lengths});
    return Tensors{y.output, y.state};
  };
}

Kind::Made make_rnn(std::int64_t in, std::int64_t hidden, const Kind::Options& o) {
  const RNN layer(in, hidden,
                  {.num_layers = o.num_layers,
                   .nonlinearity = o.nonlinearity,
                   .bias = o.bias,
                   .dropout = o.dropout,
                   .bidirectional = o.bidirectional,
                   .weight_dropout = o.weight_dropout,
                   .dtype = wide});
  return {layer, call_of(layer)};
}

Kind::Made make_gru(std::int64_t in, std::int64_t hidden, const Kind::Options& o) {
  const GRU layer(in, hidden,
                  {.num_layers = o.num_layers,
                   .bias = o.bias,
                   .dropout = o.dropout,
                   .bidirectional = o.bidirectional,
                   .weight_dropout = o.weight_dropout,
                   .dtype = wide});
  return {layer, call_of(layer)};
}

Kind::Made make_lstm(std::int64_t in, std::int64_t hidden, const Kind::Options& o) {
  const LSTM layer(in, hidden,
                   {.num_layers = o.num_layers,
                    .bias = o.bias,
                    .dropout = o.dropout,
                    .bidirectional = o.bidirectional,
                    .proj_size = o.proj_size,
                    .weight_dropout = o.weight_dropout,
                    .dtype = wide});
  return {layer, [layer](const Tensor& x, const Tensors& state, const Tensor& lengths) {
            const LstmResult y = layer(x, {.state = {state[0], state[1]}, .lengths = lengths});
            return Tensors{y.output, y.state.h, y.state.c};
          }};
}

const std::vector<Kind> kinds{
    {"rnn", 1, 1, make_rnn}, {"gru", 3, 1, make_gru}, {"lstm", 4, 2, make_lstm}};
const Kind& lstm_kind = kinds[2];

Tensors states_of(const Kind& kind, std::int64_t layers, std::int64_t B, std::int64_t hidden,
                  std::int64_t projected = 0) {
  Tensors states;
  for (std::int64_t k = 0; k < kind.states; ++k) {
    const std::int64_t size = k == 0 && projected > 0 ? projected : hidden;
    states.push_back(random_leaf({layers, B, size}, static_cast<std::uint64_t>(40 + k), -1, 1));
  }
  return states;
}

Tensor joined(const Tensors& results) {
  Tensors parts;
  for (const Tensor& y : results) parts.push_back(reshape(y, {y.numel()}));
  return cat(parts);
}

Tensors nothing(const Kind& kind) { return Tensors(static_cast<std::size_t>(kind.states)); }

std::vector<Tensor> leaves_of(const Recurrent& layer) {
  std::vector<Tensor> leaves;
  for (const NamedParameter& p : layer.parameters()) leaves.push_back(p.parameter);
  return leaves;
}

/// Of a loss with the same masks in each call, if there is dropout.
void expect_gradients(const Kind& kind, const Kind::Options& options, const Tensor& lengths) {
  manual_seed(3);
  const Kind::Made made = kind.make(2, 3, options);
  const std::int64_t layers = options.num_layers * (options.bidirectional ? 2 : 1);
  const Tensors states = states_of(kind, layers, 3, 3, options.proj_size);
  std::vector<Tensor> inputs = leaves_of(made.layer);
  const Tensor x = random_leaf({3, 4, 2});
  inputs.push_back(x);
  inputs.insert(inputs.end(), states.begin(), states.end());
  const auto run = [&](const Tensors&) {
    manual_seed(4);
    return joined(made.call(x, states, lengths));
  };
  EXPECT_TRUE(passes_gradcheck(run, inputs)) << made.layer.str();
}

TEST(Recurrent, GradientOfOneToThreeLayersInBothDirections) {
  const Tensor ragged = tensor({4, 0, 1});
  for (const Kind& kind : kinds) {
    for (const std::int64_t num_layers : {1, 2, 3}) {
      for (const bool bidirectional : {false, true}) {
        const Kind::Options options{.num_layers = num_layers, .bidirectional = bidirectional};
        expect_gradients(kind, options, {});
        expect_gradients(kind, options, ragged);
      }
    }
  }
}

TEST(Recurrent, GradientOfEveryOption) {
  const Tensor ragged = tensor({1, 4, 3});
  for (const Kind& kind : kinds) {
    expect_gradients(kind, {.num_layers = 2, .bias = false}, ragged);
    expect_gradients(kind, {.num_layers = 2, .bidirectional = true, .dropout = 0.4}, ragged);
    expect_gradients(kind, {.num_layers = 2, .bidirectional = true, .weight_dropout = 0.4}, ragged);
  }
  expect_gradients(kinds[0], {.num_layers = 2, .nonlinearity = RnnNonlinearity::relu}, ragged);
  expect_gradients(lstm_kind, {.num_layers = 2, .bidirectional = true, .proj_size = 2}, ragged);
  expect_gradients(lstm_kind, {.bias = false, .proj_size = 1}, {});
}

TEST(Recurrent, ParametersHaveTheNamesShapesAndOrderOfPyTorch) {
  const LSTM layer(5, 4, {.num_layers = 2, .bidirectional = true, .proj_size = 3});
  Strings found;
  for (const NamedParameter& p : layer.parameters()) {
    found.push_back(p.path + " " + p.parameter.shape().str());
  }
  EXPECT_EQ(found, (Strings{"weight_ih_l0 [16, 5]",
                            "weight_hh_l0 [16, 3]",
                            "bias_ih_l0 [16]",
                            "bias_hh_l0 [16]",
                            "weight_hr_l0 [3, 4]",
                            "weight_ih_l0_reverse [16, 5]",
                            "weight_hh_l0_reverse [16, 3]",
                            "bias_ih_l0_reverse [16]",
                            "bias_hh_l0_reverse [16]",
                            "weight_hr_l0_reverse [3, 4]",
                            "weight_ih_l1 [16, 6]",
                            "weight_hh_l1 [16, 3]",
                            "bias_ih_l1 [16]",
                            "bias_hh_l1 [16]",
                            "weight_hr_l1 [3, 4]",
                            "weight_ih_l1_reverse [16, 6]",
                            "weight_hh_l1_reverse [16, 3]",
                            "bias_ih_l1_reverse [16]",
                            "bias_hh_l1_reverse [16]",
                            "weight_hr_l1_reverse [3, 4]"}));
  EXPECT_TRUE(layer.weights(1, true).weight_ih.is_same(layer.parameters()[15].parameter));
  found.clear();
  for (const NamedParameter& p : GRU(5, 4, {.bias = false}).parameters()) {
    found.push_back(p.path + " " + p.parameter.shape().str());
  }
  EXPECT_EQ(found, (Strings{"weight_ih_l0 [12, 5]", "weight_hh_l0 [12, 4]"}));
}

TEST(Recurrent, StartsUniformWithinOneByTheRootOfTheHiddenSize) {
  Generator generator(1);
  const LSTM layer(400, 100, {}, generator);
  std::set<double> firsts;
  for (const NamedParameter& p : layer.parameters()) {
    const std::vector<double> values = values_of(p.parameter);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*low, -0.1) << p.path;
    EXPECT_LE(*high, 0.1) << p.path;
    EXPECT_LT(*low, -0.098) << p.path;
    EXPECT_GT(*high, 0.098) << p.path;
    firsts.insert(values[0]);
  }
  EXPECT_EQ(firsts.size(), 4u);
}

// Two layers in both directions, made of four calls of the op.
TEST(Recurrent, StacksLayersAndDirections) {
  const LSTM layer(2, 3, {.num_layers = 2, .bidirectional = true, .dtype = wide});
  const Tensor x = random_leaf({3, 4, 2}), lengths = tensor({3, 0, 4});
  const Tensors states = states_of(lstm_kind, 4, 3, 3);
  const LstmResult y = layer(x, {.state = {states[0], states[1]}, .lengths = lengths});
  Tensor in = x;
  for (std::int64_t l = 0; l < 2; ++l) {
    Tensors outputs;
    for (const bool reverse : {false, true}) {
      const std::int64_t i = 2 * l + (reverse ? 1 : 0);
      const LstmResult r = lstm(in, layer.weights(l, reverse), {states[0][i], states[1][i]},
                                {.lengths = lengths, .reverse = reverse});
      EXPECT_EQ(values_of(y.state.h[i]), values_of(r.state.h)) << i;
      EXPECT_EQ(values_of(y.state.c[i]), values_of(r.state.c)) << i;
      outputs.push_back(r.output);
    }
    in = cat(outputs, 2);
  }
  EXPECT_TRUE(has_values(y.output, {3, 4, 6}, values_of(in)));
  EXPECT_EQ(y.state.h.shape(), (Shape{4, 3, 3}));
}

TEST(Recurrent, EachSequenceOfABatchGivesWhatItGivesAlone) {
  const std::vector<std::int64_t> lengths{5, 1, 3};
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const Kind::Made made = kind.make(2, 3, {.num_layers = 2, .bidirectional = true});
    const Tensor x = frozen(random_leaf({3, 5, 2}));
    const Tensors together = made.call(x, nothing(kind), tensor(lengths));
    for (std::int64_t b = 0; b < 3; ++b) {
      const std::int64_t length = lengths[static_cast<std::size_t>(b)];
      const Tensor alone = slice(slice(x, 0, b, b + 1), 1, 0, length);
      const Tensors expected = made.call(alone, nothing(kind), {});
      const Tensor output = slice(slice(together[0], 0, b, b + 1), 1, 0, length);
      EXPECT_TRUE(is_close(output, {1, length, 6}, values_of(expected[0]), 1e-13));
      for (std::size_t k = 1; k < expected.size(); ++k) {
        EXPECT_TRUE(
            is_close(slice(together[k], 1, b, b + 1), {4, 1, 3}, values_of(expected[k]), 1e-13));
      }
    }
  }
}

TEST(Recurrent, PaddingChangesNoBit) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    const Kind::Made made = kind.make(2, 3, {.num_layers = 2, .bidirectional = true});
    std::vector<std::vector<double>> results[2];
    for (const bool broken : {false, true}) {
      const Tensor x = frozen(random_leaf({3, 4, 2}));
      if (broken) {
        for (const auto& [b, t] :
             {std::pair{0, 3}, {1, 0}, {1, 1}, {1, 2}, {1, 3}, {2, 1}, {2, 2}, {2, 3}}) {
          x[b].set_row(t, full({2}, not_a_number, wide));
        }
      }
      x.set_trainable(true);
      const Tensors y = made.call(x, nothing(kind), tensor({3, 0, 1}));
      joined(y).backward(frozen(random_leaf({joined(y).numel()}, 5)));
      for (const Tensor& r : y) results[broken].push_back(values_of(r));
      results[broken].push_back(gradient_of(x));
      for (const Tensor& leaf : leaves_of(made.layer)) {
        results[broken].push_back(gradient_of(leaf));
        leaf.clear_grad();
      }
    }
    EXPECT_EQ(results[0], results[1]);
  }
}

TEST(Recurrent, DropsBetweenLayersInTrainingOnly) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    manual_seed(1);
    const Kind::Made made = kind.make(2, 4, {.num_layers = 2, .dropout = 0.5});
    manual_seed(1);
    const Kind::Made plain = kind.make(2, 4, {.num_layers = 2});
    const Tensor x = frozen(random_leaf({3, 4, 2}));
    const auto run = [&](const Kind::Made& m) {
      return values_of(m.call(x, nothing(kind), {})[0]);
    };
    EXPECT_NE(run(made), run(plain));
    EXPECT_NE(run(made), run(made));
    made.layer.eval();
    EXPECT_EQ(run(made), run(plain));
  }
}

TEST(Recurrent, DropsNeitherTheInputNorTheOutput) {
  for (const Kind& kind : kinds) {
    SCOPED_TRACE(kind.name);
    manual_seed(1);
    const Kind::Made made = kind.make(2, 4, {.num_layers = 2, .dropout = 1});
    manual_seed(1);
    const Kind::Made plain = kind.make(2, 4, {.num_layers = 2});
    {
      const NoGradGuard no_grad;
      plain.layer.weights(1).weight_ih.fill_(0);  // as if all that it gets were dropped
    }
    const Tensor x = frozen(random_leaf({3, 4, 2}));
    const Tensors y = made.call(x, nothing(kind), {}), expected = plain.call(x, nothing(kind), {});
    for (std::size_t k = 0; k < y.size(); ++k) EXPECT_EQ(values_of(y[k]), values_of(expected[k]));
  }
}

TEST(Recurrent, WarnsOfDropoutWithOneLayer) {
  const CaughtWarnings warnings;
  const LSTM one(2, 3, {.dropout = 0.5}), two(2, 3, {.num_layers = 2, .dropout = 0.5});
  EXPECT_EQ(warnings.messages(),
            (Strings{"LSTM: dropout is 0.5, but there is one layer: it acts between layers only: "
                     "use a Dropout after the LSTM"}));
}

TEST(Recurrent, WeightDropoutZeroesElementsOfTheRecurrentWeights) {
  // h' = relu(h W_hh^T): after one step from ones, the row sums of the weight.
  const RNN layer(1, 50,
                  {.nonlinearity = RnnNonlinearity::relu, .bias = false, .weight_dropout = 0.4});
  const Tensor weight = layer.weights(0).weight_hh;
  {
    const NoGradGuard no_grad;
    layer.weights(0).weight_ih.fill_(0);
    weight.fill_(1);
  }
  const Tensor x = zeros({1, 1, 1}), h = ones({1, 1, 50});
  const Tensor y = layer(x, {.state = h}).output;
  const double kept = mean(y).item() * 0.6 / 50;
  EXPECT_NEAR(kept, 0.6, 0.06);  // 2500 elements: 6 deviations
  sum(y).backward();
  for (const double g : gradient_of(weight)) EXPECT_TRUE(g == 0 || std::abs(g - 1 / 0.6) < 1e-6);
  EXPECT_NE(values_of(layer(x, {.state = h}).output), values_of(y));
  layer.eval();
  EXPECT_TRUE(has_values(layer(x, {.state = h}).output, {1, 1, 50}, std::vector<double>(50, 50)));
}

TEST(Recurrent, GoesOnFromADetachedState) {
  const LSTM layer(2, 3, {.dtype = wide});
  const Tensor x = random_leaf({2, 6, 2});
  const LstmResult whole = layer(x);
  const LstmResult first = layer(slice(x, 1, 0, 4));
  const LstmState state = first.state.detach();
  const LstmResult second = layer(slice(x, 1, 4, 6), {.state = state});
  EXPECT_TRUE(is_close(second.state.h, {1, 2, 3}, values_of(whole.state.h), 1e-14));
  EXPECT_TRUE(is_close(second.state.c, {1, 2, 3}, values_of(whole.state.c), 1e-14));
  EXPECT_FALSE(state.h.requires_grad());
  EXPECT_FALSE(state.c.requires_grad());
  sum(second.output).backward();
  const std::vector<double> g = gradient_of(x);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(g[i], 0);  // of the first sequence's first piece
  EXPECT_NE(g[8], 0);
  EXPECT_FALSE(LstmState().detach().h.defined());
}

TEST(Recurrent, SaysWhatItIs) {
  EXPECT_EQ(RNN(2, 3).str(), "RNN(2, 3)");
  EXPECT_EQ(RNN(2, 3, {.num_layers = 2, .nonlinearity = RnnNonlinearity::relu}).str(),
            "RNN(2, 3, num_layers=2, nonlinearity=relu)");
  EXPECT_EQ(
      GRU(2, 3, {.num_layers = 2, .bias = false, .dropout = 0.5, .bidirectional = true}).str(),
      "GRU(2, 3, num_layers=2, bias=false, dropout=0.5, bidirectional=true)");
  EXPECT_EQ(LSTM(2, 3, {.proj_size = 2, .weight_dropout = 0.25}).str(),
            "LSTM(2, 3, proj_size=2, weight_dropout=0.25)");
}

TEST(Recurrent, RefusesBrokenOptions) {
  EXPECT_ERROR(LSTM(2, 0), ValueError, "LSTM: hidden_size is 0, it must be at least 1");
  EXPECT_ERROR(GRU(-1, 3), ValueError, "GRU: input_size is -1, it must be at least 0");
  EXPECT_ERROR(RNN(2, 3, {.num_layers = 0}), ValueError,
               "RNN: num_layers is 0, it must be at least 1");
  EXPECT_ERROR(LSTM(2, 3, {.num_layers = 2, .dropout = 1.5}), ValueError,
               "LSTM: dropout is 1.5, it must be between 0 and 1");
  EXPECT_ERROR(GRU(2, 3, {.weight_dropout = -0.5}), ValueError,
               "GRU: weight_dropout is -0.5, it must be between 0 and 1");
  EXPECT_ERROR(LSTM(2, 3, {.proj_size = 3}), ValueError,
               "LSTM: proj_size is 3, it must be less than hidden_size, 3");
  EXPECT_ERROR(LSTM(2, 3, {.dtype = DType::int64}), DTypeError,
               "LSTM: dtype is int64, it must be float32 or float64");
  EXPECT_ERROR((void)LSTM(2, 3).weights(1), IndexError, "lstm: there is no layer 1: LSTM(2, 3)");
  EXPECT_ERROR((void)LSTM(2, 3).weights(0, true), IndexError,
               "lstm: there is no layer 0 in reverse: LSTM(2, 3)");
}

TEST(Recurrent, RefusesBrokenInput) {
  const LSTM layer(3, 4, {.num_layers = 2});
  const Tensor x = zeros({2, 5, 3});
  EXPECT_ERROR(layer(zeros({2, 5, 4})), ShapeError,
               "lstm: x is [2, 5, 4], it must be [batch, time, 3]: layer LSTM(3, 4, num_layers=2)");
  EXPECT_ERROR(layer(zeros({5, 3})), ShapeError,
               "lstm: x is [5, 3], it must be [batch, time, 3]: layer LSTM(3, 4, num_layers=2)");
  EXPECT_ERROR(layer(x, {.state = {zeros({1, 2, 4}), zeros({2, 2, 4})}}), ShapeError,
               "lstm: state.h is [1, 2, 4], it must be [2, 2, 4], [layers * directions, batch, "
               "size]: layer LSTM(3, 4, num_layers=2)");
  EXPECT_ERROR(layer(x, {.state = {{}, zeros({2, 3, 4})}}), ShapeError,
               "lstm: state.c is [2, 3, 4], it must be [2, 2, 4], [layers * directions, batch, "
               "size]: layer LSTM(3, 4, num_layers=2)");
  EXPECT_ERROR(GRU(3, 4)(x, {.state = zeros({2, 4})}), ShapeError,
               "gru: state is [2, 4], it must be [1, 2, 4], [layers * directions, batch, size]: "
               "layer GRU(3, 4)");
  EXPECT_ERROR(layer(x, {.lengths = tensor({5, 6})}), IndexError,
               "lstm: length 6 at position [1] is outside [0, 5]: x is [2, 5, 3]");
}

TEST(Recurrent, RefusesOtherDtypes) {
  const LSTM layer(3, 4);
  const Tensor x = zeros({2, 5, 3});
  EXPECT_ERROR(
      layer(zeros({2, 5, 3}, wide)), DTypeError,
      "lstm: x is float64, the weights are float32: convert it with to(): layer LSTM(3, 4)");
  EXPECT_ERROR(layer(zeros({2, 5, 3}, DType::int64)), DTypeError,
               "lstm: x is int64, the weights are float32: convert it with to(): layer LSTM(3, 4)");
  EXPECT_ERROR(layer(x, {.state = {{}, zeros({1, 2, 4}, wide)}}), DTypeError,
               "lstm: state.c is float64, the weights are float32: convert it with to(): layer "
               "LSTM(3, 4)");
  EXPECT_ERROR(GRU(3, 4)(x, {.state = zeros({1, 2, 4}, wide)}), DTypeError,
               "gru: state is float64, the weights are float32: convert it with to(): layer "
               "GRU(3, 4)");
  layer.to(wide);
  EXPECT_EQ(layer(zeros({2, 5, 3}, wide)).output.dtype(), wide);
}

TEST(Recurrent, ACallThatIsRefusedDrawsNoRandomNumbers) {
  Generator generator(1);
  const LSTM layer(3, 4, {.num_layers = 2, .dropout = 0.5, .weight_dropout = 0.5}, generator);
  const Tensor x = zeros({2, 5, 3}), state = zeros({2, 2, 4});
  const auto before = generator.offset();
  EXPECT_THROW(layer(zeros({2, 5, 4})), ShapeError);
  EXPECT_THROW(layer(zeros({2, 5, 3}, wide)), DTypeError);
  EXPECT_THROW(layer(x, {.lengths = tensor({5, 6})}), IndexError);
  EXPECT_THROW(layer(x, {.lengths = tensor({5, 4, 3})}), ShapeError);
  EXPECT_THROW(layer(x, {.lengths = tensor({5.0, 4.0})}), DTypeError);
  EXPECT_THROW(layer(x, {.state = {state.to(wide), {}}}), DTypeError);
  EXPECT_THROW(layer(x, {.state = {state, state.to(wide)}}), DTypeError);
  EXPECT_THROW(layer(x, {.state = {state, zeros({1, 2, 4})}}), ShapeError);
  EXPECT_EQ(generator.offset(), before);
  layer(x);
  EXPECT_GT(generator.offset(), before);
}

TEST(Recurrent, TakesSequencesWithoutFeatures) {
  const GRU layer(0, 4);
  const RnnResult y = layer(zeros({2, 5, 0}));
  EXPECT_EQ(y.output.shape(), (Shape{2, 5, 4}));
  EXPECT_EQ(GRUCell(0, 4)(zeros({2, 0})).shape(), (Shape{2, 4}));
}

TEST(RecurrentCell, TakesTheStepsOfTheLayer) {
  const std::int64_t B = 2, T = 3;
  const Tensor x = frozen(random_leaf({B, T, 2}));
  const auto same = [](const Module& from, const Module& cell) {
    const NoGradGuard no_grad;
    for (std::size_t i = 0; i < cell.parameters().size(); ++i) {
      const NamedParameter to = cell.parameters()[i], p = from.parameters()[i];
      EXPECT_EQ(to.path + "_l0", p.path);
      to.parameter.copy_(p.parameter);
    }
  };
  const auto expect_steps = [&](const auto& layer, const auto& cell, const auto& h_of) {
    same(layer, cell);
    const Tensor output = layer(x).output;
    auto state = cell(select(x, 1, 0));
    for (std::int64_t t = 0; t < T; ++t) {
      if (t > 0) state = cell(select(x, 1, t), state);
      EXPECT_TRUE(is_close(h_of(state), {B, 3}, values_of(select(output, 1, t)), 1e-14));
    }
  };
  const auto itself = [](const Tensor& h) { return h; };
  expect_steps(RNN(2, 3, {.dtype = wide}), RNNCell(2, 3, {.dtype = wide}), itself);
  expect_steps(RNN(2, 3, {.nonlinearity = RnnNonlinearity::relu, .dtype = wide}),
               RNNCell(2, 3, {.nonlinearity = RnnNonlinearity::relu, .dtype = wide}), itself);
  expect_steps(GRU(2, 3, {.bias = false, .dtype = wide}),
               GRUCell(2, 3, {.bias = false, .dtype = wide}), itself);
  expect_steps(LSTM(2, 3, {.dtype = wide}), LSTMCell(2, 3, {.dtype = wide}),
               [](const LstmState& s) { return s.h; });
}

TEST(RecurrentCell, Gradient) {
  const LSTMCell cell(2, 3, {.dtype = wide});
  const Tensor x = random_leaf({2, 2});
  const LstmState state{random_leaf({2, 3}, 2), random_leaf({2, 3}, 3)};
  const Tensors inputs{x,           state.h, state.c, cell.weight_ih, cell.weight_hh, cell.bias_ih,
                       cell.bias_hh};
  EXPECT_TRUE(passes_gradcheck(
      [&](const Tensors&) {
        const LstmState y = cell(x, state);
        return joined({y.h, y.c});
      },
      inputs));
}

TEST(RecurrentCell, SaysWhatItIsAndRefusesBrokenInput) {
  EXPECT_EQ(GRUCell(2, 3, {.bias = false}).str(), "GRUCell(2, 3, bias=false)");
  EXPECT_EQ(LSTMCell(2, 3).hidden_size(), 3);
  EXPECT_ERROR(RNNCell(2, 0), ValueError,
               "RNNCell: input_size is 2, hidden_size is 0: they must be at least 0 and 1");
  EXPECT_ERROR(LSTMCell(2, 3)(zeros({2, 4})), ShapeError,
               "lstm: x is [2, 4], it must be [batch, 2]: layer LSTMCell(2, 3)");
  EXPECT_ERROR(GRUCell(2, 3)(zeros({4, 2}), zeros({3, 3})), ShapeError,
               "gru: state is [3, 3], it must be [4, 3]: one row for each sequence");
  EXPECT_ERROR(GRUCell(2, 3, {.dtype = DType::boolean}), DTypeError,
               "GRUCell: dtype is boolean, it must be float32 or float64");
}

}  // namespace
}  // namespace gradus
