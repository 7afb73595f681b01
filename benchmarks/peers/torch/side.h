#pragma once

// What the files of the libtorch side share.

#include <torch/torch.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "../models.h"
#include "../workloads.h"

namespace side {

using peers::kBatches;
using peers::Workload;
using torch::Tensor;

// One of each of these files, so that a change of a workload compiles little.
Workload lstm_language_model(const std::string& inputs, const std::string& variant);
Workload lstm_sequences(const std::string& inputs, const std::string& variant);
Workload crf(const std::string& inputs, const std::string& variant);
Workload ctc(const std::string& inputs, const std::string& variant);
Workload gpt(const std::string& inputs, const std::string& variant);
Workload gpt_decoding(const std::string& inputs, const std::string& variant);
Workload text_cnn(const std::string& inputs, const std::string& variant);

template <class T>
Tensor read(const std::string& inputs, const std::string& name, std::vector<int64_t> shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  std::vector<T> values = peers::read<T>(inputs, name, count);
  return torch::from_blob(values.data(), shape, c10::CppTypeToScalarType<T>::value).clone();
}

/// A leaf to train; remembers which input it started from.
struct Weight {
  Weight(std::string folder, std::string file, std::vector<int64_t> shape)
      : inputs(std::move(folder)),
        name(std::move(file)),
        tensor(read<float>(inputs, name, std::move(shape)).requires_grad_()) {}
  std::string inputs;
  std::string name;
  Tensor tensor;
};

inline std::vector<Weight> read_weights(const std::string& inputs,
                                        const std::vector<peers::Parameter>& parameters) {
  std::vector<Weight> weights;
  for (const peers::Parameter& p : parameters) weights.emplace_back(inputs, p.name, p.shape);
  return weights;
}

inline double moved(const std::vector<Weight>& weights) {
  double sum = 0;
  for (const Weight& w : weights) {
    sum += peers::squared_distance(w.tensor.data_ptr<float>(),
                                   peers::read<float>(w.inputs, w.name, w.tensor.numel()));
  }
  return std::sqrt(sum);
}

inline std::vector<Tensor> tensors(const std::vector<Weight>& weights) {
  std::vector<Tensor> all;
  for (const Weight& w : weights) all.push_back(w.tensor);
  return all;
}

inline void set_to_none(const std::vector<Tensor>& leaves) {
  for (const Tensor& leaf : leaves) leaf.mutable_grad() = Tensor();
}

inline void set_to_none(const std::vector<Weight>& weights) { set_to_none(tensors(weights)); }

inline double squared_norm(const Tensor& x) {
  const Tensor contiguous = x.detach().contiguous();
  const std::vector<float> zeros(static_cast<size_t>(contiguous.numel()));
  return peers::squared_distance(contiguous.data_ptr<float>(), zeros);
}

/// The L2 norm of the gradients of all leaves.
inline double gradient_norm(const std::vector<Tensor>& leaves) {
  double sum = 0;
  for (const Tensor& leaf : leaves) sum += squared_norm(leaf.grad());
  return std::sqrt(sum);
}

inline bool has(const std::string& variant, const char* word) {
  return variant.find(word) != std::string::npos;
}

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 5)
#define PEERS_HAVE_FUSED_ADAM 1

/// What Python's `Adam(fused=True)` calls, and `AdamW(fused=True)` where there is a weight decay;
/// libtorch's own classes do not reach it.
struct FusedAdam {
  FusedAdam(std::vector<Tensor> leaves, double rate, double decay = 0)
      : parameters(std::move(leaves)), lr(rate), weight_decay(decay) {
    for (const Tensor& p : parameters) {
      mean.push_back(torch::zeros_like(p.detach()));
      square.push_back(torch::zeros_like(p.detach()));
      steps.push_back(torch::zeros({}));
    }
  }
  void step() {
    const torch::NoGradGuard guard;
    std::vector<Tensor> gradients;
    for (const Tensor& p : parameters) gradients.push_back(p.grad());
    for (Tensor& s : steps) s.add_(1);
    if (weight_decay != 0) {
      at::_fused_adamw_(parameters, gradients, mean, square, {}, steps, lr, 0.9, 0.999,
                        weight_decay, 1e-8, false, false);
    } else {
      at::_fused_adam_(parameters, gradients, mean, square, {}, steps, lr, 0.9, 0.999, 0, 1e-8,
                       false, false);
    }
  }
  std::vector<Tensor> parameters, mean, square, steps;
  double lr, weight_decay;
};
#endif

}  // namespace side
