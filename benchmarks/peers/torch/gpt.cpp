// W5. Variant "attention" writes the products, the mask and the softmax down, "sdpa" calls
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
  const Tensor masked = scores.masked_fill(mask, -std::numeric_limits<float>::infinity());
  return torch::matmul(torch::softmax(masked, -1), v);
}

Tensor fast_attention([[maybe_unused]] const Tensor& q, [[maybe_unused]] const Tensor& k,
                      [[maybe_unused]] const Tensor& v) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, /*is_causal=*/true);
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
  const Tensor mixed = sdpa ? fast_attention(q, k, v) : attention(q, k, v, mask);
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

}  // namespace side
