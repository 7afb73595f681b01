#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/recurrent.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

struct RNNOptions {
  std::int64_t num_layers = 1;
  RnnNonlinearity nonlinearity = RnnNonlinearity::tanh;
  bool bias = true;            ///< whether there are bias_ih and bias_hh
  double dropout = 0;          ///< after each layer but the last, in training mode
  bool bidirectional = false;  ///< whether each layer reads the sequences in both directions
  /// Dropout of the elements of weight_hh, in training mode: one mask per call.
  double weight_dropout = 0;
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// As RNNOptions.
struct GRUOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  double dropout = 0;
  bool bidirectional = false;
  double weight_dropout = 0;
  std::optional<DType> dtype = std::nullopt;
};

/// As RNNOptions.
struct LSTMOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  double dropout = 0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;  ///< the size that h is projected to; 0 for no projection
  double weight_dropout = 0;
  std::optional<DType> dtype = std::nullopt;
};

/// What an RNN or a GRU takes beside x. Undefined: a state of zeros; all of length T.
struct RnnInputs {
  Tensor state = {};    ///< [layers * directions, B, hidden_size]
  Tensor lengths = {};  ///< the length of each sequence, int64 [B]: see RecurrentOptions
};

/// What an LSTM takes beside x.
struct LstmInputs {
  LstmState state = {};  ///< each [layers * directions, B, hidden_size]; h has proj_size elements
  Tensor lengths = {};   ///< the length of each sequence, int64 [B]
};

namespace detail {
struct RecurrentLayers;
}

/// Base of RNN, GRU and LSTM: layers on top of each other, each of which reads what the one below
/// has written. The output of a bidirectional layer has the forward direction's states first.
///
/// Parameters have the names of PyTorch: weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0 and
/// weight_hr_l0 for the first layer, with `_reverse` for the second direction. They start from
/// U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)).
class GRADUS_API Recurrent : public Module {
 public:
  std::int64_t input_size() const { return input_size_; }
  std::int64_t hidden_size() const { return hidden_size_; }
  std::int64_t num_layers() const { return num_layers_; }
  std::int64_t num_directions() const { return num_directions_; }

  /// The parameters of one layer in one direction. Throws IndexError.
  RecurrentWeights weights(std::int64_t layer, bool reverse = false) const;

 protected:
  using States = std::vector<Tensor>;
  /// One layer in one direction: the output, then the last states.
  using Op = std::function<States(const Tensor& x, const RecurrentWeights& weights,
                                  const States& initial, const RecurrentOptions& options)>;

  Recurrent(const detail::RecurrentLayers& layers, Generator& generator);

  /// The output of the last layer, then the last states of all, each [layers * directions, B, ...].
  /// Checks everything first, so that a call which is refused draws no random numbers.
  States run(const Tensor& x, const States& initial, const Tensor& lengths, const Op& op) const;

 private:
  std::vector<RecurrentWeights> new_weights(const detail::RecurrentLayers& layers,
                                            Generator& generator);
  RecurrentWeights add_weights(const detail::RecurrentLayers& layers, std::int64_t features,
                               const std::string& suffix, Generator& generator);
  void check(const Tensor& x, const States& initial, const Tensor& lengths) const;
  void check_dtype(const char* name, const Tensor& tensor) const;

  const char* const op_;
  const std::int64_t input_size_, hidden_size_, num_layers_, num_directions_, proj_size_;
  const double dropout_, weight_dropout_;
  Generator* const generator_;
  const std::vector<RecurrentWeights> weights_;
};

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of the same: see rnn().
class GRADUS_API RNN : public Recurrent {
 public:
  GRADUS_TOO_LATE RNN();
  template <class M>
  GRADUS_TOO_LATE RNN& operator=(M&&);

  /// The generator must live as long as the layer. Warns of dropout with one layer. Throws
  /// ValueError for input_size < 0, hidden_size < 1, num_layers < 1 and for a dropout outside
  /// [0, 1], DTypeError.
  RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options = {},
      Generator& generator = default_generator());

  /// x [B, T, input_size] -> output [B, T, directions * hidden_size] and the last states.
  /// Throws ShapeError, IndexError for a length outside [0, T], DTypeError.
  RnnResult operator()(const Tensor& x, const RnnInputs& inputs = {}) const;

 private:
  const RnnNonlinearity nonlinearity_;
};

/// See gru().
class GRADUS_API GRU : public Recurrent {
 public:
  GRADUS_TOO_LATE GRU();
  template <class M>
  GRADUS_TOO_LATE GRU& operator=(M&&);

  /// As RNN.
  GRU(std::int64_t input_size, std::int64_t hidden_size, const GRUOptions& options = {},
      Generator& generator = default_generator());

  /// As RNN.
  RnnResult operator()(const Tensor& x, const RnnInputs& inputs = {}) const;
};

/// See lstm().
///
///   const LstmResult y = lstm(x, {.state = {h, c}, .lengths = lengths});
///   state = y.state.detach();  // for the next piece of a stream: truncated backpropagation
class GRADUS_API LSTM : public Recurrent {
 public:
  GRADUS_TOO_LATE LSTM();
  template <class M>
  GRADUS_TOO_LATE LSTM& operator=(M&&);

  /// As RNN. Throws ValueError unless 0 <= proj_size < hidden_size.
  LSTM(std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& options = {},
       Generator& generator = default_generator());

  /// As RNN; with a projection, outputs have directions * proj_size elements.
  LstmResult operator()(const Tensor& x, const LstmInputs& inputs = {}) const;
};

}  // namespace gradus
