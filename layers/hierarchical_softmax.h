#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/hierarchical_softmax.h>

#include <cstdint>
#include <optional>
#include <span>

namespace gradus {

struct HierarchicalSoftmaxLayerOptions {
  bool sparse = false;  ///< whether the gradient of the weight is a SparseGrad, of the nodes used
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// A softmax over many classes by the decisions of a Huffman tree: see hierarchical_softmax_loss().
/// The weight [classes - 1, in_features] starts as zeros, as in word2vec and fastText.
class GRADUS_API HierarchicalSoftmax : public Module {
 public:
  GRADUS_TOO_LATE HierarchicalSoftmax();
  template <class M>
  GRADUS_TOO_LATE HierarchicalSoftmax& operator=(M&&);

  /// counts: of each class. Throws ValueError for in_features < 0 and as HuffmanTree does,
  /// DTypeError.
  HierarchicalSoftmax(std::int64_t in_features, std::span<const std::int64_t> counts,
                      const HierarchicalSoftmaxLayerOptions& options = {});

  /// The loss of x [..., in_features] and labels int64 [...].
  Tensor operator()(const Tensor& x, const Tensor& labels,
                    Reduction reduction = Reduction::mean) const;
  /// The logarithms of the probabilities of all classes, [..., classes]; without a derivative.
  Tensor log_prob(const Tensor& x) const;
  /// The most probable class, int64 [...].
  Tensor predict(const Tensor& x) const;

  const HuffmanTree& tree() const { return tree_; }

 private:
  const std::int64_t in_features_;
  const HuffmanTree tree_;
  const bool sparse_;

 public:
  const Parameter weight;  ///< [classes - 1, in_features]
};

}  // namespace gradus
