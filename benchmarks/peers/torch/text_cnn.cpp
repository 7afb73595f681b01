// W8. Variant "conv1d" calls the convolution, "unfold" multiplies windows of words by the same
// weights.

#include <functional>
#include <memory>

#include "side.h"

namespace side {
namespace {

namespace w8 = peers::w8;

/// x [B, T, D] -> [B, filters], the maximum over time.
Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return std::get<0>(torch::relu(torch::conv1d(x.transpose(1, 2), weight, bias)).max(2));
}

Tensor multiply_windows(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const Tensor windows = x.unfold(1, weight.size(2), 1).flatten(2);  // [B, T - k + 1, D * k]
  return std::get<0>(torch::relu(torch::linear(windows, weight.flatten(1), bias)).max(1));
}

std::function<void()> updater(const std::vector<Tensor>& leaves, const std::string& variant) {
#ifdef PEERS_HAVE_FUSED_ADAM
  if (has(variant, "fused_adam")) {
    const auto optimizer = std::make_shared<FusedAdam>(leaves, w8::kLr);
    return [=] { optimizer->step(); };
  }
#endif
  const auto optimizer =
      std::make_shared<torch::optim::Adam>(leaves, torch::optim::AdamOptions(w8::kLr));
  return [=] { optimizer->step(); };
}

}  // namespace

Workload text_cnn(const std::string& inputs, const std::string& variant) {
  const std::vector<Weight> weights = read_weights(inputs, w8::parameters());
  const std::vector<Tensor> leaves = tensors(weights);
  const Tensor ids = read<int64_t>(inputs, "w8_ids", {kBatches, w8::kBatch, w8::kSteps});
  const Tensor labels = read<int64_t>(inputs, "w8_labels", {kBatches, w8::kBatch});
  const std::function<void()> update = updater(leaves, variant);
  const auto filter = has(variant, "unfold") ? multiply_windows : convolve;
  const size_t output = leaves.size() - 2;
  const auto step = [=](int64_t n) {
    set_to_none(leaves);
    const Tensor x = torch::embedding(leaves[0], ids[n % kBatches]);
    std::vector<Tensor> features;
    for (size_t i = 1; i < output; i += 2) {
      features.push_back(filter(x, leaves[i], leaves[i + 1]));
    }
    const Tensor logits =
        torch::linear(torch::cat(features, 1), leaves[output], leaves[output + 1]);
    const Tensor loss = torch::cross_entropy_loss(logits, labels[n % kBatches]);
    loss.backward();
    update();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

}  // namespace side
