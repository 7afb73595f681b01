// W5 and W14. Variant "attention" writes the products, the mask and the softmax down, "sdpa" calls
// scaled_dot_product_attention.

#include <functional>
#include <limits>
#include <memory>

#include "side.h"

namespace side {
namespace {

namespace w5 = peers::w5;

constexpr int64_t kHeadWidth = w5::kWidth / w5::kHeads;

/// [B, T, D] -> [B, H, T, D / H]
Tensor heads(const Tensor& x) {
  return x.view({w5::kBatch, w5::kSteps, w5::kHeads, kHeadWidth}).transpose(1, 2);
}

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask) {
  const Tensor scores =
      torch::matmul(q, k.transpose(-2, -1)) * (1 / std::sqrt(static_cast<double>(kHeadWidth)));
  const Tensor masked =
      mask.defined() ? scores.masked_fill(mask, -std::numeric_limits<float>::infinity()) : scores;
  return torch::matmul(torch::softmax(masked, -1), v);
}

Tensor fast_attention([[maybe_unused]] const Tensor& q, [[maybe_unused]] const Tensor& k,
                      [[maybe_unused]] const Tensor& v, [[maybe_unused]] bool causal) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, causal);
#else
  return {};
#endif
}

Tensor norm(const Tensor& x, const Tensor* weight) {
  return torch::layer_norm(x, {w5::kWidth}, weight[0], weight[1]);
}

/// `p` are the parameters of the block, in the order of w5::parameters().
Tensor block(const Tensor& x, const Tensor* p, const Tensor& mask, bool sdpa) {
  const std::vector<Tensor> qkv = torch::linear(norm(x, p), p[2], p[3]).split(w5::kWidth, 2);
  const Tensor q = heads(qkv[0]), k = heads(qkv[1]), v = heads(qkv[2]);
  const Tensor mixed = sdpa ? fast_attention(q, k, v, true) : attention(q, k, v, mask);
  const Tensor joined = mixed.transpose(1, 2).reshape({w5::kBatch, w5::kSteps, w5::kWidth});
  const Tensor y = x + torch::linear(joined, p[4], p[5]);
  const Tensor hidden = torch::gelu(torch::linear(norm(y, p + 6), p[8], p[9]));
  return y + torch::linear(hidden, p[10], p[11]);
}

std::function<void()> updater(const std::vector<Tensor>& leaves, const std::string& variant) {
#ifdef PEERS_HAVE_FUSED_ADAM
  if (has(variant, "fused_adamw")) {
    const auto optimizer = std::make_shared<FusedAdam>(leaves, w5::kLr, w5::kWeightDecay);
    return [=] { optimizer->step(); };
  }
#endif
  const auto options = torch::optim::AdamWOptions(w5::kLr).weight_decay(w5::kWeightDecay);
  const auto optimizer = std::make_shared<torch::optim::AdamW>(leaves, options);
  return [=] { optimizer->step(); };
}

/// Keys and values of a layer, [1, kHeads, kSteps, kHeadWidth], of which the first are filled.
struct Cache {
  Tensor keys = torch::empty({1, w5::kHeads, w5::kSteps, kHeadWidth});
  Tensor values = torch::empty({1, w5::kHeads, w5::kSteps, kHeadWidth});
};

/// The block of word t alone, [1, 1, kWidth]; it sees all words before.
Tensor cached_block(const Tensor& x, const Tensor* p, Cache& cache, int64_t t, bool sdpa) {
  const std::vector<Tensor> qkv =
      torch::linear(norm(x, p), p[2], p[3]).view({1, 3 * w5::kHeads, 1, kHeadWidth}).chunk(3, 1);
  cache.keys.narrow(2, t, 1).copy_(qkv[1]);
  cache.values.narrow(2, t, 1).copy_(qkv[2]);
  const Tensor k = cache.keys.narrow(2, 0, t + 1), v = cache.values.narrow(2, 0, t + 1);
  const Tensor mixed = sdpa ? fast_attention(qkv[0], k, v, false) : attention(qkv[0], k, v, {});
  const Tensor y = x + torch::linear(mixed.view({1, 1, w5::kWidth}), p[4], p[5]);
  const Tensor hidden = torch::gelu(torch::linear(norm(y, p + 6), p[8], p[9]));
  return y + torch::linear(hidden, p[10], p[11]);
}

}  // namespace

Workload gpt(const std::string& inputs, const std::string& variant) {
  const std::vector<Weight> weights = read_weights(inputs, w5::parameters());
  const std::vector<Tensor> leaves = tensors(weights);
  const Tensor ids = read<int64_t>(inputs, "w5_ids", {kBatches, w5::kBatch, w5::kSteps + 1});
  const Tensor mask = torch::ones({w5::kSteps, w5::kSteps}, torch::kBool).triu(1);
  const std::function<void()> update = updater(leaves, variant);
  const bool sdpa = has(variant, "sdpa");
  const auto step = [=](int64_t n) {
    set_to_none(leaves);
    const Tensor batch = ids[n % kBatches];
    Tensor x = torch::embedding(leaves[0], batch.slice(1, 0, w5::kSteps)) + leaves[1];
    const Tensor* p = &leaves[2];
    for (int64_t layer = 0; layer < w5::kLayers; ++layer, p += w5::kPerBlock) {
      x = block(x, p, mask, sdpa);
    }
    const Tensor logits = torch::linear(norm(x, p), p[2]).view({-1, w5::kWords});
    const Tensor loss =
        torch::cross_entropy_loss(logits, batch.slice(1, 1, w5::kSteps + 1).reshape(-1));
    loss.backward();
    update();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

Workload gpt_decoding(const std::string& inputs, const std::string& variant) {
  std::vector<Tensor> leaves;
  for (const Tensor& leaf : tensors(read_weights(inputs, w5::parameters()))) {
    leaves.push_back(leaf.detach());
  }
  const auto caches = std::make_shared<std::vector<Cache>>(static_cast<size_t>(w5::kLayers));
  const auto squares = std::make_shared<double>();
  const bool sdpa = has(variant, "sdpa");
  const auto step = [=](int64_t) {
    const c10::InferenceMode guard;
    Tensor id = torch::full({1, 1}, peers::w14::kFirst, torch::kLong);
    double sum = 0;
    *squares = 0;
    for (int64_t t = 0; t < w5::kSteps; ++t) {
      Tensor x = torch::embedding(leaves[0], id) + leaves[1].narrow(0, t, 1);
      const Tensor* p = &leaves[2];
      for (Cache& cache : *caches) {
        x = cached_block(x, p, cache, t, sdpa);
        p += w5::kPerBlock;
      }
      const Tensor logits = torch::linear(norm(x, p), p[2]);
      id = logits.argmax(2);
      const double greatest = logits.data_ptr<float>()[id.data_ptr<int64_t>()[0]];
      sum += greatest;
      *squares += greatest * greatest;
    }
    return sum / static_cast<double>(w5::kSteps);
  };
  return {step, [=] { return std::sqrt(*squares); }, /*trains=*/false};
}

}  // namespace side
