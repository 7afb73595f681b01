#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/recurrent.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct RNNCellOptions {
  RnnNonlinearity nonlinearity = RnnNonlinearity::tanh;
  bool bias = true;                           ///< whether there are bias_ih and bias_hh
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

struct GRUCellOptions {
  bool bias = true;                           ///< whether there are bias_ih and bias_hh
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

struct LSTMCellOptions {
  bool bias = true;                           ///< whether there are bias_ih and bias_hh
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// Base of the cells, which take one step of RNN, GRU and LSTM: for loops that choose the next
/// input themselves. If the whole sequence is known, the layers are faster. The parameters
/// weight_ih, weight_hh, bias_ih and bias_hh start from U(-1/sqrt(hidden_size),
/// 1/sqrt(hidden_size)).
class GRADUS_API RecurrentCell : public Module {
 public:
  std::int64_t input_size() const { return weight_ih.size(1); }
  std::int64_t hidden_size() const { return weight_hh.size(1); }

  const Parameter weight_ih;  ///< [gates * hidden_size, input_size]
  const Parameter weight_hh;  ///< [gates * hidden_size, hidden_size]
  const Parameter bias_ih;    ///< [gates * hidden_size]; undefined without bias
  const Parameter bias_hh;    ///< the same

 protected:
  RecurrentCell(const char* name, const char* op, std::int64_t gates, std::int64_t input_size,
                std::int64_t hidden_size, bool bias, std::optional<DType> dtype,
                Generator& generator);

  RecurrentWeights weights() const { return {weight_ih, weight_hh, bias_ih, bias_hh}; }
  /// x [B, input_size] as sequences of one element. Throws ShapeError.
  Tensor as_sequences(const Tensor& x) const;

 private:
  const char* const op_;
};

/// One step of an RNN: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu of the same.
class GRADUS_API RNNCell : public RecurrentCell {
 public:
  GRADUS_TOO_LATE RNNCell();
  template <class M>
  GRADUS_TOO_LATE RNNCell& operator=(M&&);

  /// Throws ValueError for input_size < 0 and hidden_size < 1, DTypeError.
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options = {},
          Generator& generator = default_generator());

  /// x [B, input_size], h [B, hidden_size] or undefined for zeros -> h' [B, hidden_size].
  /// Throws ShapeError, DTypeError.
  Tensor operator()(const Tensor& x, const Tensor& state = {}) const;

 private:
  const RnnNonlinearity nonlinearity_;
};

/// One step of a GRU: see gru().
class GRADUS_API GRUCell : public RecurrentCell {
 public:
  GRADUS_TOO_LATE GRUCell();
  template <class M>
  GRADUS_TOO_LATE GRUCell& operator=(M&&);

  /// As RNNCell.
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, const GRUCellOptions& options = {},
          Generator& generator = default_generator());

  /// As RNNCell.
  Tensor operator()(const Tensor& x, const Tensor& state = {}) const;
};

/// One step of an LSTM: see lstm().
class GRADUS_API LSTMCell : public RecurrentCell {
 public:
  GRADUS_TOO_LATE LSTMCell();
  template <class M>
  GRADUS_TOO_LATE LSTMCell& operator=(M&&);

  /// As RNNCell.
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const LSTMCellOptions& options = {},
           Generator& generator = default_generator());

  /// As RNNCell, for both states.
  LstmState operator()(const Tensor& x, const LstmState& state = {}) const;
};

}  // namespace gradus
