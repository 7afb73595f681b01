// The workloads in gradus, as its users write them. See workloads.h for the command line.

#include <gradus/gradus.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "facts.h"
#include "models.h"
#include "workloads.h"

namespace {

using gradus::Tensor;
using peers::kBatches;
using peers::Workload;
namespace w1 = peers::w1;
namespace w2 = peers::w2;
namespace w3 = peers::w3;
namespace w4 = peers::w4;
namespace w5 = peers::w5;
namespace w6 = peers::w6;
namespace w7 = peers::w7;
namespace w8 = peers::w8;
namespace w9 = peers::w9;
namespace w10 = peers::w10;
namespace w11 = peers::w11;
namespace w12 = peers::w12;
namespace w13 = peers::w13;
namespace w14 = peers::w14;

template <class T>
Tensor read(const std::string& inputs, const std::string& name, const gradus::Shape& shape) {
  return gradus::tensor(peers::read<T>(inputs, name, shape.numel()), shape);
}

/// The batches of an input of shape [kBatches, ...].
template <class T>
std::vector<Tensor> batches(const std::string& inputs, const std::string& name,
                            std::vector<int64_t> shape) {
  shape.insert(shape.begin(), kBatches);
  const Tensor all = read<T>(inputs, name, gradus::Shape(shape));
  std::vector<Tensor> parts;
  for (int64_t i = 0; i < kBatches; ++i) parts.push_back(gradus::select(all, 0, i));
  return parts;
}

/// How far `weights` are from the inputs of these names.
double moved(const std::string& inputs,
             const std::vector<std::pair<std::string, Tensor>>& weights) {
  double sum = 0;
  for (const auto& [name, weight] : weights) {
    sum += peers::squared_distance(weight.data<float>(),
                                   peers::read<float>(inputs, name, weight.numel()));
  }
  return std::sqrt(sum);
}

gradus::Embedding table(const std::string& inputs, const std::string& name, int64_t rows,
                        int64_t width, bool sparse = true) {
  return gradus::Embedding::from_pretrained(read<float>(inputs, name, {rows, width}),
                                            /*freeze=*/false, {.sparse = sparse});
}

template <class Optimizer, class Options>
Workload embedding(const std::string& inputs, bool sparse, const Options& options) {
  const auto words = table(inputs, "w1_table", w1::kRows, w1::kWidth, sparse);
  const auto ids = batches<int64_t>(inputs, "w1_ids", {w1::kTokens});
  const Tensor cotangent = read<float>(inputs, "w1_cotangent", {w1::kTokens, w1::kWidth});
  const auto optimizer = std::make_shared<Optimizer>(words.parameters(), options);
  const auto step = [=](int64_t n) {
    optimizer->zero_grad();
    const Tensor loss = sum(words(ids[static_cast<size_t>(n % kBatches)]) * cotangent);
    loss.backward();
    optimizer->step();
    return loss.item();
  };
  return {step, [=] { return moved(inputs, {{"w1_table", words.weight}}); }};
}

Workload embedding_sgd(const std::string& inputs, const std::string& variant) {
  return embedding<gradus::SGD>(inputs, variant == "sparse", gradus::SGDOptions{.lr = w1::kLr});
}
Workload embedding_adagrad(const std::string& inputs, const std::string&) {
  return embedding<gradus::Adagrad>(inputs, true, gradus::AdagradOptions{.lr = w1::kLr});
}
Workload embedding_adam(const std::string& inputs, const std::string&) {
  return embedding<gradus::SparseAdam>(inputs, true, gradus::SparseAdamOptions{.lr = w1::kAdamLr});
}

struct DocumentClassifier : gradus::Module {
  explicit DocumentClassifier(const std::string& inputs)
      : words(add("words", gradus::EmbeddingBag::from_pretrained(
                               read<float>(inputs, "w2_table", {w2::kRows, w2::kWidth}),
                               /*freeze=*/false, {.sparse = true}))),
        output(add("output", gradus::Linear(w2::kWidth, w2::kClasses))) {
    const gradus::NoGradGuard guard;
    output.weight.copy_(read<float>(inputs, "w2_weight", output.weight.shape()));
    output.bias.copy_(read<float>(inputs, "w2_bias", output.bias.shape()));
  }
  const gradus::EmbeddingBag words;
  const gradus::Linear output;
};

Workload embedding_bag(const std::string& inputs, const std::string&) {
  const DocumentClassifier model(inputs);
  const peers::Bags bags(inputs);
  std::vector<Tensor> ids, offsets;
  for (int64_t i = 0; i < kBatches; ++i) {
    ids.push_back(gradus::tensor(bags.ids_of(i)));
    offsets.push_back(gradus::tensor(bags.offsets_of(i)));
  }
  const auto labels = batches<int64_t>(inputs, "w2_labels", {w2::kBags});
  const auto optimizer =
      std::make_shared<gradus::SGD>(model.parameters(), gradus::SGDOptions{.lr = w2::kLr});
  const auto step = [=](int64_t n) {
    const auto i = static_cast<size_t>(n % kBatches);
    optimizer->zero_grad();
    const Tensor loss = cross_entropy(model.output(model.words(ids[i], offsets[i])), labels[i]);
    loss.backward();
    optimizer->step();
    return loss.item();
  };
  return {step, [=] {
            return moved(inputs, {{"w2_table", model.words.weight},
                                  {"w2_weight", model.output.weight},
                                  {"w2_bias", model.output.bias}});
          }};
}

Workload skip_gram(const std::string& inputs, const std::string&) {
  const auto in = table(inputs, "w3_in_table", w3::kRows, w3::kWidth);
  const auto out = table(inputs, "w3_out_table", w3::kRows, w3::kWidth);
  const auto centers = batches<int64_t>(inputs, "w3_centers", {w3::kPairs});
  const auto contexts = batches<int64_t>(inputs, "w3_contexts", {w3::kPairs});
  const auto negatives = batches<int64_t>(inputs, "w3_negatives", {w3::kPairs, w3::kNegatives});
  const auto optimizer = std::make_shared<gradus::SGD>(
      std::vector<gradus::NamedParameter>{{"in", in.weight}, {"out", out.weight}},
      gradus::SGDOptions{.lr = w3::kLr});
  const auto step = [=](int64_t n) {
    const auto i = static_cast<size_t>(n % kBatches);
    optimizer->zero_grad();
    const Tensor loss = gradus::skip_gram_loss(in, out, centers[i], contexts[i], negatives[i],
                                               gradus::Reduction::mean);
    loss.backward();
    optimizer->step();
    return loss.item();
  };
  return {step, [=] {
            return moved(inputs, {{"w3_in_table", in.weight}, {"w3_out_table", out.weight}});
          }};
}

struct Mlp : gradus::Module {
  Mlp()
      : first(add("0", gradus::Linear(w6::kIn, w6::kHidden))),
        second(add("1", gradus::Linear(w6::kHidden, w6::kHidden))),
        third(add("2", gradus::Linear(w6::kHidden, w6::kClasses))) {}
  Tensor operator()(const Tensor& x) const { return third(relu(second(relu(first(x))))); }
  const gradus::Linear first, second, third;
};

Workload mlp(const std::string& inputs, const std::string&) {
  const Mlp model;
  std::vector<std::pair<std::string, Tensor>> weights;  // parameter 0.weight is input w6_0_weight
  for (const auto& [path, parameter] : model.parameters()) {
    std::string name = "w6_" + path;
    std::replace(name.begin(), name.end(), '.', '_');
    const gradus::NoGradGuard guard;
    parameter.copy_(read<float>(inputs, name, parameter.shape()));
    weights.emplace_back(name, parameter);
  }
  const auto data = batches<float>(inputs, "w6_inputs", {w6::kBatch, w6::kIn});
  const auto labels = batches<int64_t>(inputs, "w6_labels", {w6::kBatch});
  const auto optimizer =
      std::make_shared<gradus::Adam>(model.parameters(), gradus::AdamOptions{.lr = w6::kLr});
  const auto step = [=](int64_t n) {
    const auto i = static_cast<size_t>(n % kBatches);
    optimizer->zero_grad();
    const Tensor loss = cross_entropy(model(data[i]), labels[i]);
    loss.backward();
    optimizer->step();
    return loss.item();
  };
  return {step, [=] { return moved(inputs, weights); }};
}

struct LanguageModel : gradus::Module {
  explicit LanguageModel(const std::string& inputs)
      : words(add("table", table(inputs, "w4_table", w4::kWords, w4::kWidth))),
        lstm(add("lstm", gradus::LSTM(w4::kWidth, w4::kWidth, {.num_layers = w4::kLayers}))),
        output(add("output", gradus::Linear(w4::kWidth, w4::kWords))) {}
  const gradus::Embedding words;
  const gradus::LSTM lstm;
  const gradus::Linear output;
};

/// Copies the inputs of these parameters, which are in the order of `parameters`, and names them.
std::vector<std::pair<std::string, Tensor>> load(
    const std::string& inputs, const std::vector<peers::Parameter>& from,
    const std::vector<gradus::NamedParameter>& parameters) {
  const gradus::NoGradGuard guard;
  std::vector<std::pair<std::string, Tensor>> weights;
  for (size_t i = 0; i < from.size(); ++i) {
    const Tensor& weight = parameters[i].parameter;
    weight.copy_(read<float>(inputs, from[i].name, weight.shape()));
    weights.emplace_back(from[i].name, weight);
  }
  return weights;
}

Workload lstm_language_model(const std::string& inputs, const std::string& variant) {
  const LanguageModel model(inputs);
  const auto weights = load(inputs, w4::parameters(), model.parameters());
  std::vector<Tensor> words, next;  // [kBatch, kSteps]
  for (const Tensor& ids : batches<int64_t>(inputs, "w4_ids", {w4::kSteps + 1, w4::kBatch})) {
    words.push_back(transpose(slice(ids, 0, 0, w4::kSteps), 0, 1));
    next.push_back(transpose(slice(ids, 0, 1, w4::kSteps + 1), 0, 1));
  }
  const bool fused = variant == "linear_cross_entropy";
  const auto state = std::make_shared<gradus::LstmState>();
  const auto optimizer =
      std::make_shared<gradus::SGD>(model.parameters(), gradus::SGDOptions{.lr = w4::kLr});
  const auto step = [=](int64_t n) {
    const auto i = static_cast<size_t>(n % kBatches);
    optimizer->zero_grad();
    const gradus::LstmResult y = model.lstm(model.words(words[i]), {.state = *state});
    *state = y.state.detach();
    const Tensor loss =
        fused ? linear_cross_entropy(y.output, model.output.weight, model.output.bias, next[i])
              : cross_entropy(model.output(y.output), next[i]);
    loss.backward();
    clip_grad_norm(model.parameters(), w4::kClip);
    optimizer->step();
    return loss.item();
  };
  return {step, [=] { return moved(inputs, weights); }};
}

struct Gpt : gradus::Module {
  explicit Gpt(const std::string& inputs)
      : words(add("words", table(inputs, "w5_words", w5::kWords, w5::kWidth, /*sparse=*/false))),
        positions(add("positions", gradus::LearnedPositions(w5::kSteps, w5::kWidth))),
        blocks(add("blocks",
                   gradus::TransformerEncoder(w5::kLayers, block, gradus::LayerNorm(w5::kWidth)))),
        output(add("output", gradus::Linear(w5::kWidth, w5::kWords, {.bias = false}))) {}
  static gradus::TransformerEncoderLayer block(int64_t) {
    return {w5::kWidth,
            w5::kHeads,
            {.dim_feedforward = w5::kHidden,
             .dropout = 0,
             .activation = gradus::FeedForward::gelu,
             .norm_first = true}};
  }
  Tensor operator()(const Tensor& ids, gradus::TransformerCache* cache = nullptr) const {
    const Tensor x = positions(words(ids), cache ? cache->size() : 0);
    return output(blocks(x, {.causal = true, .cache = cache}));
  }
  /// In the order of w5::parameters(); that of the parameters of a block is PyTorch's, with both
  /// norms at the end.
  std::vector<gradus::NamedParameter> ordered_parameters() const {
    constexpr std::array<size_t, w5::kPerBlock> order{8, 9, 0, 1, 2, 3, 10, 11, 4, 5, 6, 7};
    const std::vector<gradus::NamedParameter> all = parameters();
    std::vector<gradus::NamedParameter> ordered{all[0], all[1]};
    for (int64_t layer = 0; layer < w5::kLayers; ++layer) {
      const size_t first = ordered.size();
      for (const size_t place : order) ordered.push_back(all[first + place]);
    }
    while (ordered.size() < all.size()) ordered.push_back(all[ordered.size()]);
    return ordered;
  }
  const gradus::Embedding words;
  const gradus::LearnedPositions positions;
  const gradus::TransformerEncoder blocks;
  const gradus::Linear output;
};

Workload gpt(const std::string& inputs, const std::string&) {
  const Gpt model(inputs);
  const auto weights = load(inputs, w5::parameters(), model.ordered_parameters());
  std::vector<Tensor> words, next;  // [kBatch, kSteps]
  for (const Tensor& ids : batches<int64_t>(inputs, "w5_ids", {w5::kBatch, w5::kSteps + 1})) {
    words.push_back(slice(ids, 1, 0, w5::kSteps));
    next.push_back(slice(ids, 1, 1, w5::kSteps + 1));
  }
  const auto optimizer = std::make_shared<gradus::AdamW>(
      model.parameters(), gradus::AdamWOptions{.lr = w5::kLr, .weight_decay = w5::kWeightDecay});
  const auto step = [=](int64_t n) {
    const auto i = static_cast<size_t>(n % kBatches);
    optimizer->zero_grad();
    const Tensor loss = cross_entropy(model(words[i]), next[i]);
    loss.backward();
    optimizer->step();
    return loss.item();
  };
  return {step, [=] { return moved(inputs, weights); }};
}

Workload gpt_decoding(const std::string& inputs, const std::string&) {
  const Gpt model(inputs);
  load(inputs, w5::parameters(), model.ordered_parameters());
  model.eval();
  const auto squares = std::make_shared<double>();
  const auto step = [=](int64_t) {
    const gradus::NoGradGuard no_grad;
    gradus::TransformerCache cache;
    Tensor id = gradus::tensor({{w14::kFirst}});
    double sum = 0;
    *squares = 0;
    for (int64_t t = 0; t < w5::kSteps; ++t) {
      const Tensor logits = model(id, &cache);
      id = argmax(logits, 2);
      const double greatest = logits.data<float>()[id.data<int64_t>()[0]];
      sum += greatest;
      *squares += greatest * greatest;
    }
    return sum / w5::kSteps;
  };
  return {step, [=] { return std::sqrt(*squares); }, /*trains=*/false};
}

Workload small_ops(const std::string& inputs, const std::string&) {
  const Tensor x = read<float>(inputs, "w7_x", {w7::kWidth}).set_trainable(true);
  const Tensor addend = gradus::full({w7::kWidth}, w7::kAddend);
  const Tensor factor = gradus::full({w7::kWidth}, w7::kFactor);
  const auto step = [=](int64_t) {
    x.clear_grad();
    Tensor y = x;
    for (int64_t i = 0; i < w7::kOps; ++i) {
      y = i % 3 == 0 ? y + addend : i % 3 == 1 ? y * factor : tanh(y);
    }
    const Tensor loss = sum(y);
    loss.backward();
    return loss.item();
  };
  return {step, [=] {
            const std::vector<float> zeros(static_cast<size_t>(w7::kWidth));
            return std::sqrt(peers::squared_distance(x.grad().dense().data<float>(), zeros));
          }};
}

struct TextCnn : gradus::Module {
  explicit TextCnn(const std::string& inputs)
      : words(add("table", table(inputs, "w8_table", w8::kWords, w8::kWidth, /*sparse=*/false))),
        windows(add("windows", gradus::ModuleList(kWindows, window))),
        output(add("output", gradus::Linear(w8::kFilters * kWindows, w8::kClasses))) {}
  static constexpr int64_t kWindows = w8::kLongest - w8::kShortest + 1;
  static gradus::Conv1d window(int64_t i) { return {w8::kWidth, w8::kFilters, w8::kShortest + i}; }
  const gradus::Embedding words;
  const gradus::ModuleList<gradus::Conv1d> windows;
  const gradus::Linear output;
};

/// Variant "conv1d" composes what "relu_max" does in one pass.
Workload text_cnn(const std::string& inputs, const std::string& variant) {
  const TextCnn model(inputs);
  const auto weights = load(inputs, w8::parameters(), model.parameters());
  const auto ids = batches<int64_t>(inputs, "w8_ids", {w8::kBatch, w8::kSteps});
  const auto labels = batches<int64_t>(inputs, "w8_labels", {w8::kBatch});
  const auto optimizer =
      std::make_shared<gradus::Adam>(model.parameters(), gradus::AdamOptions{.lr = w8::kLr});
  const bool fused = variant == "relu_max";
  const auto step = [=](int64_t n) {
    const auto i = static_cast<size_t>(n % kBatches);
    optimizer->zero_grad();
    const Tensor x = model.words(ids[i]);
    std::vector<Tensor> features;
    for (const gradus::Conv1d& conv : model.windows) {
      features.push_back(fused ? conv.relu_max(x) : max_over_time(relu(conv(x))));
    }
    const Tensor loss = cross_entropy(model.output(cat(features, 1)), labels[i]);
    loss.backward();
    optimizer->step();
    return loss.item();
  };
  return {step, [=] { return moved(inputs, weights); }};
}

/// Trainable values of a shape.
Tensor leaf(uint64_t seed, const gradus::Shape& shape) {
  return gradus::tensor(peers::values(seed, shape.numel()), shape).set_trainable(true);
}

double squared_norm(const Tensor& x) {
  const std::vector<float> zeros(static_cast<size_t>(x.numel()));
  return peers::squared_distance(x.data<float>(), zeros);
}

Workload lstm_sequences(const std::string& inputs, const std::string&) {
  const gradus::LSTM lstm(w11::kWidth, w11::kWidth);
  load(inputs, w11::parameters(), lstm.parameters());
  const gradus::Shape shape{w11::kBatch, w11::kSteps, w11::kWidth};
  const Tensor x = read<float>(inputs, "w11_x", shape).set_trainable(true);
  const Tensor cotangent = read<float>(inputs, "w11_cotangent", shape);
  const Tensor lengths = read<int64_t>(inputs, "w11_lengths", {w11::kBatch});
  const auto step = [=](int64_t) {
    lstm.zero_grad();
    x.clear_grad();
    const Tensor loss = sum(lstm(x, {.lengths = lengths}).output * cotangent);
    loss.backward();
    return loss.item();
  };
  const auto norm = [=] {
    double sum = squared_norm(x.grad().dense());
    for (const gradus::NamedParameter& p : lstm.parameters()) {
      sum += squared_norm(p.parameter.grad().dense());
    }
    return std::sqrt(sum);
  };
  return {step, norm, /*trains=*/false};
}

Workload crf(const std::string&, const std::string&) {
  const int64_t C = w12::kLabels;
  const gradus::Shape shape{w12::kBatch, w12::kSteps, C};
  const Tensor x = gradus::tensor(peers::values(31, shape.numel()), shape).set_trainable(true);
  const Tensor labels = gradus::tensor(peers::labels(32, w12::kBatch * w12::kSteps, 0, C),
                                       {w12::kBatch, w12::kSteps});
  const gradus::CRF layer(C);
  for (size_t i = 0; i < 3; ++i) {  // transitions, start, end
    const Tensor scores = layer.parameters()[i].parameter;
    const gradus::NoGradGuard no_grad;
    scores.copy_(gradus::tensor(peers::values(33 + i, scores.numel()), scores.shape()));
  }
  const auto step = [=](int64_t) {
    layer.zero_grad();
    x.clear_grad();
    const Tensor loss = layer(x, labels);
    loss.backward();
    return loss.item();
  };
  const auto norm = [=] {
    double sum = squared_norm(x.grad().dense());
    for (const gradus::NamedParameter& p : layer.parameters()) {
      sum += squared_norm(p.parameter.grad().dense());
    }
    return std::sqrt(sum);
  };
  return {step, norm, /*trains=*/false};
}

Workload ctc(const std::string&, const std::string&) {
  const gradus::Shape shape{w13::kBatch, w13::kSteps, w13::kClasses};
  const Tensor x = gradus::tensor(peers::values(36, shape.numel()), shape).set_trainable(true);
  const Tensor targets =
      gradus::tensor(peers::labels(37, w13::kBatch * w13::kTargets, 1, w13::kClasses),
                     {w13::kBatch, w13::kTargets});
  const auto step = [=](int64_t) {
    x.clear_grad();
    const Tensor loss = gradus::ctc_loss(x, targets);
    loss.backward();
    return loss.item();
  };
  return {step, [=] { return std::sqrt(squared_norm(x.grad().dense())); }, /*trains=*/false};
}

/// The op forward, recorded.
template <class F>
Workload forward(F op) {
  const auto y = std::make_shared<Tensor>();
  const auto step = [=](int64_t) {
    *y = op();
    return static_cast<double>(y->data<float>()[0]);
  };
  return {step, [=] { return std::sqrt(squared_norm(*y)); }};
}

/// The op's backward pass, again and again over one graph.
template <class F>
Workload backward(const std::vector<Tensor>& leaves, F op) {
  const Tensor y = op();
  const Tensor cotangent = gradus::tensor(peers::values(9, y.numel()), y.shape());
  const auto step = [=](int64_t) {
    for (const Tensor& leaf : leaves) leaf.clear_grad();
    y.backward(cotangent, {.retain_graph = true});
    return static_cast<double>(leaves[0].grad().dense().data<float>()[0]);
  };
  return {step, [=] {
            double sum = 0;
            for (const Tensor& leaf : leaves) sum += squared_norm(leaf.grad().dense());
            return std::sqrt(sum);
          }};
}

/// `op(leaves)` forward or backward, as the last word of the variant says.
template <class F>
Workload one_op(const std::string& variant, const std::vector<Tensor>& leaves, F op) {
  const auto run = [=] { return op(leaves); };
  return variant == "forward" ? forward(run) : backward(leaves, run);
}

Workload tanh_chain(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(1, {w9::kTanh}), leaf(2, {w9::kTanh}), leaf(3, {w9::kTanh})},
                [](const std::vector<Tensor>& x) { return tanh(x[0] * x[1] + x[2]); });
}

Workload softmax_rows(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(4, {w9::kSoftmaxRows, w9::kSoftmaxWidth})},
                [](const std::vector<Tensor>& x) { return softmax(x[0], 1); });
}

Workload norm_rows(const std::string&, const std::string& variant) {
  return one_op(
      variant,
      {leaf(6, {w9::kNormRows, w9::kNormWidth}), leaf(7, {w9::kNormWidth}),
       leaf(8, {w9::kNormWidth})},
      [](const std::vector<Tensor>& x) { return layer_norm(x[0], {w9::kNormWidth}, x[1], x[2]); });
}

template <bool causal>
Workload attention(const std::string&, const std::string& variant) {
  const auto heads = [](uint64_t seed) {
    return leaf(seed, {1, w9::kHeads, w9::kTimes, w9::kHeadSize});
  };
  return one_op(variant, {heads(1), heads(2), heads(3)}, [](const std::vector<Tensor>& x) {
    return scaled_dot_product_attention(x[0], x[1], x[2], {.causal = causal});
  });
}

Workload sum_all(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(5, {w9::kSumRows, w9::kSumWidth})},
                [](const std::vector<Tensor>& x) { return sum(x[0]); });
}

template <int64_t axis>
Workload sum_axis(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(5, {w9::kSumRows, w9::kSumWidth})},
                [](const std::vector<Tensor>& x) { return sum(x[0], axis); });
}

Workload adam(const std::vector<int64_t>& sizes) {
  std::vector<gradus::NamedParameter> parameters;
  for (const int64_t size : sizes) {
    const auto seed = parameters.size();
    const Tensor weight = gradus::tensor(peers::values(seed, size), {size}).set_trainable(true);
    weight.set_grad(gradus::tensor(peers::values(1000 + seed, size), {size}));
    parameters.push_back({std::to_string(seed), gradus::Parameter(weight)});
  }
  const auto optimizer =
      std::make_shared<gradus::Adam>(parameters, gradus::AdamOptions{.lr = w10::kLr});
  const auto step = [=](int64_t) {
    optimizer->step();
    return static_cast<double>(*parameters[0].parameter.data<float>());
  };
  return {step, [=] {
            double sum = 0;
            for (size_t i = 0; i < sizes.size(); ++i) {
              sum += peers::squared_distance(parameters[i].parameter.data<float>(),
                                             peers::values(i, sizes[i]));
            }
            return std::sqrt(sum);
          }};
}

Workload adam_small(const std::string&, const std::string&) { return adam(w10::small_sizes()); }
Workload adam_large(const std::string&, const std::string&) { return adam({w10::kLarge}); }

Workload product(const std::string&, const std::string& shape) {
  const peers::products::Product p(shape);
  const auto [a, b] = peers::operands(p);
  const Tensor A = p.a_transposed ? transpose(gradus::tensor(a, {p.k, p.m}), 0, 1)
                                  : gradus::tensor(a, {p.m, p.k});
  const Tensor B = p.b_transposed ? transpose(gradus::tensor(b, {p.n, p.k}), 0, 1)
                                  : gradus::tensor(b, {p.k, p.n});
  return {[=](int64_t) { return static_cast<double>(*matmul(A, B).data<float>()); },
          [=] { return std::abs(sum(matmul(A, B).to(gradus::DType::float64)).item()); },
          /*trains=*/false};
}

const peers::Side kGradus{
    "gradus",
    peers::with_products({{"W1_embedding_sparse_sgd", "sparse", embedding_sgd},
                          {"W1b_embedding_sparse_adagrad", "sparse", embedding_adagrad},
                          {"W1b_embedding_sparse_adam", "sparse", embedding_adam},
                          {"W1c_embedding_dense_sgd", "dense", embedding_sgd},
                          {"W2_embedding_bag", "sparse", embedding_bag},
                          {"W3_skip_gram", "skip_gram_loss", skip_gram},
                          {"W4_lstm_language_model", "lstm", lstm_language_model},
                          {"W4_lstm_language_model", "linear_cross_entropy", lstm_language_model},
                          {"W5_gpt", "layers", gpt},
                          {"W5b_gpt_fused_adamw", "layers", gpt},
                          {"W6_mlp_adam", "adam", mlp},
                          {"W6b_mlp_fused_adam", "adam", mlp},
                          {"W7_small_ops", "operators", small_ops},
                          {"W8_text_cnn", "conv1d", text_cnn},
                          {"W8_text_cnn", "relu_max", text_cnn},
                          {"W8b_text_cnn_fused_adam", "conv1d", text_cnn},
                          {"W8b_text_cnn_fused_adam", "relu_max", text_cnn},
                          {"W9_tanh_forward", "forward", tanh_chain},
                          {"W9_tanh_backward", "backward", tanh_chain},
                          {"W9_softmax_forward", "forward", softmax_rows},
                          {"W9_softmax_backward", "backward", softmax_rows},
                          {"W9_layer_norm_forward", "forward", norm_rows},
                          {"W9_layer_norm_backward", "backward", norm_rows},
                          {"W9_sum_all_forward", "forward", sum_all},
                          {"W9_sum_all_backward", "backward", sum_all},
                          {"W9_sum_axis0_forward", "forward", sum_axis<0>},
                          {"W9_sum_axis0_backward", "backward", sum_axis<0>},
                          {"W9_sum_axis1_forward", "forward", sum_axis<1>},
                          {"W9_sum_axis1_backward", "backward", sum_axis<1>},
                          {"W9_attention_forward", "forward", attention<false>},
                          {"W9_attention_backward", "backward", attention<false>},
                          {"W9_causal_attention_forward", "forward", attention<true>},
                          {"W9_causal_attention_backward", "backward", attention<true>},
                          {"W10_adam_small", "adam", adam_small},
                          {"W10b_fused_adam_small", "adam", adam_small},
                          {"W10_adam_large", "adam", adam_large},
                          {"W10b_fused_adam_large", "adam", adam_large},
                          {"W11_lstm_packed", "lengths", lstm_sequences},
                          {"W11_lstm_padded", "lengths", lstm_sequences},
                          {"W12_crf", "crf", crf},
                          {"W13_ctc", "ctc_loss", ctc},
                          {"W14_gpt_decoding", "cache", gpt_decoding}},
                         product),
    [](int threads) { gradus::set_num_threads(threads); }, peers::seconds_now,
    peers::library_facts};

}  // namespace

int main(int argc, char** argv) { return peers::run_side(kGradus, argc, argv); }
