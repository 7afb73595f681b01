#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/recurrent.h>

#include <cmath>
#include <string>

namespace gradus {

/// The arguments of a constructor.
struct detail::RecurrentLayers {
  const char *name, *op;
  std::int64_t gates;
  std::int64_t input_size, hidden_size, num_layers;
  bool bias, bidirectional;
  double dropout, weight_dropout;
  std::optional<DType> dtype;
  std::int64_t proj_size = 0;
  RnnNonlinearity nonlinearity = RnnNonlinearity::tanh;
};

namespace {

using detail::RecurrentLayers;

template <class Options>
RecurrentLayers layers_of(const char* name, const char* op, std::int64_t gates,
                          std::int64_t input_size, std::int64_t hidden_size, const Options& o) {
  RecurrentLayers layers{.name = name,
                         .op = op,
                         .gates = gates,
                         .input_size = input_size,
                         .hidden_size = hidden_size,
                         .num_layers = o.num_layers,
                         .bias = o.bias,
                         .bidirectional = o.bidirectional,
                         .dropout = o.dropout,
                         .weight_dropout = o.weight_dropout,
                         .dtype = o.dtype};
  if constexpr (requires { o.proj_size; }) layers.proj_size = o.proj_size;
  if constexpr (requires { o.nonlinearity; }) layers.nonlinearity = o.nonlinearity;
  return layers;
}

void check_size(const RecurrentLayers& layers, const char* what, std::int64_t size,
                std::int64_t least) {
  if (size >= least) return;
  throw ValueError(
      fmt::format("{}: {} is {}, it must be at least {}", layers.name, what, size, least));
}

void check_probability(const RecurrentLayers& layers, const char* what, double p) {
  if (p >= 0 && p <= 1) return;
  throw ValueError(fmt::format("{}: {} is {}, it must be between 0 and 1", layers.name, what, p));
}

const RecurrentLayers& checked(const RecurrentLayers& layers) {
  check_size(layers, "input_size", layers.input_size, 0);
  check_size(layers, "hidden_size", layers.hidden_size, 1);
  check_size(layers, "num_layers", layers.num_layers, 1);
  check_size(layers, "proj_size", layers.proj_size, 0);
  if (layers.proj_size >= layers.hidden_size) {
    throw ValueError(fmt::format("{}: proj_size is {}, it must be less than hidden_size, {}",
                                 layers.name, layers.proj_size, layers.hidden_size));
  }
  check_probability(layers, "dropout", layers.dropout);
  check_probability(layers, "weight_dropout", layers.weight_dropout);
  if (layers.dropout > 0 && layers.num_layers == 1) {
    detail::warn(
        fmt::format("{}: dropout is {}, but there is one layer: it acts between layers only: use a "
                    "Dropout after the {}",
                    layers.name, layers.dropout, layers.name));
  }
  return layers;
}

std::string describe(const RecurrentLayers& layers) {
  std::string text = fmt::format("{}({}, {}", layers.name, layers.input_size, layers.hidden_size);
  if (layers.num_layers != 1) text += fmt::format(", num_layers={}", layers.num_layers);
  if (layers.nonlinearity == RnnNonlinearity::relu) text += ", nonlinearity=relu";
  if (!layers.bias) text += ", bias=false";
  if (layers.dropout > 0) text += fmt::format(", dropout={}", layers.dropout);
  if (layers.bidirectional) text += ", bidirectional=true";
  if (layers.proj_size > 0) text += fmt::format(", proj_size={}", layers.proj_size);
  if (layers.weight_dropout > 0) {
    text += fmt::format(", weight_dropout={}", layers.weight_dropout);
  }
  return text + ")";
}

/// Dropout in training mode.
Tensor dropped(const Tensor& x, double p, bool training, Generator& generator) {
  return training && p > 0 ? dropout(x, p, generator) : x;
}

}  // namespace

Recurrent::Recurrent(const RecurrentLayers& layers, Generator& generator)
    : op_(checked(layers).op),
      input_size_(layers.input_size),
      hidden_size_(layers.hidden_size),
      num_layers_(layers.num_layers),
      num_directions_(layers.bidirectional ? 2 : 1),
      proj_size_(layers.proj_size),
      dropout_(layers.dropout),
      weight_dropout_(layers.weight_dropout),
      generator_(&generator),
      weights_(new_weights(layers, generator)) {
  set_description([layers] { return describe(layers); });
}

RecurrentWeights Recurrent::add_weights(const RecurrentLayers& layers, std::int64_t features,
                                        const std::string& suffix, Generator& generator) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size_));
  const DType dtype = detail::layer_dtype(layers.name, layers.dtype);
  const auto add = [&](const char* name, const Shape& shape) {
    return add_parameter(name + suffix, uniform_(detail::empty_sized(layers.name, shape, dtype),
                                                 -bound, bound, generator));
  };
  const std::int64_t rows = layers.gates * hidden_size_;
  RecurrentWeights weights;
  weights.weight_ih = add("weight_ih", {rows, features});
  weights.weight_hh = add("weight_hh", {rows, proj_size_ > 0 ? proj_size_ : hidden_size_});
  if (layers.bias) weights.bias_ih = add("bias_ih", {rows});
  if (layers.bias) weights.bias_hh = add("bias_hh", {rows});
  if (proj_size_ > 0) weights.weight_hr = add("weight_hr", {proj_size_, hidden_size_});
  return weights;
}

std::vector<RecurrentWeights> Recurrent::new_weights(const RecurrentLayers& layers,
                                                     Generator& generator) {
  std::vector<RecurrentWeights> all;
  std::int64_t features = input_size_;
  for (std::int64_t layer = 0; layer < num_layers_; ++layer) {
    for (std::int64_t direction = 0; direction < num_directions_; ++direction) {
      const char* reverse = direction == 1 ? "_reverse" : "";
      all.push_back(
          add_weights(layers, features, fmt::format("_l{}{}", layer, reverse), generator));
    }
    features = num_directions_ * (proj_size_ > 0 ? proj_size_ : hidden_size_);
  }
  return all;
}

RecurrentWeights Recurrent::weights(std::int64_t layer, bool reverse) const {
  if (layer < 0 || layer >= num_layers_ || (reverse && num_directions_ == 1)) {
    throw IndexError(fmt::format("{}: there is no layer {}{}: {}", op_, layer,
                                 reverse ? " in reverse" : "", str()));
  }
  return weights_[static_cast<std::size_t>(layer * num_directions_ + (reverse ? 1 : 0))];
}

void Recurrent::check_dtype(const char* name, const Tensor& tensor) const {
  const DType dtype = weights_[0].weight_ih.dtype();
  if (tensor.dtype() == dtype) return;
  throw DTypeError(fmt::format("{}: {} is {}, the weights are {}: convert it with to(): layer {}",
                               op_, name, gradus::name(tensor.dtype()), gradus::name(dtype),
                               str()));
}

void Recurrent::check(const Tensor& x, const States& initial, const Tensor& lengths) const {
  detail::check_defined(op_, "x", x);
  check_dtype("x", x);
  if (x.dim() != 3 || x.size(2) != input_size_) {
    throw ShapeError(fmt::format("{}: x is {}, it must be [batch, time, {}]: layer {}", op_,
                                 x.shape().str(), input_size_, str()));
  }
  detail::check_lengths(op_, lengths, x);
  for (std::size_t k = 0; k < initial.size(); ++k) {
    if (!initial[k].defined()) continue;
    const char* name = initial.size() == 1 ? "state" : k == 0 ? "state.h" : "state.c";
    check_dtype(name, initial[k]);
    const std::int64_t width = k == 0 && proj_size_ > 0 ? proj_size_ : hidden_size_;
    const Shape shape{num_layers_ * num_directions_, x.size(0), width};
    if (initial[k].shape() == shape) continue;
    throw ShapeError(
        fmt::format("{}: {} is {}, it must be {}, [layers * directions, batch, size]: layer {}",
                    op_, name, initial[k].shape().str(), shape.str(), str()));
  }
}

Recurrent::States Recurrent::run(const Tensor& x, const States& initial, const Tensor& lengths,
                                 const Op& op) const {
  const bool training = is_training();
  check(x, initial, lengths);
  Tensor y = x;
  std::vector<States> last(initial.size());
  for (std::int64_t layer = 0; layer < num_layers_; ++layer) {
    if (layer > 0) y = dropped(y, dropout_, training, *generator_);
    States outputs;
    for (std::int64_t direction = 0; direction < num_directions_; ++direction) {
      const std::int64_t i = layer * num_directions_ + direction;
      RecurrentWeights weights = weights_[static_cast<std::size_t>(i)];
      weights.weight_hh = dropped(weights.weight_hh, weight_dropout_, training, *generator_);
      States state;
      for (const Tensor& s : initial) state.push_back(s.defined() ? select(s, 0, i) : s);
      const States result = op(y, weights, state, {.lengths = lengths, .reverse = direction == 1});
      outputs.push_back(result[0]);
      for (std::size_t k = 0; k < last.size(); ++k) last[k].push_back(result[k + 1]);
    }
    y = outputs.size() == 1 ? outputs[0] : cat(outputs, 2);
  }
  States results{y};
  for (const States& states : last) results.push_back(stack(states, 0));
  return results;
}

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options,
         Generator& generator)
    : Recurrent(layers_of("RNN", "rnn", 1, input_size, hidden_size, options), generator),
      nonlinearity_(options.nonlinearity) {}

RnnResult RNN::operator()(const Tensor& x, const RnnInputs& inputs) const {
  const States y = run(x, {inputs.state}, inputs.lengths,
                       [this](const Tensor& in, const RecurrentWeights& weights,
                              const States& state, const RecurrentOptions& options) {
                         const RnnResult r = rnn(in, weights, nonlinearity_, state[0], options);
                         return States{r.output, r.state};
                       });
  return {y[0], y[1]};
}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, const GRUOptions& options,
         Generator& generator)
    : Recurrent(layers_of("GRU", "gru", 3, input_size, hidden_size, options), generator) {}

RnnResult GRU::operator()(const Tensor& x, const RnnInputs& inputs) const {
  const States y = run(x, {inputs.state}, inputs.lengths,
                       [](const Tensor& in, const RecurrentWeights& weights, const States& state,
                          const RecurrentOptions& options) {
                         const RnnResult r = gru(in, weights, state[0], options);
                         return States{r.output, r.state};
                       });
  return {y[0], y[1]};
}

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& options,
           Generator& generator)
    : Recurrent(layers_of("LSTM", "lstm", 4, input_size, hidden_size, options), generator) {}

LstmResult LSTM::operator()(const Tensor& x, const LstmInputs& inputs) const {
  const States y = run(x, {inputs.state.h, inputs.state.c}, inputs.lengths,
                       [](const Tensor& in, const RecurrentWeights& weights, const States& state,
                          const RecurrentOptions& options) {
                         const LstmResult r = lstm(in, weights, {state[0], state[1]}, options);
                         return States{r.output, r.state.h, r.state.c};
                       });
  return {y[0], {y[1], y[2]}};
}

}  // namespace gradus
