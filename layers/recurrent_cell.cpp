#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/recurrent_cell.h>

#include <cmath>

namespace gradus {
namespace {

std::int64_t checked_rows(const char* name, std::int64_t gates, std::int64_t input_size,
                          std::int64_t hidden_size) {
  if (input_size < 0 || hidden_size < 1) {
    throw ValueError(
        fmt::format("{}: input_size is {}, hidden_size is {}: they must be at least 0 and 1", name,
                    input_size, hidden_size));
  }
  return gates * hidden_size;
}

Tensor new_weight(const char* name, const Shape& shape, std::int64_t hidden_size,
                  std::optional<DType> dtype, Generator& generator) {
  const double bound = 1 / std::sqrt(static_cast<double>(hidden_size));
  return uniform_(detail::empty_sized(name, shape, detail::layer_dtype(name, dtype)), -bound, bound,
                  generator);
}

}  // namespace

RecurrentCell::RecurrentCell(const char* name, const char* op, std::int64_t gates,
                             std::int64_t input_size, std::int64_t hidden_size, bool bias,
                             std::optional<DType> dtype, Generator& generator)
    : weight_ih(add_parameter(
          "weight_ih",
          new_weight(name, {checked_rows(name, gates, input_size, hidden_size), input_size},
                     hidden_size, dtype, generator))),
      weight_hh(add_parameter("weight_hh", new_weight(name, {gates * hidden_size, hidden_size},
                                                      hidden_size, dtype, generator))),
      bias_ih(bias ? add_parameter("bias_ih", new_weight(name, {gates * hidden_size}, hidden_size,
                                                         dtype, generator))
                   : Parameter(Tensor())),
      bias_hh(bias ? add_parameter("bias_hh", new_weight(name, {gates * hidden_size}, hidden_size,
                                                         dtype, generator))
                   : Parameter(Tensor())),
      op_(op) {
  set_description([name, input_size, hidden_size, bias] {
    return fmt::format("{}({}, {}{})", name, input_size, hidden_size, bias ? "" : ", bias=false");
  });
}

Tensor RecurrentCell::as_sequences(const Tensor& x) const {
  detail::check_defined(op_, "x", x);
  if (x.dim() != 2 || x.size(1) != input_size()) {
    throw ShapeError(fmt::format("{}: x is {}, it must be [batch, {}]: layer {}", op_,
                                 x.shape().str(), input_size(), str()));
  }
  return unsqueeze(x, 1);
}

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options,
                 Generator& generator)
    : RecurrentCell("RNNCell", "rnn", 1, input_size, hidden_size, options.bias, options.dtype,
                    generator),
      nonlinearity_(options.nonlinearity) {}

Tensor RNNCell::operator()(const Tensor& x, const Tensor& state) const {
  return rnn(as_sequences(x), weights(), nonlinearity_, state).state;
}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, const GRUCellOptions& options,
                 Generator& generator)
    : RecurrentCell("GRUCell", "gru", 3, input_size, hidden_size, options.bias, options.dtype,
                    generator) {}

Tensor GRUCell::operator()(const Tensor& x, const Tensor& state) const {
  return gru(as_sequences(x), weights(), state).state;
}

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size,
                   const LSTMCellOptions& options, Generator& generator)
    : RecurrentCell("LSTMCell", "lstm", 4, input_size, hidden_size, options.bias, options.dtype,
                    generator) {}

LstmState LSTMCell::operator()(const Tensor& x, const LstmState& state) const {
  return lstm(as_sequences(x), weights(), state).state;
}

}  // namespace gradus
