// How the golden cases call recurrent layers and cells, whose weights they load by name.
#include <gradus/layers/recurrent.h>
#include <gradus/layers/recurrent_cell.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

/// The inputs of a case: x, the states [count] if there are any, the parameters, the lengths.
struct Inputs {
  Inputs(Case& c, std::size_t state_count) : golden_case(c), x(c.inputs[0]), state(state_count) {
    if (!c.flag("state")) return;
    for (Tensor& s : state) s = c.inputs[used++];
  }

  void load(const Module& layer) { used = golden_case.load_parameters(layer, used); }
  Tensor lengths() const {
    return golden_case.flag("lengths") ? golden_case.inputs[used] : Tensor();
  }

  Case& golden_case;
  Tensor x;
  std::vector<Tensor> state;
  std::size_t used = 1;
};

template <class Options>
Options options_of(const Case& c) {
  Options options;
  options.num_layers = c.integer("layers");
  options.bias = c.flag("bias");
  options.bidirectional = c.flag("both");
  options.dtype = c.dtype();
  return options;
}

template <class Layer>
Results run_layer(Case& c, const Layer& layer) {
  Inputs in(c, 1);
  in.load(layer);
  const RnnResult y = layer(in.x, {.state = in.state[0], .lengths = in.lengths()});
  return {y.output, y.state};
}

Results run_rnn(Case& c) {
  auto options = options_of<RNNOptions>(c);
  if (c.flag("relu")) options.nonlinearity = RnnNonlinearity::relu;
  return run_layer(c, RNN(c.inputs[0].size(2), c.integer("hidden"), options));
}

Results run_gru(Case& c) {
  return run_layer(c, GRU(c.inputs[0].size(2), c.integer("hidden"), options_of<GRUOptions>(c)));
}

Results run_lstm(Case& c) {
  auto options = options_of<LSTMOptions>(c);
  if (c.has("proj")) options.proj_size = c.integer("proj");
  const LSTM layer(c.inputs[0].size(2), c.integer("hidden"), options);
  Inputs in(c, 2);
  in.load(layer);
  const LstmResult y = layer(in.x, {.state = {in.state[0], in.state[1]}, .lengths = in.lengths()});
  return {y.output, y.state.h, y.state.c};
}

template <class Cell, class Options>
Cell new_cell(const Case& c) {
  Options options;
  options.bias = c.flag("bias");
  options.dtype = c.dtype();
  return Cell(c.inputs[0].size(1), c.integer("hidden"), options);
}

template <class Cell, class Options>
Results run_cell(Case& c) {
  const Cell cell = new_cell<Cell, Options>(c);
  Inputs in(c, 1);
  in.load(cell);
  return {cell(in.x, in.state[0])};
}

Results run_lstm_cell(Case& c) {
  const auto cell = new_cell<LSTMCell, LSTMCellOptions>(c);
  Inputs in(c, 2);
  in.load(cell);
  const LstmState y = cell(in.x, {in.state[0], in.state[1]});
  return {y.h, y.c};
}

}  // namespace

void add_recurrent(Runners& all) {
  all["rnn"] = run_rnn;
  all["gru"] = run_gru;
  all["lstm"] = run_lstm;
  all["rnn_cell"] = run_cell<RNNCell, RNNCellOptions>;
  all["gru_cell"] = run_cell<GRUCell, GRUCellOptions>;
  all["lstm_cell"] = run_lstm_cell;
}

}  // namespace gradus::golden
