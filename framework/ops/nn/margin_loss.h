#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/reduction.h>

namespace gradus {

// Losses with a margin. Labels of pairs, called y, are 1 or -1, as int64 or as x's dtype. Each
// returns [] or, with Reduction::none, one loss for each y, row or triplet; the mean over nothing
// is 0. At a kink, where a margin is just kept, the gradient is 0.
// Each throws ShapeError unless the shapes fit (they do not broadcast), DTypeError, ValueError for
// a y that is neither 1 nor -1 or an option out of its range.

struct HingeEmbeddingOptions {
  double margin = 1;
  Reduction reduction = Reduction::mean;
};

/// For distances x: x where y is 1, max(0, margin - x) where it is -1. y has the shape of x.
GRADUS_API Tensor hinge_embedding_loss(const Tensor& x, const Tensor& y,
                                       const HingeEmbeddingOptions& options = {});

struct MarginRankingOptions {
  double margin = 0;
  Reduction reduction = Reduction::mean;
};

/// max(0, margin - y (a - b)): a is to be larger than b where y is 1. All have one shape.
GRADUS_API Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& y,
                                      const MarginRankingOptions& options = {});

struct CosineEmbeddingOptions {
  double margin = 0;  ///< in [-1, 1]
  Reduction reduction = Reduction::mean;
};

/// For a and b [..., D] and y [...]: 1 - cos(a, b) where y is 1, max(0, cos(a, b) - margin) where
/// it is -1. The cosine with a zero vector is 0.
GRADUS_API Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& y,
                                        const CosineEmbeddingOptions& options = {});

/// log(1 + exp(-y x)), finite for every finite x. y has the shape of x.
GRADUS_API Tensor soft_margin_loss(const Tensor& x, const Tensor& y,
                                   Reduction reduction = Reduction::mean);

struct TripletMarginOptions {
  double margin = 1;
  double p = 2;       ///< of the norm
  double eps = 1e-6;  ///< added to the differences
  bool swap =
      false;  ///< the negative is compared with the anchor or the positive, if that is nearer
  Reduction reduction = Reduction::mean;
};

/// max(0, |anchor - positive| - |anchor - negative| + margin) for rows [..., D] of one shape, with
/// the distances of pairwise_distance().
GRADUS_API Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive,
                                      const Tensor& negative,
                                      const TripletMarginOptions& options = {});

struct MultiMarginOptions {
  int p = 1;  ///< 1 or 2
  double margin = 1;
  Tensor weight = {};                     ///< of the classes, [C]; none: 1
  Reduction reduction = Reduction::mean;  ///< the mean divides by the number of rows
};

/// weight_label / C sum over c != label of max(0, margin - x_label + x_c)^p, for x [..., C] and
/// labels int64 [...]. Throws IndexError for a label outside [0, C), AutogradError for a weight
/// that needs a gradient.
GRADUS_API Tensor multi_margin_loss(const Tensor& x, const Tensor& labels,
                                    const MultiMarginOptions& options = {});

/// 1 / C sum over the labels j of a row and the other classes c of max(0, 1 - x_j + x_c), for x
/// [..., C] and labels int64 of the same shape: the ids of the labels, then -1, after which the
/// rest of the row is not read. Throws IndexError for a label outside [-1, C).
GRADUS_API Tensor multilabel_margin_loss(const Tensor& x, const Tensor& labels,
                                         Reduction reduction = Reduction::mean);

struct MultilabelSoftMarginOptions {
  Tensor weight = {};  ///< of the classes, [C]; none: 1
  Reduction reduction = Reduction::mean;
};

/// The mean over the classes of binary_cross_entropy_with_logits(), for x and target [..., C].
GRADUS_API Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                              const MultilabelSoftMarginOptions& options = {});

}  // namespace gradus
