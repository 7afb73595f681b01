#pragma once

// The workloads that train whole models: their shapes and what their weights start from. C++17 and
// no dependencies, as workloads.h.

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace peers {

/// What the values of a weight are at first.
enum class Start { uniform, normal, constant };

/// A weight of a model; `name` is that of its input file.
struct Parameter {
  std::string name;
  std::vector<int64_t> shape;
  Start start;
  double scale;  ///< the limit of uniform values, the deviation of normal ones, or the constant
  int64_t numel() const {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    return count;
  }
};

/// PyTorch's initial weight and bias of a layer of `inputs` inputs: uniform within 1 /
/// sqrt(inputs).
inline void add_layer(std::vector<Parameter>& all, const std::string& name,
                      std::vector<int64_t> shape, int64_t inputs) {
  const double limit = 1 / std::sqrt(static_cast<double>(inputs));
  const int64_t outputs = shape[0];
  all.push_back({name + "_weight", std::move(shape), Start::uniform, limit});
  all.push_back({name + "_bias", {outputs}, Start::uniform, limit});
}

/// The four weights of an LSTM layer in PyTorch's order, for gates i, f, g, o.
inline void add_lstm(std::vector<Parameter>& all, const std::string& name, int64_t in, int64_t out,
                     double limit) {
  all.push_back({name + "_weight_ih", {4 * out, in}, Start::uniform, limit});
  all.push_back({name + "_weight_hh", {4 * out, out}, Start::uniform, limit});
  all.push_back({name + "_bias_ih", {4 * out}, Start::uniform, limit});
  all.push_back({name + "_bias_hh", {4 * out}, Start::uniform, limit});
}

/// W4: embedding, two LSTM layers that keep their state from batch to batch, linear, cross-entropy;
/// the norm of the gradients is clipped, SGD. Ids are [kBatches, kSteps + 1, kBatch]. (At a rate of
/// 1 two ways of rounding are 2e-3 apart after 50 steps, more than the rule of agreement allows.)
namespace w4 {
inline constexpr int64_t kWords = 10'000, kWidth = 200, kLayers = 2, kSteps = 35, kBatch = 20;
inline constexpr double kLr = 0.1, kClip = 5.0;

/// The table, the LSTM layers, the linear layer.
inline std::vector<Parameter> parameters() {
  const double limit = 0.1;
  std::vector<Parameter> all{{"w4_table", {kWords, kWidth}, Start::uniform, limit}};
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    add_lstm(all, "w4_" + std::to_string(layer), kWidth, kWidth, limit);
  }
  all.push_back({"w4_output_weight", {kWords, kWidth}, Start::uniform, limit});
  all.push_back({"w4_output_bias", {kWords}, Start::uniform, limit});
  return all;
}
}  // namespace w4

/// W5: a GPT of pre-norm blocks with GELU, cross-entropy, AdamW. W5b: against the fused AdamW. Ids
/// are [kBatches, kBatch, kSteps + 1].
namespace w5 {
inline constexpr int64_t kWords = 65, kWidth = 128, kLayers = 4, kHeads = 4, kSteps = 64;
inline constexpr int64_t kBatch = 12, kHidden = 4 * kWidth;
inline constexpr double kLr = 1e-3, kWeightDecay = 0.1;

inline constexpr size_t kPerBlock = 12;  ///< parameters of a block

inline void add_norm(std::vector<Parameter>& all, const std::string& name) {
  all.push_back({name + "_weight", {kWidth}, Start::constant, 1});
  all.push_back({name + "_bias", {kWidth}, Start::constant, 0});
}

/// The tables of words and of positions, the blocks, the last norm, the output (without bias).
inline std::vector<Parameter> parameters() {
  std::vector<Parameter> all{{"w5_words", {kWords, kWidth}, Start::normal, 1},
                             {"w5_positions", {kSteps, kWidth}, Start::normal, 1}};
  for (int64_t layer = 0; layer < kLayers; ++layer) {
    const std::string block = "w5_" + std::to_string(layer) + "_";
    add_norm(all, block + "norm1");
    add_layer(all, block + "qkv", {3 * kWidth, kWidth}, kWidth);
    add_layer(all, block + "projection", {kWidth, kWidth}, kWidth);
    add_norm(all, block + "norm2");
    add_layer(all, block + "up", {kHidden, kWidth}, kWidth);
    add_layer(all, block + "down", {kWidth, kHidden}, kHidden);
  }
  add_norm(all, "w5_norm");
  const double limit = 1 / std::sqrt(static_cast<double>(kWidth));
  all.push_back({"w5_output", {kWords, kWidth}, Start::uniform, limit});
  return all;
}
}  // namespace w5

/// W14: the GPT of W5 generates a sequence from one word: kSteps times, the word of the greatest
/// logit follows. Keys and values are kept, nothing is recorded. The loss is the mean of those
/// logits; `moved` their L2 norm.
namespace w14 {
inline constexpr int64_t kFirst = 1;
}  // namespace w14

/// W8: embedding, convolutions over three, four and five words, relu, maximum over time, linear,
/// cross-entropy, Adam. W8b: against the fused Adam.
namespace w8 {
inline constexpr int64_t kWords = 20'000, kWidth = 100, kFilters = 100, kClasses = 2;
inline constexpr int64_t kBatch = 50, kSteps = 60;
inline constexpr int64_t kShortest = 3, kLongest = 5;  ///< words under a filter
inline constexpr double kLr = 1e-3;

/// The table, weight and bias of each convolution, the linear layer.
inline std::vector<Parameter> parameters() {
  std::vector<Parameter> all{{"w8_table", {kWords, kWidth}, Start::normal, 1}};
  for (int64_t width = kShortest; width <= kLongest; ++width) {
    add_layer(all, "w8_" + std::to_string(width), {kFilters, kWidth, width}, kWidth * width);
  }
  const int64_t features = kFilters * (kLongest - kShortest + 1);
  add_layer(all, "w8_output", {kClasses, features}, features);
  return all;
}
}  // namespace w8

/// W11: one LSTM layer over sequences of different lengths, forward and backward, down to its
/// input. loss = sum(outputs * cotangent), whose cotangent is zero after the end of a sequence.
/// Nothing is trained. `_packed` and `_padded` are the two ways in which libtorch can do it.
namespace w11 {
inline constexpr int64_t kBatch = 64, kSteps = 200, kWidth = 256;
inline constexpr int64_t kShortest = 10, kLongest = 200;

inline std::vector<Parameter> parameters() {
  std::vector<Parameter> all;
  add_lstm(all, "w11", kWidth, kWidth, 1 / std::sqrt(static_cast<double>(kWidth)));
  return all;
}
}  // namespace w11

}  // namespace peers
