// W4 and W11: libtorch's own LSTM. Where it was built with oneDNN it runs that library's layer,
// which the variants `without_onednn` switch off.

#include <memory>

#include "side.h"

namespace side {
namespace {

namespace w4 = peers::w4;
namespace w11 = peers::w11;

void choose_lstm(const std::string& variant) {
  if (has(variant, "without_onednn")) at::globalContext().setUserEnabledMkldnn(false);
}

/// What Python's clip_grad_norm_ does.
void clip(const std::vector<Tensor>& leaves, double limit) {
  const torch::NoGradGuard guard;
  std::vector<Tensor> gradients;
  for (const Tensor& leaf : leaves) gradients.push_back(leaf.grad());
  const Tensor norm = torch::stack(at::_foreach_norm(gradients, 2)).norm();
  const Tensor factor = (limit / (norm + 1e-6)).clamp_max(1.0);
  for (Tensor& gradient : gradients) gradient.mul_(factor);
}

}  // namespace

Workload lstm_language_model(const std::string& inputs, const std::string& variant) {
  choose_lstm(variant);
  const std::vector<Weight> weights = read_weights(inputs, w4::parameters());
  const std::vector<Tensor> leaves = tensors(weights);
  const size_t output = leaves.size() - 2;
  const std::vector<Tensor> lstm(leaves.begin() + 1, leaves.begin() + static_cast<long>(output));
  const Tensor ids = read<int64_t>(inputs, "w4_ids", {kBatches, w4::kSteps + 1, w4::kBatch});
  const Tensor zeros = torch::zeros({w4::kLayers, w4::kBatch, w4::kWidth});
  const auto state = std::make_shared<std::vector<Tensor>>(2, zeros);
  const auto optimizer =
      std::make_shared<torch::optim::SGD>(leaves, torch::optim::SGDOptions(w4::kLr));
  const auto step = [=](int64_t n) {
    set_to_none(leaves);
    const Tensor batch = ids[n % kBatches];
    const Tensor x = torch::embedding(leaves[0], batch.slice(0, 0, w4::kSteps));
    const auto [y, h, c] = torch::lstm(x, *state, lstm, /*has_biases=*/true, w4::kLayers,
                                       /*dropout=*/0.0, /*train=*/true, /*bidirectional=*/false,
                                       /*batch_first=*/false);
    *state = {h.detach(), c.detach()};
    const Tensor logits =
        torch::linear(y.reshape({-1, w4::kWidth}), leaves[output], leaves[output + 1]);
    const Tensor loss =
        torch::cross_entropy_loss(logits, batch.slice(0, 1, w4::kSteps + 1).reshape(-1));
    loss.backward();
    clip(leaves, w4::kClip);
    optimizer->step();
    return loss.item<double>();
  };
  return {step, [=] { return moved(weights); }};
}

Workload lstm_sequences(const std::string& inputs, const std::string& variant) {
  choose_lstm(variant);
  namespace rnn = torch::nn::utils::rnn;
  const std::vector<Weight> weights = read_weights(inputs, w11::parameters());
  const std::vector<Tensor> lstm = tensors(weights);
  const std::vector<int64_t> shape{w11::kBatch, w11::kSteps, w11::kWidth};
  const Tensor x = read<float>(inputs, "w11_x", shape).requires_grad_();
  const Tensor cotangent = read<float>(inputs, "w11_cotangent", shape);
  const Tensor lengths = read<int64_t>(inputs, "w11_lengths", {w11::kBatch});
  const Tensor zeros = torch::zeros({1, w11::kBatch, w11::kWidth});
  const std::vector<Tensor> state{zeros, zeros};
  const auto padded = [=] {
    return std::get<0>(torch::lstm(x, state, lstm, true, 1, 0.0, true, false,
                                   /*batch_first=*/true));
  };
  const auto packed = [=] {
    const rnn::PackedSequence in =
        rnn::pack_padded_sequence(x, lengths, /*batch_first=*/true, /*enforce_sorted=*/false);
    const Tensor y = std::get<0>(
        torch::lstm(in.data(), in.batch_sizes(), state, lstm, true, 1, 0.0, true, false));
    const rnn::PackedSequence out(y, in.batch_sizes(), in.sorted_indices(), in.unsorted_indices());
    return std::get<0>(
        rnn::pad_packed_sequence(out, /*batch_first=*/true, /*padding_value=*/0, w11::kSteps));
  };
  std::vector<Tensor> leaves = lstm;
  leaves.push_back(x);
  const bool pack = variant == "packed";
  const auto step = [=](int64_t) {
    set_to_none(leaves);
    const Tensor loss = ((pack ? packed() : padded()) * cotangent).sum();
    loss.backward();
    return loss.item<double>();
  };
  return {step, [=] { return gradient_norm(leaves); }, /*trains=*/false};
}

}  // namespace side
