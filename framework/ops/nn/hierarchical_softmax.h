#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/loss.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gradus {

/// The binary tree of a Huffman code, in which frequent classes have short paths. Its leaves are
/// the classes; a tree of n of them has n - 1 inner nodes, the last of which is the root. For
/// counts in falling order it is the tree of fastText, node by node and bit by bit. Source: Huffman
/// 1952, "A method for the construction of minimum-redundancy codes".
class GRADUS_API HuffmanTree {
 public:
  /// counts: of each class, in any order. Throws ValueError if there are none, one is negative, or
  /// their sum is beyond int64.
  explicit HuffmanTree(std::span<const std::int64_t> counts);

  std::int64_t num_classes() const;
  std::int64_t num_nodes() const { return num_classes() - 1; }
  /// The inner nodes from that above a class up to the root. The class must exist.
  std::span<const std::int64_t> path(std::int64_t label) const;
  /// For each of them, whether the class is on its second branch (1) or its first (0).
  std::span<const std::uint8_t> code(std::int64_t label) const;

 private:
  std::vector<std::int64_t> starts_;  // of the path of each class
  std::vector<std::int64_t> nodes_;
  std::vector<std::uint8_t> bits_;
};

struct HierarchicalSoftmaxOptions {
  Reduction reduction = Reduction::mean;
  bool sparse = false;  ///< whether the gradient of the weight is a SparseGrad, of the nodes used
};

/// Minus the logarithm of the probability of each label, which is the product of the decisions on
/// its path: s(w x) for a branch with bit 1, s(-w x) for bit 0, with s(x) = 1 / (1 + exp(-x)) and w
/// the row of weight of the node. Each row takes as many of them as its label has bits, not one for
/// each class. x: [N, D]; weight: [tree.num_nodes(), D]; labels: int64 [N]. Returns [], or [N]
/// without reduction; the mean over nothing is 0.
/// Throws ShapeError, DTypeError, IndexError for a label that the tree does not have.
/// Source: Morin, Bengio 2005, "Hierarchical probabilistic neural network language model"; Mikolov
/// et al. 2013, "Efficient estimation of word representations in vector space" (Huffman tree).
GRADUS_API Tensor hierarchical_softmax_loss(const Tensor& x, const Tensor& weight,
                                            const Tensor& labels, const HuffmanTree& tree,
                                            const HierarchicalSoftmaxOptions& options = {});

/// The logarithms of the probabilities of all classes, [N, classes], which takes as long as a
/// softmax. Has no derivative: throws AutogradError if it would need one, and as
/// hierarchical_softmax_loss().
GRADUS_API Tensor hierarchical_softmax_log_probabilities(const Tensor& x, const Tensor& weight,
                                                         const HuffmanTree& tree);

}  // namespace gradus
