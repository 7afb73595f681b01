// W12 and W13: a conditional random field as its users write it, one step after the other, and
// libtorch's own CTC.

#include "side.h"

namespace side {
namespace {

namespace w12 = peers::w12;
namespace w13 = peers::w13;

Tensor values(uint64_t seed, const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return torch::tensor(peers::values(seed, count)).reshape(shape);
}

/// The scores of the labels of each sequence.
Tensor path_scores(const Tensor& x, const Tensor& labels, const std::vector<Tensor>& scores) {
  const Tensor before = labels.slice(1, 0, -1), after = labels.slice(1, 1);
  return x.gather(2, labels.unsqueeze(2)).sum({1, 2}) + scores[0].index({before, after}).sum(1) +
         scores[1].index({labels.select(1, 0)}) + scores[2].index({labels.select(1, -1)});
}

}  // namespace

Workload crf(const std::string&, const std::string&) {
  const int64_t C = w12::kLabels;
  const Tensor x = values(31, {w12::kBatch, w12::kSteps, C}).requires_grad_();
  const Tensor labels = torch::tensor(peers::labels(32, w12::kBatch * w12::kSteps, 0, C))
                            .reshape({w12::kBatch, w12::kSteps});
  // Transitions, start, end.
  const std::vector<Tensor> scores{values(33, {C, C}).requires_grad_(),
                                   values(34, {C}).requires_grad_(),
                                   values(35, {C}).requires_grad_()};
  std::vector<Tensor> leaves = scores;
  leaves.push_back(x);
  const auto step = [=](int64_t) {
    set_to_none(leaves);
    Tensor forward = scores[1] + x.select(1, 0);
    for (int64_t t = 1; t < w12::kSteps; ++t) {
      forward = torch::logsumexp(forward.unsqueeze(2) + scores[0], 1) + x.select(1, t);
    }
    const Tensor log_z = torch::logsumexp(forward + scores[2], 1);
    const Tensor loss = (log_z - path_scores(x, labels, scores)).mean();
    loss.backward();
    return loss.item<double>();
  };
  return {step, [=] { return gradient_norm(leaves); }, /*trains=*/false};
}

Workload ctc(const std::string&, const std::string&) {
  // In the order of axes that libtorch wants, with our values.
  const Tensor x = values(36, {w13::kBatch, w13::kSteps, w13::kClasses})
                       .transpose(0, 1)
                       .contiguous()
                       .requires_grad_();
  const Tensor targets =
      torch::tensor(peers::labels(37, w13::kBatch * w13::kTargets, 1, w13::kClasses))
          .reshape({w13::kBatch, w13::kTargets});
  const std::vector<int64_t> steps(w13::kBatch, w13::kSteps), sizes(w13::kBatch, w13::kTargets);
  const auto step = [=](int64_t) {
    set_to_none({x});
    const Tensor loss = torch::ctc_loss(torch::log_softmax(x, 2), targets, steps, sizes);
    loss.backward();
    return loss.item<double>();
  };
  return {step, [=] { return gradient_norm({x}); }, /*trains=*/false};
}

}  // namespace side
