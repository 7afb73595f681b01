#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// One recurrent layer over sequences x [B, T, features], in one direction. Each is one node of the
// graph. The layers RNN, GRU and LSTM stack them.

/// The weights of a layer, with the names, shapes and order of gates of PyTorch. G is 1 for rnn(),
/// 3 for gru() and 4 for lstm(); H is the hidden size.
struct RecurrentWeights {
  Tensor weight_ih;       ///< [G H, features]
  Tensor weight_hh;       ///< [G H, H], or [G H, P] with a projection
  Tensor bias_ih = {};    ///< [G H]; undefined for none
  Tensor bias_hh = {};    ///< [G H]; undefined for none
  Tensor weight_hr = {};  ///< [P, H]: the projection of lstm(); undefined for none
};

struct RecurrentOptions {
  /// The length of each sequence, int64 [B]; undefined if all are T. What x holds from there on has
  /// no effect, the output is 0 there, and a sequence of length 0 keeps its initial state.
  Tensor lengths = {};
  bool reverse = false;  ///< whether each sequence is read from its last element to its first
};

enum class RnnNonlinearity { tanh, relu };

struct RnnResult {
  Tensor output;  ///< the state after each element: [B, T, H]
  Tensor state;   ///< after the last element of each sequence: [B, H], or [layers, B, H] of a stack
};

/// The two states of an LSTM; an undefined one is 0. h has P elements with a projection.
struct LstmState {
  Tensor h = {};  ///< [B, H], or [layers, B, H] of a stack
  Tensor c = {};  ///< the same

  /// The values without their graph, from which a truncated backpropagation goes on.
  LstmState detach() const { return {h.defined() ? h.detach() : h, c.defined() ? c.detach() : c}; }
  /// The states of the sequences `ids` [n] of the batch, in this order: see generate(). Throws
  /// IndexError, DTypeError, ShapeError.
  GRADUS_API LstmState select(const Tensor& ids) const;
};

struct LstmResult {
  Tensor output;    ///< h after each element: [B, T, H]
  LstmState state;  ///< after the last element of each sequence
};

// Each throws ShapeError for sizes that do not fit, IndexError for a length outside [0, T],
// DTypeError, ValueError for a projection that the op does not have.

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of the same. An undefined state is 0.
/// Source: Elman, "Finding Structure in Time", 1990.
GRADUS_API RnnResult rnn(const Tensor& x, const RecurrentWeights& weights,
                         RnnNonlinearity nonlinearity = RnnNonlinearity::tanh,
                         const Tensor& state = {}, const RecurrentOptions& options = {});

/// With gates r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh) and the candidate
/// n = tanh(W_in x + b_in + r (W_hn h + b_hn)): h' = (1 - z) n + z h. The weights hold r, z, n.
/// Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical
/// Machine Translation", 2014; r is applied after the product, as cuDNN and PyTorch do.
GRADUS_API RnnResult gru(const Tensor& x, const RecurrentWeights& weights, const Tensor& state = {},
                         const RecurrentOptions& options = {});

/// With gates i, f, o = sigmoid and g = tanh of W_ih x + b_ih + W_hh h + b_hh: c' = f c + i g,
/// h' = o tanh(c'), or W_hr o tanh(c') with a projection. The weights hold i, f, g, o.
/// Sources: Hochreiter, Schmidhuber, "Long Short-Term Memory", 1997; Sak, Senior, Beaufays, "Long
/// Short-Term Memory Based Recurrent Neural Network Architectures", 2014 (projection).
GRADUS_API LstmResult lstm(const Tensor& x, const RecurrentWeights& weights,
                           const LstmState& state = {}, const RecurrentOptions& options = {});

}  // namespace gradus
