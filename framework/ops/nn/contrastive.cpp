#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/contrastive.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/linear_cross_entropy.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/split.h>

#include <cmath>

namespace gradus {
namespace {

void check(const Tensor& anchors, const Tensor& positives, const InfoNceOptions& options) {
  if (!(options.temperature > 0) || std::isinf(options.temperature)) {
    throw ValueError(fmt::format("info_nce_loss: temperature is {}, it must be finite and > 0",
                                 options.temperature));
  }
  detail::check_pair("info_nce_loss", "anchors", anchors, "positives", positives);
  if (anchors.dim() != 2) {
    throw ShapeError(
        fmt::format("info_nce_loss: anchors are {}, [B, D] is needed", anchors.shape().str()));
  }
}

void check_negatives(const Tensor& negatives, const Tensor& positives) {
  if (negatives.dtype() != positives.dtype()) {
    throw DTypeError(fmt::format(
        "info_nce_loss: dtypes differ: negatives are {}, positives {}: convert one with to()",
        name(negatives.dtype()), name(positives.dtype())));
  }
  if (negatives.dim() != 2 || negatives.size(1) != positives.size(1)) {
    throw ShapeError(
        fmt::format("info_nce_loss: negatives are {}, [M, {}] is needed: flatten all "
                    "axes but the last",
                    negatives.shape().str(), positives.size(1)));
  }
}

/// Rows of length 1, so that products are cosines; a zero vector stays.
Tensor unit_rows(const Tensor& x, const InfoNceOptions& options) {
  if (options.similarity == Similarity::dot) return x;
  return x / clamp(norm(x, 2, 1, true), 1e-12);
}

/// The loss of finding row b of `candidates` from row b of `queries`.
Tensor one_direction(const Tensor& queries, const Tensor& candidates,
                     const InfoNceOptions& options) {
  const Tensor labels = arange(queries.size(0));
  return linear_cross_entropy(queries * (1 / options.temperature), candidates, {}, labels,
                              {.reduction = options.reduction});
}

}  // namespace

Tensor info_nce_loss(const Tensor& anchors, const Tensor& positives, const Tensor& negatives,
                     const InfoNceOptions& options) {
  check(anchors, positives, options);
  const Tensor a = unit_rows(anchors, options), p = unit_rows(positives, options);
  if (!negatives.defined()) {
    const Tensor loss = one_direction(a, p, options);
    return options.symmetric ? (loss + one_direction(p, a, options)) * 0.5 : loss;
  }
  check_negatives(negatives, positives);
  if (options.symmetric) {
    throw ValueError("info_nce_loss: symmetric, with hard negatives: they have no other direction");
  }
  return one_direction(a, cat({p, unit_rows(negatives, options)}, 0), options);
}

Tensor matryoshka_loss(const std::vector<Tensor>& embeddings,
                       const std::vector<std::int64_t>& dimensions, const EmbeddingLoss& loss,
                       const std::vector<double>& weights) {
  if (embeddings.empty()) throw ValueError("matryoshka_loss: there are no embeddings");
  if (dimensions.empty()) throw ValueError("matryoshka_loss: there are no dimensions");
  if (!loss) throw ValueError("matryoshka_loss: the loss is empty");
  if (!weights.empty() && weights.size() != dimensions.size()) {
    throw ValueError(fmt::format("matryoshka_loss: {} weights for {} dimensions", weights.size(),
                                 dimensions.size()));
  }
  detail::check_all_defined("matryoshka_loss", "embedding", embeddings);
  for (const std::int64_t size : dimensions) {
    for (const Tensor& x : embeddings) {
      if (x.dim() > 0 && size >= 1 && size <= x.size(-1)) continue;
      throw ShapeError(
          fmt::format("matryoshka_loss: an embedding of shape {} has no first {} "
                      "elements",
                      x.shape().str(), size));
    }
  }
  Tensor total;
  for (std::size_t k = 0; k < dimensions.size(); ++k) {
    std::vector<Tensor> cut;
    cut.reserve(embeddings.size());
    for (const Tensor& x : embeddings) cut.push_back(slice(x, -1, 0, dimensions[k]));
    Tensor part = loss(cut);
    if (!part.defined()) {
      throw ValueError(fmt::format(
          "matryoshka_loss: the loss of the first {} elements is undefined", dimensions[k]));
    }
    if (!weights.empty()) part = part * weights[k];
    total = total.defined() ? total + part : part;
  }
  return total;
}

}  // namespace gradus
