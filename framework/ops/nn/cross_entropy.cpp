#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/cross_entropy.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/nn/cross_entropy.h>
#include <gradus/framework/ops/nn/detail/class_labels.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>

#include <vector>

namespace gradus {

using detail::data_or_null;
using detail::mutable_data_or_null;
using detail::scale_stride;

namespace {

/// Rows of class scores, and what they are compared with beside the labels.
struct ClassRows {
  ClassRows(const Tensor& x, const Tensor& class_weight, double label_smoothing)
      : classes(x.size(-1)),
        n(x.shape().numel(0, x.dim() - 1)),
        weight(class_weight),
        smoothing(label_smoothing),
        total_weight(smoothing > 0 ? detail::total_weight(class_weight, classes) : 0) {}

  template <class T>
  kernels::ClassLabels<T> with_labels(const Tensor& labels, std::int64_t ignore_index) const {
    return {labels.data<std::int64_t>(), ignore_index, data_or_null<T>(*weight), smoothing,
            total_weight};
  }
  template <class T>
  kernels::ClassProbabilities<T> with_probabilities(const Tensor& target) const {
    return {target.data<T>(), data_or_null<T>(*weight), smoothing, total_weight};
  }

  std::int64_t classes, n;
  Saved weight;
  double smoothing, total_weight;
};

Tensor cross_entropy_of_labels(const Tensor& logits, const Tensor& labels,
                               const CrossEntropyOptions& options) {
  const Tensor& weight = options.weight;
  const std::int64_t ignore_index = options.ignore_index;
  const Reduction reduction = options.reduction;
  detail::check_labels("cross_entropy", "logits", logits, labels, logits.size(-1), ignore_index);
  detail::check_class_weight("cross_entropy", weight, logits.dtype(), logits.size(-1));
  const double count = detail::counted_weight(weight, labels, ignore_index);
  const ClassRows rows(logits, weight, options.label_smoothing);
  const Tensor losses = empty(labels.shape(), logits.dtype());
  const Tensor lse = empty(labels.shape(), DType::float64);  // log(sum(exp(logits))) of each row
  visit_float("cross_entropy", logits, [&]<class T>(T) {
    kernels::cross_entropy(logits.data<T>(), rows.with_labels<T>(labels, ignore_index),
                           losses.mutable_data<T>(), lse.mutable_data<double>(), rows.n,
                           rows.classes);
  });
  return record("cross_entropy", detail::reduced(losses, reduction, count),
                vjp(logits, [rows, count, ignore_index, reduction, logits = Saved(logits),
                             labels = Saved(labels), lse = Saved(lse)](const Tensor& g) {
                  const Tensor scale = detail::loss_scale(g, reduction, count), x = *logits;
                  Tensor dx = empty_like(x);
                  visit_float("cross_entropy", g, [&]<class T>(T) {
                    kernels::cross_entropy_vjp(
                        x.data<T>(), rows.with_labels<T>(*labels, ignore_index),
                        (*lse).data<double>(), scale.data<T>(), scale_stride(reduction),
                        dx.mutable_data<T>(), rows.n, rows.classes);
                  });
                  return dx;  // scale (sum(q) softmax(logits) - q)
                }));
}

Tensor cross_entropy_of_probabilities(const Tensor& logits, const Tensor& target,
                                      const CrossEntropyOptions& options) {
  const Tensor& weight = options.weight;
  const Reduction reduction = options.reduction;
  detail::check_pair("cross_entropy", "logits", logits, "labels", target);
  if (options.ignore_index >= 0) {
    throw ValueError(fmt::format(
        "cross_entropy: ignore_index is {} where labels are probabilities: it is for class ids",
        options.ignore_index));
  }
  detail::check_class_weight("cross_entropy", weight, logits.dtype(), logits.size(-1));
  const ClassRows rows(logits, weight, options.label_smoothing);
  const auto count = static_cast<double>(rows.n);
  const Shape shape = detail::splice(logits.shape(), logits.dim() - 1, 1, {});
  const Tensor losses = empty(shape, logits.dtype()), lse = empty(shape, DType::float64);
  visit_float("cross_entropy", logits, [&]<class T>(T) {
    kernels::cross_entropy(logits.data<T>(), rows.with_probabilities<T>(target),
                           losses.mutable_data<T>(), lse.mutable_data<double>(), rows.n,
                           rows.classes);
  });
  Tensor loss = detail::reduced(losses, reduction, count);
  record_joint("cross_entropy", {loss}, {logits, target},
               [rows, count, reduction, logits = Saved(logits), target = Saved(target),
                lse = Saved(lse)](Cotangents g, Needs needs) {
                 const Tensor scale = detail::loss_scale(g[0], reduction, count), x = *logits;
                 const Tensor dx = needs[0] ? empty_like(x) : Tensor();
                 const Tensor dt = needs[1] ? empty_like(x) : Tensor();
                 visit_float("cross_entropy", x, [&]<class T>(T) {
                   kernels::cross_entropy_vjp(x.data<T>(), rows.with_probabilities<T>(*target),
                                              (*lse).data<double>(), scale.data<T>(),
                                              scale_stride(reduction), mutable_data_or_null<T>(dx),
                                              mutable_data_or_null<T>(dt), rows.n, rows.classes);
                 });
                 return std::vector<Gradient>{dx, dt};
               });
  return loss;
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  detail::check_defined("cross_entropy", {{"logits", logits}, {"labels", labels}});
  if (logits.dim() == 0) throw ShapeError("cross_entropy: logits have no axis: [..., C] is needed");
  detail::check_smoothing("cross_entropy", options.label_smoothing);
  // Float labels of the shape of ids are a mistake in the dtype, not in the shape.
  const bool probabilities =
      is_floating(labels.dtype()) && is_floating(logits.dtype()) && labels.dim() >= logits.dim();
  return probabilities ? cross_entropy_of_probabilities(logits, labels, options)
                       : cross_entropy_of_labels(logits, labels, options);
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels, const NllOptions& options) {
  const Tensor& x = log_probabilities;
  const Tensor& weight = options.weight;
  const std::int64_t ignore_index = options.ignore_index;
  const Reduction reduction = options.reduction;
  detail::check_defined("nll_loss", {{"log_probabilities", x}, {"labels", labels}});
  if (x.dim() == 0)
    throw ShapeError("nll_loss: log_probabilities have no axis: [..., C] is needed");
  detail::check_labels("nll_loss", "log_probabilities", x, labels, x.size(-1), ignore_index);
  detail::check_class_weight("nll_loss", weight, x.dtype(), x.size(-1));
  const double count = detail::counted_weight(weight, labels, ignore_index);
  const ClassRows rows(x, weight, 0);
  const Tensor losses = empty(labels.shape(), x.dtype());
  visit_float("nll_loss", losses, [&]<class T>(T) {
    kernels::nll(x.data<T>(), rows.with_labels<T>(labels, ignore_index), losses.mutable_data<T>(),
                 rows.n, rows.classes);
  });
  return record("nll_loss", detail::reduced(losses, reduction, count),
                vjp(x, [rows, count, ignore_index, reduction, labels = Saved(labels)](
                           const Tensor& g, const Tensor& sum) {
                  const Tensor scale = detail::loss_scale(g, reduction, count);
                  visit_float("nll_loss", g, [&]<class T>(T) {
                    kernels::nll_vjp(rows.with_labels<T>(*labels, ignore_index), scale.data<T>(),
                                     scale_stride(reduction), sum.mutable_data<T>(), rows.n,
                                     rows.classes);
                  });
                }));
}

}  // namespace gradus
