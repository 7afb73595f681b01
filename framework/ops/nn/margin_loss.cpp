#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/margin_rows.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/clamp.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/distance.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/binary_cross_entropy.h>
#include <gradus/framework/ops/nn/detail/class_labels.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/margin_loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/where.h>

#include <cmath>

namespace gradus {

using detail::data_or_null;
using detail::recorded_reduction;
using detail::scale_stride;

namespace {

void check_margin(const char* operation, double margin) {
  if (std::isfinite(margin)) return;
  throw ValueError(fmt::format("{}: margin is {}, it must be finite", operation, margin));
}

/// y as float values of x's dtype; `shape` is what it must have.
Tensor signs(const char* operation, const Tensor& y, const Tensor& x, const Shape& shape) {
  if (y.dtype() != DType::int64 && y.dtype() != x.dtype()) {
    throw DTypeError(fmt::format("{}: y is {}, int64 or {} is needed: convert it with to()",
                                 operation, name(y.dtype()), name(x.dtype())));
  }
  if (y.shape() != shape) {
    throw ShapeError(fmt::format("{}: y is {}, {} is needed: one label for each loss", operation,
                                 y.shape().str(), shape.str()));
  }
  Tensor values = y.detach().to(x.dtype());
  visit_float(operation, x, [&]<class T>(T) {
    const T* value = values.data<T>();
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      if (value[i] == 1 || value[i] == -1) continue;
      throw ValueError(fmt::format("{}: y is {} at position {}: it must be 1 or -1", operation,
                                   value[i], detail::position(shape, i)));
    }
  });
  return values;
}

/// Throws unless x [..., D] has an axis of features.
void check_rows(const char* operation, const char* argument, const Tensor& x) {
  if (x.dim() > 0) return;
  throw ShapeError(fmt::format("{}: {} has no axis: [..., D] is needed", operation, argument));
}

Shape without_last_axis(const Shape& shape) {
  return detail::splice(shape, shape.rank() - 1, 1, {});
}

}  // namespace

Tensor hinge_embedding_loss(const Tensor& x, const Tensor& y,
                            const HingeEmbeddingOptions& options) {
  detail::check_defined("hinge_embedding_loss", {{"x", x}, {"y", y}});
  if (!is_floating(x.dtype())) detail::throw_not_floating("hinge_embedding_loss", x.dtype());
  check_margin("hinge_embedding_loss", options.margin);
  const Tensor sign = signs("hinge_embedding_loss", y, x, x.shape());
  return recorded_reduction(where(greater(sign, 0), x, relu(options.margin - x)),
                            options.reduction);
}

Tensor margin_ranking_loss(const Tensor& a, const Tensor& b, const Tensor& y,
                           const MarginRankingOptions& options) {
  detail::check_defined("margin_ranking_loss", {{"a", a}, {"b", b}, {"y", y}});
  detail::check_pair("margin_ranking_loss", "a", a, "b", b);
  check_margin("margin_ranking_loss", options.margin);
  const Tensor sign = signs("margin_ranking_loss", y, a, a.shape());
  return recorded_reduction(relu(options.margin - sign * (a - b)), options.reduction);
}

Tensor cosine_embedding_loss(const Tensor& a, const Tensor& b, const Tensor& y,
                             const CosineEmbeddingOptions& options) {
  detail::check_defined("cosine_embedding_loss", {{"a", a}, {"b", b}, {"y", y}});
  detail::check_pair("cosine_embedding_loss", "a", a, "b", b);
  check_rows("cosine_embedding_loss", "a", a);
  if (!(options.margin >= -1 && options.margin <= 1)) {
    throw ValueError(
        fmt::format("cosine_embedding_loss: margin is {}, it must be in [-1, 1]", options.margin));
  }
  const Tensor sign = signs("cosine_embedding_loss", y, a, without_last_axis(a.shape()));
  const Tensor cosine = cosine_similarity(a, b, -1);
  return recorded_reduction(where(greater(sign, 0), 1 - cosine, relu(cosine - options.margin)),
                            options.reduction);
}

Tensor soft_margin_loss(const Tensor& x, const Tensor& y, Reduction reduction) {
  detail::check_defined("soft_margin_loss", {{"x", x}, {"y", y}});
  if (!is_floating(x.dtype())) detail::throw_not_floating("soft_margin_loss", x.dtype());
  const Tensor sign = signs("soft_margin_loss", y, x, x.shape());
  return recorded_reduction(-logsigmoid(sign * x), reduction);
}

Tensor triplet_margin_loss(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
                           const TripletMarginOptions& options) {
  detail::check_defined("triplet_margin_loss",
                        {{"anchor", anchor}, {"positive", positive}, {"negative", negative}});
  detail::check_pair("triplet_margin_loss", "anchor", anchor, "positive", positive);
  detail::check_pair("triplet_margin_loss", "anchor", anchor, "negative", negative);
  check_rows("triplet_margin_loss", "anchor", anchor);
  check_margin("triplet_margin_loss", options.margin);
  const auto distance = [&](const Tensor& a, const Tensor& b) {
    return pairwise_distance(a, b, options.p, options.eps);
  };
  Tensor far = distance(anchor, negative);
  if (options.swap) far = minimum(far, distance(positive, negative));
  return recorded_reduction(relu(distance(anchor, positive) - far + options.margin),
                            options.reduction);
}

Tensor multi_margin_loss(const Tensor& x, const Tensor& labels, const MultiMarginOptions& options) {
  detail::check_defined("multi_margin_loss", {{"x", x}, {"labels", labels}});
  check_rows("multi_margin_loss", "x", x);
  check_margin("multi_margin_loss", options.margin);
  if (options.p != 1 && options.p != 2) {
    throw ValueError(fmt::format("multi_margin_loss: p is {}, it must be 1 or 2", options.p));
  }
  const std::int64_t classes = x.size(-1), n = labels.numel();
  detail::check_labels("multi_margin_loss", "x", x, labels, classes, {});
  detail::check_class_weight("multi_margin_loss", options.weight, x.dtype(), classes);
  const Reduction reduction = options.reduction;
  const auto margins = [p = options.p, margin = options.margin,
                        weight = Saved(options.weight)]<class T>(T, const Tensor& ids) {
    return kernels::Margins<T>{ids.template data<std::int64_t>(), data_or_null<T>(*weight), margin,
                               p};
  };
  const Tensor losses = empty(labels.shape(), x.dtype());
  visit_float("multi_margin_loss", x, [&]<class T>(T) {
    kernels::multi_margin(x.data<T>(), margins(T{}, labels), losses.mutable_data<T>(), n, classes);
  });
  const auto count = static_cast<double>(n);
  return record("multi_margin_loss", detail::reduced(losses, reduction, count),
                vjp(x, [=, x = Saved(x), labels = Saved(labels)](const Tensor& g) {
                  const Tensor scale = detail::loss_scale(g, reduction, count), in = *x;
                  Tensor dx = empty_like(in);
                  visit_float("multi_margin_loss", in, [&]<class T>(T) {
                    kernels::multi_margin_vjp(in.data<T>(), margins(T{}, *labels), scale.data<T>(),
                                              scale_stride(reduction), dx.mutable_data<T>(), n,
                                              classes);
                  });
                  return dx;
                }));
}

namespace {

void check_label_rows(const Tensor& x, const Tensor& labels) {
  constexpr const char* op = "multilabel_margin_loss";
  if (!is_floating(x.dtype())) detail::throw_not_floating(op, x.dtype());
  if (labels.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: labels are {}, int64 is needed: convert them with to(DType::int64)", op,
                    name(labels.dtype())));
  }
  if (labels.shape() != x.shape()) {
    throw ShapeError(
        fmt::format("{}: x is {}, labels are {}: they must have one shape, with the "
                    "ids of a row followed by -1",
                    op, x.shape().str(), labels.shape().str()));
  }
  check_rows(op, "x", x);
  const std::int64_t classes = x.size(-1);
  const auto* label = labels.data<std::int64_t>();
  bool ended = false;
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    ended = label[i] == -1 || (ended && i % classes != 0);
    if (ended || (label[i] >= 0 && label[i] < classes)) continue;
    throw IndexError(fmt::format("{}: label {} at position {} is outside [-1, {})", op, label[i],
                                 detail::position(labels.shape(), i), classes));
  }
}

}  // namespace

Tensor multilabel_margin_loss(const Tensor& x, const Tensor& labels, Reduction reduction) {
  detail::check_defined("multilabel_margin_loss", {{"x", x}, {"labels", labels}});
  check_label_rows(x, labels);
  const Shape shape = without_last_axis(x.shape());
  const std::int64_t classes = x.size(-1), n = shape.numel();
  const Tensor losses = empty(shape, x.dtype());
  visit_float("multilabel_margin_loss", x, [&]<class T>(T) {
    kernels::multilabel_margin(x.data<T>(), labels.data<std::int64_t>(), losses.mutable_data<T>(),
                               n, classes);
  });
  const auto count = static_cast<double>(n);
  return record("multilabel_margin_loss", detail::reduced(losses, reduction, count),
                vjp(x, [=, x = Saved(x), labels = Saved(labels)](const Tensor& g) {
                  const Tensor scale = detail::loss_scale(g, reduction, count), in = *x;
                  Tensor dx = empty_like(in);
                  visit_float("multilabel_margin_loss", in, [&]<class T>(T) {
                    kernels::multilabel_margin_vjp(in.data<T>(), (*labels).data<std::int64_t>(),
                                                   scale.data<T>(), scale_stride(reduction),
                                                   dx.mutable_data<T>(), n, classes);
                  });
                  return dx;
                }));
}

Tensor multilabel_soft_margin_loss(const Tensor& x, const Tensor& target,
                                   const MultilabelSoftMarginOptions& options) {
  detail::check_pair("multilabel_soft_margin_loss", "x", x, "target", target);
  check_rows("multilabel_soft_margin_loss", "x", x);
  detail::check_class_weight("multilabel_soft_margin_loss", options.weight, x.dtype(), x.size(-1));
  const Tensor losses = binary_cross_entropy_with_logits(
      x, target, {.weight = options.weight, .reduction = Reduction::none});
  return recorded_reduction(x.size(-1) == 0 ? sum(losses, -1) : mean(losses, -1),
                            options.reduction);
}

}  // namespace gradus
