// One training step of each workload of benchmarks/peers, on data made here: for finding out
// whether a change is faster. Arg: threads. Ratios to other libraries come from `./dev bench
// --peers`.
#include <benchmark/benchmark.h>
#include <gradus/gradus.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "peers/models.h"
#include "peers/workloads.h"

namespace {

using gradus::Shape;
using gradus::Tensor;
using peers::kBatches;
namespace w1 = peers::w1;
namespace w2 = peers::w2;
namespace w3 = peers::w3;
namespace w4 = peers::w4;
namespace w6 = peers::w6;
namespace w7 = peers::w7;
namespace w9 = peers::w9;
namespace w10 = peers::w10;
namespace w11 = peers::w11;
namespace w12 = peers::w12;
namespace w13 = peers::w13;

// Ids 0, 1, ... drawn with probability proportional to 1 / (id + 1)^power.
std::vector<Tensor> zipf_batches(int64_t rows, double power, const Shape& shape) {
  std::vector<double> cumulative(static_cast<size_t>(rows));
  double sum = 0;
  for (int64_t i = 0; i < rows; ++i) {
    sum += std::pow(static_cast<double>(i + 1), -power);
    cumulative[static_cast<size_t>(i)] = sum;
  }
  gradus::Generator generator(42);
  std::vector<Tensor> batches;
  for (int64_t b = 0; b < kBatches; ++b) {
    Tensor ids = gradus::zeros(shape, gradus::DType::int64);
    for (int64_t& id : ids.mutable_span<int64_t>()) {
      const double u = generator.uniform() * sum;
      id = std::min(rows - 1,
                    std::lower_bound(cumulative.begin(), cumulative.end(), u) - cumulative.begin());
    }
    batches.push_back(std::move(ids));
  }
  return batches;
}

// Runs step(i) with i going round the batches; items are counted per second.
template <class F>
void run(benchmark::State& state, int64_t items, F&& step) {
  gradus::set_num_threads(static_cast<int>(state.range(0)));
  size_t n = 0;
  for (int i = 0; i < 3; ++i) step(n++ % kBatches);
  for (auto _ : state) benchmark::DoNotOptimize(step(n++ % kBatches));
  state.SetItemsProcessed(state.iterations() * items);
}

template <class Optimizer, class Options>
void embedding(benchmark::State& state, bool sparse, const Options& options) {
  const gradus::Embedding words(w1::kRows, w1::kWidth, {.sparse = sparse});
  const std::vector<Tensor> ids = zipf_batches(w1::kRows, 1.0, {w1::kTokens});
  const Tensor cotangent = gradus::randn({w1::kTokens, w1::kWidth}, 0, 1e-3);
  Optimizer optimizer(words.parameters(), options);
  run(state, w1::kTokens, [&](size_t i) {
    optimizer.zero_grad();
    const Tensor loss = sum(words(ids[i]) * cotangent);
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

void W1_embedding_sparse_sgd(benchmark::State& state) {
  embedding<gradus::SGD>(state, true, gradus::SGDOptions{.lr = w1::kLr});
}
void W1b_embedding_sparse_adagrad(benchmark::State& state) {
  embedding<gradus::Adagrad>(state, true, gradus::AdagradOptions{.lr = w1::kLr});
}
void W1b_embedding_sparse_adam(benchmark::State& state) {
  embedding<gradus::SparseAdam>(state, true, gradus::SparseAdamOptions{.lr = w1::kAdamLr});
}
void W1c_embedding_dense_sgd(benchmark::State& state) {
  embedding<gradus::SGD>(state, false, gradus::SGDOptions{.lr = w1::kLr});
}

void W2_embedding_bag(benchmark::State& state) {
  const gradus::EmbeddingBag words(w2::kRows, w2::kWidth, {.sparse = true});
  const gradus::Linear output(w2::kWidth, w2::kClasses);
  constexpr int64_t length = (w2::kShortest + w2::kLongest) / 2;
  const Tensor scattered = gradus::randperm(w2::kRows);
  std::vector<Tensor> ids, labels;
  for (const Tensor& words_of : zipf_batches(w2::kRows, 1.0, {w2::kBags * length})) {
    ids.push_back(gradus::gather(scattered, 0, words_of));
    labels.push_back(gradus::randint(0, w2::kClasses, {w2::kBags}));
  }
  const Tensor offsets = gradus::empty({w2::kBags}, gradus::DType::int64);
  for (int64_t b = 0; b < w2::kBags; ++b) offsets.mutable_data<int64_t>()[b] = b * length;
  gradus::SGD optimizer({{"words", words.weight}, {"weight", output.weight}, {"bias", output.bias}},
                        {.lr = w2::kLr});
  run(state, w2::kBags * length, [&](size_t i) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(output(words(ids[i], offsets)), labels[i]);
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

void W3_skip_gram(benchmark::State& state) {
  const gradus::Embedding in(w3::kRows, w3::kWidth, {.sparse = true});
  const gradus::Embedding out(w3::kRows, w3::kWidth, {.sparse = true});
  gradus::init_skip_gram(in, out);
  const std::vector<Tensor> centers = zipf_batches(w3::kRows, 1.0, {w3::kPairs});
  const std::vector<Tensor> contexts = zipf_batches(w3::kRows, 1.0, {w3::kPairs});
  const std::vector<Tensor> negatives = zipf_batches(w3::kRows, 0.75, {w3::kPairs, w3::kNegatives});
  gradus::SGD optimizer({{"in", in.weight}, {"out", out.weight}}, {.lr = w3::kLr});
  run(state, w3::kPairs, [&](size_t i) {
    optimizer.zero_grad();
    const Tensor loss = gradus::skip_gram_loss(in, out, centers[i], contexts[i], negatives[i],
                                               gradus::Reduction::mean);
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

struct LanguageModel : gradus::Module {
  LanguageModel()
      : words(add("words", gradus::Embedding(w4::kWords, w4::kWidth, {.sparse = true}))),
        lstm(add("lstm", gradus::LSTM(w4::kWidth, w4::kWidth, {.num_layers = w4::kLayers}))),
        output(add("output", gradus::Linear(w4::kWidth, w4::kWords))) {}
  const gradus::Embedding words;
  const gradus::LSTM lstm;
  const gradus::Linear output;
};

void W4_lstm_language_model(benchmark::State& state) {
  const LanguageModel model;
  const std::vector<Tensor> ids = zipf_batches(w4::kWords, 1.0, {w4::kBatch, w4::kSteps});
  gradus::SGD optimizer(model.parameters(), {.lr = w4::kLr});
  gradus::LstmState carried;
  run(state, w4::kBatch * w4::kSteps, [&](size_t i) {
    optimizer.zero_grad();
    const gradus::LstmResult y = model.lstm(model.words(ids[i]), {.state = carried});
    carried = y.state.detach();
    const Tensor loss = cross_entropy(model.output(y.output), ids[(i + 1) % kBatches]);
    loss.backward();
    clip_grad_norm(model.parameters(), w4::kClip);
    optimizer.step();
    return loss.item();
  });
}

void lstm_sequences(benchmark::State& state, const Tensor& lengths) {
  const gradus::LSTM lstm(w11::kWidth, w11::kWidth);
  const Tensor x = gradus::randn({w11::kBatch, w11::kSteps, w11::kWidth}).set_trainable(true);
  const Tensor cotangent = gradus::randn(x.shape(), 0, 1e-3);
  run(state, sum(lengths).item<int64_t>(), [&](size_t) {
    lstm.zero_grad();
    x.clear_grad();
    const Tensor loss = sum(lstm(x, {.lengths = lengths}).output * cotangent);
    loss.backward();
    return loss.item();
  });
}

void W11_lstm_lengths(benchmark::State& state) {
  gradus::Generator generator(42);
  lstm_sequences(state,
                 gradus::randint(w11::kShortest, w11::kLongest + 1, {w11::kBatch}, generator));
}
void W11_lstm_whole(benchmark::State& state) {
  lstm_sequences(state, gradus::full({w11::kBatch}, w11::kSteps, gradus::DType::int64));
}

void W6_mlp_adam(benchmark::State& state) {
  const gradus::Sequential model(gradus::Linear(w6::kIn, w6::kHidden), gradus::relu,
                                 gradus::Linear(w6::kHidden, w6::kHidden), gradus::relu,
                                 gradus::Linear(w6::kHidden, w6::kClasses));
  std::vector<Tensor> data, labels;
  for (int64_t b = 0; b < kBatches; ++b) {
    data.push_back(gradus::randn({w6::kBatch, w6::kIn}));
    labels.push_back(gradus::randint(0, w6::kClasses, {w6::kBatch}));
  }
  gradus::Adam optimizer(model.parameters(), {.lr = w6::kLr});
  run(state, w6::kBatch, [&](size_t i) {
    optimizer.zero_grad();
    const Tensor loss = cross_entropy(model(data[i]), labels[i]);
    loss.backward();
    optimizer.step();
    return loss.item();
  });
}

// Items are ops, forward and backward together.
void W7_small_ops(benchmark::State& state) {
  const Tensor x = gradus::randn({w7::kWidth}).set_trainable(true);
  const Tensor addend = gradus::full({w7::kWidth}, w7::kAddend);
  const Tensor factor = gradus::full({w7::kWidth}, w7::kFactor);
  run(state, w7::kOps, [&](size_t) {
    x.clear_grad();
    Tensor y = x;
    for (int64_t i = 0; i < w7::kOps; ++i) {
      y = i % 3 == 0 ? y + addend : i % 3 == 1 ? y * factor : tanh(y);
    }
    sum(y).backward();
    return x.grad().dense().data<float>()[0];
  });
}

Tensor leaf(const Shape& shape) { return gradus::randn(shape).set_trainable(true); }

// op(leaves) forward, recorded; items are elements of the first leaf.
template <class F>
void forward(benchmark::State& state, const std::vector<Tensor>& leaves, F op) {
  Tensor y;
  run(state, leaves[0].numel(), [&](size_t) {
    y = op(leaves);
    return y.data<float>()[0];
  });
}

// Its backward pass, again and again over one graph.
template <class F>
void backward(benchmark::State& state, const std::vector<Tensor>& leaves, F op) {
  const Tensor y = op(leaves);
  const Tensor cotangent = gradus::randn(y.shape());
  run(state, leaves[0].numel(), [&](size_t) {
    for (const Tensor& x : leaves) x.clear_grad();
    y.backward(cotangent, {.retain_graph = true});
    return leaves[0].grad().dense().data<float>()[0];
  });
}

const Shape tanh_shape = {w9::kTanh};
const Shape softmax_shape = {w9::kSoftmaxRows, w9::kSoftmaxWidth};
const Shape norm_shape = {w9::kNormRows, w9::kNormWidth};
const Shape sum_shape = {w9::kSumRows, w9::kSumWidth};

Tensor tanh_chain(const std::vector<Tensor>& x) { return tanh(x[0] * x[1] + x[2]); }
Tensor softmax_rows(const std::vector<Tensor>& x) { return softmax(x[0], 1); }
Tensor norm_rows(const std::vector<Tensor>& x) {
  return layer_norm(x[0], {w9::kNormWidth}, x[1], x[2]);
}
Tensor sum_all(const std::vector<Tensor>& x) { return sum(x[0]); }
Tensor sum_axis0(const std::vector<Tensor>& x) { return sum(x[0], 0); }
Tensor sum_axis1(const std::vector<Tensor>& x) { return sum(x[0], 1); }

void W9_tanh_forward(benchmark::State& state) {
  forward(state, {leaf(tanh_shape), leaf(tanh_shape), leaf(tanh_shape)}, tanh_chain);
}
void W9_tanh_backward(benchmark::State& state) {
  backward(state, {leaf(tanh_shape), leaf(tanh_shape), leaf(tanh_shape)}, tanh_chain);
}
void W9_softmax_forward(benchmark::State& state) {
  forward(state, {leaf(softmax_shape)}, softmax_rows);
}
void W9_softmax_backward(benchmark::State& state) {
  backward(state, {leaf(softmax_shape)}, softmax_rows);
}
std::vector<Tensor> norm_leaves() {
  return {leaf(norm_shape), leaf({w9::kNormWidth}), leaf({w9::kNormWidth})};
}
void W9_layer_norm_forward(benchmark::State& state) { forward(state, norm_leaves(), norm_rows); }
void W9_layer_norm_backward(benchmark::State& state) { backward(state, norm_leaves(), norm_rows); }
void W9_sum_all_forward(benchmark::State& state) { forward(state, {leaf(sum_shape)}, sum_all); }
void W9_sum_all_backward(benchmark::State& state) { backward(state, {leaf(sum_shape)}, sum_all); }
void W9_sum_axis0_forward(benchmark::State& state) { forward(state, {leaf(sum_shape)}, sum_axis0); }
void W9_sum_axis0_backward(benchmark::State& state) {
  backward(state, {leaf(sum_shape)}, sum_axis0);
}
void W9_sum_axis1_forward(benchmark::State& state) { forward(state, {leaf(sum_shape)}, sum_axis1); }
void W9_sum_axis1_backward(benchmark::State& state) {
  backward(state, {leaf(sum_shape)}, sum_axis1);
}

// Items are values.
void adam(benchmark::State& state, const std::vector<int64_t>& sizes) {
  std::vector<gradus::NamedParameter> parameters;
  int64_t values = 0;
  for (const int64_t size : sizes) {
    const Tensor weight = leaf({size});
    weight.set_grad(gradus::randn({size}));
    parameters.push_back({std::to_string(parameters.size()), gradus::Parameter(weight)});
    values += size;
  }
  gradus::Adam optimizer(parameters, {.lr = w10::kLr});
  run(state, values, [&](size_t) {
    optimizer.step();
    return *parameters[0].parameter.data<float>();
  });
}
void W10_adam_small(benchmark::State& state) { adam(state, w10::small_sizes()); }
void W10_adam_large(benchmark::State& state) { adam(state, {w10::kLarge}); }

void W12_crf(benchmark::State& state) {
  const gradus::CRF crf(w12::kLabels);
  const Tensor x = gradus::randn({w12::kBatch, w12::kSteps, w12::kLabels}).set_trainable(true);
  const Tensor labels = gradus::randint(w12::kLabels, {w12::kBatch, w12::kSteps});
  run(state, labels.numel(), [&](size_t) {
    crf.zero_grad();
    x.clear_grad();
    const Tensor loss = crf(x, labels);
    loss.backward();
    return loss.item();
  });
}

void W13_ctc(benchmark::State& state) {
  const Tensor x = gradus::randn({w13::kBatch, w13::kSteps, w13::kClasses}).set_trainable(true);
  const Tensor targets = gradus::randint(1, w13::kClasses, {w13::kBatch, w13::kTargets});
  run(state, w13::kBatch * w13::kSteps, [&](size_t) {
    x.clear_grad();
    const Tensor loss = gradus::ctc_loss(x, targets);
    loss.backward();
    return loss.item();
  });
}

// The loss of 2,048 rows over 50,000 classes, down to x and the weight: over all of them, or over
// the label and 100 samples.
template <class Loss>
void large_vocabulary(benchmark::State& state, const Loss& loss_of) {
  const int64_t rows = 2048, classes = 50'000, width = 512;
  const Tensor x = gradus::randn({rows, width}).set_trainable(true);
  const Tensor weight = gradus::randn({classes, width}, 0, 0.05).set_trainable(true);
  const Tensor labels = gradus::randint(classes, {rows});
  run(state, rows, [&](size_t) {
    x.clear_grad();
    weight.clear_grad();
    const Tensor loss = loss_of(x, weight, labels);
    loss.backward();
    return loss.item();
  });
}
void full_softmax(benchmark::State& state) {
  large_vocabulary(state, [](const Tensor& x, const Tensor& weight, const Tensor& labels) {
    return cross_entropy(linear(x, weight), labels);
  });
}
void sampled_softmax(benchmark::State& state) {
  const gradus::ClassSampler sampler = gradus::ClassSampler::log_uniform(50'000);
  large_vocabulary(state, [&](const Tensor& x, const Tensor& weight, const Tensor& labels) {
    return sampled_softmax_loss(x, weight, labels, sampler(100), sampler, {.sparse = true});
  });
}

BENCHMARK(W1_embedding_sparse_sgd)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W1b_embedding_sparse_adagrad)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W1b_embedding_sparse_adam)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W1c_embedding_dense_sgd)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W2_embedding_bag)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W3_skip_gram)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W4_lstm_language_model)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W6_mlp_adam)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W7_small_ops)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_tanh_forward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_tanh_backward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_softmax_forward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_softmax_backward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_layer_norm_forward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_layer_norm_backward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_sum_all_forward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_sum_all_backward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_sum_axis0_forward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_sum_axis0_backward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_sum_axis1_forward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W9_sum_axis1_backward)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W10_adam_small)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W10_adam_large)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W11_lstm_lengths)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W11_lstm_whole)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W12_crf)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(W13_ctc)->Arg(1)->Arg(2)->ArgName("threads")->UseRealTime();
BENCHMARK(full_softmax)->Arg(1)->ArgName("threads")->UseRealTime();
BENCHMARK(sampled_softmax)->Arg(1)->ArgName("threads")->UseRealTime();

}  // namespace
