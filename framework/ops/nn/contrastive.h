#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/reduction.h>

#include <cstdint>
#include <functional>
#include <vector>

namespace gradus {

enum class Similarity : std::uint8_t { cosine, dot };

struct InfoNceOptions {
  double temperature = 0.05;  ///< what similarities are divided by; 1 / temperature is the "scale"
  Similarity similarity = Similarity::cosine;
  bool symmetric =
      false;  ///< the mean with the loss of the other direction, from positive to anchor
  Reduction reduction = Reduction::mean;
};

/// InfoNCE with negatives from the batch, also known as the multiple-negatives ranking loss: for
/// each row b, the cross-entropy of telling positives[b] from the positives of the other rows, and
/// from all `negatives`,
///
///   loss_b = -log(exp(sim(a_b, p_b) / t) / sum over c of exp(sim(a_b, c) / t))
///
/// where c goes through the rows of positives and of negatives. anchors, positives: float [B, D];
/// negatives: [M, D], hard negatives of any number, which all anchors share, or undefined. All get
/// gradients. Returns [] or, with Reduction::none, [B]; 0 for B = 0. The similarities are never
/// held as a whole (see linear_cross_entropy()). No two rows of a batch may be positives of one
/// anchor: see distinct_batches(). The cosine with a zero vector is 0. Throws ShapeError,
/// DTypeError, ValueError for a temperature that is not finite and > 0, or for `symmetric` with
/// hard negatives, which have no other direction. Sources: van den Oord et al. 2018,
/// "Representation learning with contrastive predictive coding"; Henderson et al. 2017, "Efficient
/// natural language response suggestion for smart reply".
GRADUS_API Tensor info_nce_loss(const Tensor& anchors, const Tensor& positives,
                                const Tensor& negatives = {}, const InfoNceOptions& options = {});

/// A loss of several embeddings [..., D], such as anchors and positives.
using EmbeddingLoss = std::function<Tensor(const std::vector<Tensor>& embeddings)>;

/// The sum over k of weights[k] loss(the first dimensions[k] elements of each embedding), which
/// trains embeddings that can be cut to any of these sizes. No weights: 1 each.
///
///   matryoshka_loss({a, b}, {768, 256, 64}, [](const auto& e) { return info_nce_loss(e[0], e[1]);
///   })
///
/// Throws ValueError without embeddings or dimensions, for an empty loss or one that returns an
/// undefined tensor, and unless there are as many weights as dimensions; ShapeError for a dimension
/// outside [1, D].
/// Source: Kusupati et al. 2022, "Matryoshka representation learning".
GRADUS_API Tensor matryoshka_loss(const std::vector<Tensor>& embeddings,
                                  const std::vector<std::int64_t>& dimensions,
                                  const EmbeddingLoss& loss,
                                  const std::vector<double>& weights = {});

}  // namespace gradus
