// The workloads in libtorch's C++ API, written as its fastest users write them: functional calls,
// gradients set to none. See workloads.h for the command line.

#include <functional>
#include <memory>

#include "../facts.h"
#include "../workloads.h"
#include "side.h"

namespace {

using namespace side;
namespace w1 = peers::w1;
namespace w2 = peers::w2;
namespace w3 = peers::w3;
namespace w6 = peers::w6;
namespace w7 = peers::w7;
namespace w9 = peers::w9;
namespace w10 = peers::w10;

Tensor lookup(const Weight& table, const Tensor& ids) {
  return torch::embedding(table.tensor, ids, -1, false, /*sparse=*/true);
}

/// Python's torch.optim.SparseAdam, of which libtorch has no class.
struct SparseAdam {
  explicit SparseAdam(Tensor leaf)
      : parameter(std::move(leaf)),
        mean(torch::zeros_like(parameter.detach())),
        square(torch::zeros_like(parameter.detach())) {}
  void step() {
    const torch::NoGradGuard guard;
    const double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    ++steps;
    const Tensor grad = parameter.grad().coalesce();
    const Tensor values = grad._values();
    const auto rows = [&](const Tensor& of) {
      return torch::sparse_coo_tensor(grad._indices(), of, grad.sizes());
    };
    const Tensor old_mean = mean.sparse_mask(grad)._values();
    const Tensor new_mean = values.sub(old_mean).mul_(1 - beta1);
    mean.add_(rows(new_mean));
    const Tensor old_square = square.sparse_mask(grad)._values();
    const Tensor new_square = values.pow(2).sub_(old_square).mul_(1 - beta2);
    square.add_(rows(new_square));
    new_mean.add_(old_mean);
    const Tensor root = new_square.add_(old_square).sqrt_().add_(eps);
    const double size =
        w1::kAdamLr * std::sqrt(1 - std::pow(beta2, steps)) / (1 - std::pow(beta1, steps));
    parameter.add_(rows(new_mean.div_(root).mul_(-size)));
  }
  Tensor parameter, mean, square;
  double steps = 0;
};

template <class Optimizer>
Workload embedding(const std::string& inputs, bool sparse,
                   const std::function<std::shared_ptr<Optimizer>(const Tensor&)>& make) {
  const std::vector<Weight> weights{{inputs, "w1_table", {w1::kRows, w1::kWidth}}};
  const Tensor ids = read<int64_t>(inputs, "w1_ids", {kBatches, w1::kTokens});
  const Tensor cotangent = read<float>(inputs, "w1_cotangent", {w1::kTokens, w1::kWidth});
  const auto optimizer = make(weights[0].tensor);
  const auto step = [=](int64_t n) {
    set_to_none(weights);
    const Tensor rows = torch::embedding(weights[0].tensor, ids[n % kBatches], -1, false, sparse);
    const Tensor loss = (rows * cotangent).sum();
    loss.backward();
    optimizer->step();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

Workload embedding_sgd(const std::string& inputs, const std::string& variant) {
  return embedding<torch::optim::SGD>(inputs, variant != "dense", [](const Tensor& table) {
    return std::make_shared<torch::optim::SGD>(std::vector<Tensor>{table},
                                               torch::optim::SGDOptions(w1::kLr));
  });
}

Workload embedding_adagrad(const std::string& inputs, const std::string&) {
  return embedding<torch::optim::Adagrad>(inputs, true, [](const Tensor& table) {
    return std::make_shared<torch::optim::Adagrad>(std::vector<Tensor>{table},
                                                   torch::optim::AdagradOptions(w1::kLr));
  });
}

Workload embedding_adam(const std::string& inputs, const std::string&) {
  return embedding<SparseAdam>(
      inputs, true, [](const Tensor& table) { return std::make_shared<SparseAdam>(table); });
}

Workload embedding_bag(const std::string& inputs, const std::string&) {
  const std::vector<Weight> weights{{inputs, "w2_table", {w2::kRows, w2::kWidth}},
                                    {inputs, "w2_weight", {w2::kClasses, w2::kWidth}},
                                    {inputs, "w2_bias", {w2::kClasses}}};
  const peers::Bags bags(inputs);
  std::vector<Tensor> ids, offsets;
  for (int64_t i = 0; i < kBatches; ++i) {
    ids.push_back(torch::tensor(bags.ids_of(i)));
    offsets.push_back(torch::tensor(bags.offsets_of(i)));
  }
  const Tensor labels = read<int64_t>(inputs, "w2_labels", {kBatches, w2::kBags});
  auto optimizer =
      std::make_shared<torch::optim::SGD>(tensors(weights), torch::optim::SGDOptions(w2::kLr));
  namespace F = torch::nn::functional;
  const auto step = [=](int64_t n) {
    set_to_none(weights);
    const auto i = static_cast<size_t>(n % kBatches);
    const Tensor means = F::embedding_bag(
        ids[i], weights[0].tensor,
        F::EmbeddingBagFuncOptions().offsets(offsets[i]).mode(torch::kMean).sparse(true));
    const Tensor logits = torch::linear(means, weights[1].tensor, weights[2].tensor);
    const Tensor loss = torch::cross_entropy_loss(logits, labels[n % kBatches]);
    loss.backward();
    optimizer->step();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

/// Variant "two_lookups" looks positives and negatives up apart, "one_lookup" together.
Workload skip_gram(const std::string& inputs, const std::string& variant) {
  const std::vector<Weight> weights{{inputs, "w3_in_table", {w3::kRows, w3::kWidth}},
                                    {inputs, "w3_out_table", {w3::kRows, w3::kWidth}}};
  const Tensor centers = read<int64_t>(inputs, "w3_centers", {kBatches, w3::kPairs});
  const Tensor contexts = read<int64_t>(inputs, "w3_contexts", {kBatches, w3::kPairs});
  const Tensor negatives =
      read<int64_t>(inputs, "w3_negatives", {kBatches, w3::kPairs, w3::kNegatives});
  const Tensor both = torch::cat({contexts.unsqueeze(2), negatives}, 2);
  Tensor sign = -torch::ones({w3::kNegatives + 1});
  sign[0] = 1;
  auto optimizer =
      std::make_shared<torch::optim::SGD>(tensors(weights), torch::optim::SGDOptions(w3::kLr));
  const auto loss_of_one_lookup = [=](int64_t i) {
    const Tensor u = lookup(weights[0], centers[i]).unsqueeze(2);
    const Tensor score = torch::bmm(lookup(weights[1], both[i]), u).squeeze(2);
    return -torch::log_sigmoid(score * sign).sum() / w3::kPairs;
  };
  const auto loss_of_two_lookups = [=](int64_t i) {
    const Tensor u = lookup(weights[0], centers[i]);
    const Tensor positive = (u * lookup(weights[1], contexts[i])).sum(1);
    const Tensor negative = torch::bmm(lookup(weights[1], negatives[i]), u.unsqueeze(2)).squeeze(2);
    return -(torch::log_sigmoid(positive) + torch::log_sigmoid(-negative).sum(1)).mean();
  };
  const bool one = variant == "one_lookup";
  const auto step = [=](int64_t n) {
    set_to_none(weights);
    const Tensor loss = one ? loss_of_one_lookup(n % kBatches) : loss_of_two_lookups(n % kBatches);
    loss.backward();
    optimizer->step();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

Workload mlp(const std::string& inputs, const std::string& variant) {
  const std::vector<Weight> weights{
      {inputs, "w6_0_weight", {w6::kHidden, w6::kIn}},      {inputs, "w6_0_bias", {w6::kHidden}},
      {inputs, "w6_1_weight", {w6::kHidden, w6::kHidden}},  {inputs, "w6_1_bias", {w6::kHidden}},
      {inputs, "w6_2_weight", {w6::kClasses, w6::kHidden}}, {inputs, "w6_2_bias", {w6::kClasses}}};
  const Tensor data = read<float>(inputs, "w6_inputs", {kBatches, w6::kBatch, w6::kIn});
  const Tensor labels = read<int64_t>(inputs, "w6_labels", {kBatches, w6::kBatch});
  std::function<void()> update;
  if (variant == "adam") {
    auto optimizer =
        std::make_shared<torch::optim::Adam>(tensors(weights), torch::optim::AdamOptions(w6::kLr));
    update = [=] { optimizer->step(); };
  }
#ifdef PEERS_HAVE_FUSED_ADAM
  if (variant == "fused_adam") {
    auto optimizer = std::make_shared<FusedAdam>(tensors(weights), w6::kLr);
    update = [=] { optimizer->step(); };
  }
#endif
  const auto step = [=](int64_t n) {
    set_to_none(weights);
    const int64_t i = n % kBatches;
    Tensor h = torch::relu(torch::linear(data[i], weights[0].tensor, weights[1].tensor));
    h = torch::relu(torch::linear(h, weights[2].tensor, weights[3].tensor));
    const Tensor logits = torch::linear(h, weights[4].tensor, weights[5].tensor);
    const Tensor loss = torch::cross_entropy_loss(logits, labels[i]);
    loss.backward();
    update();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

Workload small_ops(const std::string& inputs, const std::string&) {
  const Tensor x = read<float>(inputs, "w7_x", {w7::kWidth}).requires_grad_();
  const Tensor addend = torch::full({w7::kWidth}, w7::kAddend);
  const Tensor factor = torch::full({w7::kWidth}, w7::kFactor);
  const auto step = [=](int64_t) {
    x.mutable_grad() = Tensor();
    Tensor y = x;
    for (int64_t i = 0; i < w7::kOps; ++i) {
      y = i % 3 == 0 ? y + addend : i % 3 == 1 ? y * factor : torch::tanh(y);
    }
    const Tensor loss = y.sum();
    loss.backward();
    return loss.item<double>();
  };
  return {step, [=] { return x.grad().norm().item<double>(); }};
}

Tensor values(uint64_t seed, std::vector<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  std::vector<float> all = peers::values(seed, count);
  return torch::from_blob(all.data(), shape, torch::kFloat).clone();
}

Tensor leaf(uint64_t seed, std::vector<int64_t> shape) {
  return values(seed, std::move(shape)).requires_grad_();
}

double first(const Tensor& x) { return *x.data_ptr<float>(); }

template <class F>
Workload forward(F op) {
  const auto y = std::make_shared<Tensor>();
  const auto step = [=](int64_t) {
    *y = op();
    return first(*y);
  };
  return {step, [=] { return std::sqrt(squared_norm(*y)); }};
}

template <class F>
Workload backward(const std::vector<Tensor>& leaves, F op) {
  const Tensor y = op();
  const Tensor cotangent = values(9, y.sizes().vec());
  const auto step = [=](int64_t) {
    set_to_none(leaves);
    y.backward(cotangent, /*retain_graph=*/true);
    return first(leaves[0].grad());
  };
  return {step, [=] { return gradient_norm(leaves); }};
}

template <class F>
Workload one_op(const std::string& variant, const std::vector<Tensor>& leaves, F op) {
  const auto run = [=] { return op(leaves); };
  return variant == "forward" ? forward(run) : backward(leaves, run);
}

Workload tanh_chain(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(1, {w9::kTanh}), leaf(2, {w9::kTanh}), leaf(3, {w9::kTanh})},
                [](const std::vector<Tensor>& x) { return torch::tanh(x[0] * x[1] + x[2]); });
}

Workload softmax_rows(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(4, {w9::kSoftmaxRows, w9::kSoftmaxWidth})},
                [](const std::vector<Tensor>& x) { return torch::softmax(x[0], 1); });
}

Workload norm_rows(const std::string&, const std::string& variant) {
  return one_op(variant,
                {leaf(6, {w9::kNormRows, w9::kNormWidth}), leaf(7, {w9::kNormWidth}),
                 leaf(8, {w9::kNormWidth})},
                [](const std::vector<Tensor>& x) {
                  return torch::layer_norm(x[0], {w9::kNormWidth}, x[1], x[2]);
                });
}

template <bool causal>
Workload attention(const std::string&, const std::string& variant) {
  const auto heads = [](uint64_t seed) {
    return leaf(seed, {1, w9::kHeads, w9::kTimes, w9::kHeadSize});
  };
  return one_op(variant, {heads(1), heads(2), heads(3)}, [](const std::vector<Tensor>& x) {
    return at::scaled_dot_product_attention(x[0], x[1], x[2], {}, 0, causal);
  });
}

Workload sum_all(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(5, {w9::kSumRows, w9::kSumWidth})},
                [](const std::vector<Tensor>& x) { return x[0].sum(); });
}

template <int64_t axis>
Workload sum_axis(const std::string&, const std::string& variant) {
  return one_op(variant, {leaf(5, {w9::kSumRows, w9::kSumWidth})},
                [](const std::vector<Tensor>& x) { return x[0].sum(axis); });
}

Workload adam(const std::string& variant, const std::vector<int64_t>& sizes) {
  std::vector<Tensor> parameters;
  for (const int64_t size : sizes) {
    const auto seed = parameters.size();
    parameters.push_back(leaf(seed, {size}));
    parameters.back().mutable_grad() = values(1000 + seed, {size});
  }
  std::function<void()> update;
  if (variant == "adam") {
    auto optimizer =
        std::make_shared<torch::optim::Adam>(parameters, torch::optim::AdamOptions(w10::kLr));
    update = [=] { optimizer->step(); };
  }
#ifdef PEERS_HAVE_FUSED_ADAM
  if (variant == "fused_adam") {
    auto optimizer = std::make_shared<FusedAdam>(parameters, w10::kLr);
    update = [=] { optimizer->step(); };
  }
#endif
  const auto step = [=](int64_t) {
    update();
    return first(parameters[0]);
  };
  return {step, [=] {
            double sum = 0;
            for (size_t i = 0; i < sizes.size(); ++i) {
              sum += peers::squared_distance(parameters[i].data_ptr<float>(),
                                             peers::values(i, sizes[i]));
            }
            return std::sqrt(sum);
          }};
}

Workload adam_small(const std::string&, const std::string& variant) {
  return adam(variant, w10::small_sizes());
}
Workload adam_large(const std::string&, const std::string& variant) {
  return adam(variant, {w10::kLarge});
}

Workload product(const std::string&, const std::string& shape) {
  const peers::products::Product p(shape);
  const auto stored = peers::operands(p);
  const auto matrix = [](const std::vector<float>& from, int64_t rows, int64_t columns,
                         bool transposed) {
    const Tensor x = torch::tensor(from).view({rows, columns});
    return transposed ? x.t() : x;
  };
  const Tensor a =
      p.a_transposed ? matrix(stored.first, p.k, p.m, true) : matrix(stored.first, p.m, p.k, false);
  const Tensor b = p.b_transposed ? matrix(stored.second, p.n, p.k, true)
                                  : matrix(stored.second, p.k, p.n, false);
  return {[=](int64_t) { return static_cast<double>(*torch::mm(a, b).data_ptr<float>()); },
          [=] { return std::abs(torch::mm(a, b).to(torch::kDouble).sum().item<double>()); },
          /*trains=*/false};
}

peers::Facts facts() {
  peers::Facts all = peers::library_facts();
#if TORCH_VERSION_MAJOR >= 2
  all.emplace_back("aten_kernels", at::get_cpu_capability());
#endif
  return all;
}

const peers::Side kTorch{
    "libtorch " + std::to_string(TORCH_VERSION_MAJOR) + "." + std::to_string(TORCH_VERSION_MINOR) +
        "." + std::to_string(TORCH_VERSION_PATCH),
    peers::with_products({{"W1_embedding_sparse_sgd", "gradients_none", embedding_sgd},
                          {"W1b_embedding_sparse_adagrad", "gradients_none", embedding_adagrad},
                          {"W1b_embedding_sparse_adam", "gradients_none", embedding_adam},
                          {"W1c_embedding_dense_sgd", "dense", embedding_sgd},
                          {"W2_embedding_bag", "gradients_none", embedding_bag},
                          {"W3_skip_gram", "two_lookups", skip_gram},
                          {"W3_skip_gram", "one_lookup", skip_gram},
                          {"W4_lstm_language_model", "lstm", lstm_language_model},
                          {"W4_lstm_language_model", "lstm_without_onednn", lstm_language_model},
                          {"W5_gpt", "attention", gpt},
#ifdef PEERS_HAVE_FUSED_ADAM
                          {"W5_gpt", "sdpa", gpt},
                          {"W5b_gpt_fused_adamw", "attention,fused_adamw", gpt},
                          {"W5b_gpt_fused_adamw", "sdpa,fused_adamw", gpt},
                          {"W14_gpt_decoding", "sdpa", gpt_decoding},
#endif
                          {"W6_mlp_adam", "adam", mlp},
#ifdef PEERS_HAVE_FUSED_ADAM
                          {"W6b_mlp_fused_adam", "fused_adam", mlp},
#endif
                          {"W7_small_ops", "gradients_none", small_ops},
                          {"W8_text_cnn", "conv1d", text_cnn},
                          {"W8_text_cnn", "unfold", text_cnn},
#ifdef PEERS_HAVE_FUSED_ADAM
                          {"W8b_text_cnn_fused_adam", "conv1d,fused_adam", text_cnn},
                          {"W8b_text_cnn_fused_adam", "unfold,fused_adam", text_cnn},
#endif
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
#ifdef PEERS_HAVE_FUSED_ADAM
                          {"W10b_fused_adam_small", "fused_adam", adam_small},
                          {"W10b_fused_adam_large", "fused_adam", adam_large},
#endif
                          {"W10_adam_small", "adam", adam_small},
                          {"W10_adam_large", "adam", adam_large},
                          {"W11_lstm_packed", "packed", lstm_sequences},
                          {"W11_lstm_padded", "padded", lstm_sequences},
                          {"W11_lstm_padded", "padded_without_onednn", lstm_sequences},
                          {"W12_crf", "loop", crf},
                          {"W13_ctc", "ctc_loss", ctc},
                          {"W14_gpt_decoding", "attention", gpt_decoding}},
                         product),
    [](int threads) {
      at::set_num_threads(threads);
      at::set_num_interop_threads(1);
    },
    peers::seconds_now, facts};

}  // namespace

int main(int argc, char** argv) { return peers::run_side(kTorch, argc, argv); }
