#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/fasttext.h>

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace gradus::detail {

/// The labels of a supervised model, as fastText scores them: with its tables, roundings and order.
class FastTextLabels {
 public:
  FastTextLabels() = default;
  /// `output` [labels, dim] and how often each label occurred.
  FastTextLabels(FastTextLoss loss, Tensor output, std::span<const std::int64_t> counts);

  using Scored = std::pair<float, std::int32_t>;  ///< the log of a probability + 1e-5, a label
  /// The k best labels, best first, that reach the threshold, for the mean of the rows of a text.
  /// Throws ValueError for a score that is NaN.
  std::vector<Scored> best(const float* hidden, std::int64_t k, float threshold) const;

 private:
  struct Node {
    std::int64_t count;
    std::int32_t left = -1, right = -1;  // nodes; the leaves, which have none, are the labels
  };

  void build_tree(std::span<const std::int64_t> counts);
  std::vector<float> probabilities(const float* hidden) const;
  std::vector<Scored> best_in_tree(const float* hidden, std::int64_t k, float threshold) const;

  FastTextLoss loss_ = FastTextLoss::softmax;
  Tensor output_;
  std::vector<Node> tree_;       // for hierarchical softmax: the root is the last one
  std::vector<float> sigmoids_;  // for one-vs-all and negative sampling
};

}  // namespace gradus::detail
