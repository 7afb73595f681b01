#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/softmax.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/reduce.h>

namespace gradus {

namespace {

/// Rows of class scores with their labels.
struct ClassRows {
  std::int64_t n = 1, classes = 0;
  std::int64_t counted = 0;  // rows whose label is not ignored
};

void check_shapes(const char* operation, const char* name, const Tensor& x, const Tensor& labels) {
  if (x.dim() == 0 || x.dim() > 2) {
    throw ShapeError(fmt::format(
        "{}: {} of shape {} where [N, C] or [C] is needed: move the classes to the last "
        "axis and reshape to [N, C], the labels to [N]",
        operation, name, x.shape().str()));
  }
  const bool fits =
      x.dim() == 1 ? labels.dim() == 0 : labels.dim() == 1 && labels.shape()[0] == x.shape()[0];
  if (!fits) {
    throw ShapeError(
        fmt::format("{}: shapes do not fit: {} is {}, labels are {}: each row has one "
                    "label",
                    operation, name, x.shape().str(), labels.shape().str()));
  }
}

ClassRows check_rows(const char* operation, const char* name, const Tensor& x, const Tensor& labels,
                     std::int64_t ignore_index) {
  detail::check_defined(operation, {{name, x}, {"labels", labels}});
  if (!is_floating(x.dtype())) detail::throw_not_floating(operation, x.dtype());
  if (labels.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: labels are {}, int64 is needed: convert them with "
                    "to(DType::int64)",
                    operation, gradus::name(labels.dtype())));
  }
  check_shapes(operation, name, x, labels);
  ClassRows rows;
  rows.n = labels.numel();
  rows.classes = x.shape()[x.dim() - 1];
  const auto* label = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < rows.n; ++i) {
    if (label[i] == ignore_index) continue;
    if (label[i] < 0 || label[i] >= rows.classes) {
      throw IndexError(fmt::format("{}: label {} at position [{}] is outside [0, {})", operation,
                                   label[i], labels.dim() == 0 ? "" : std::to_string(i),
                                   rows.classes));
    }
    ++rows.counted;
  }
  return rows;
}

// The sum or mean of the losses of the rows, or the losses themselves.
Tensor reduce(const Tensor& losses, Reduction reduction, std::int64_t counted) {
  if (reduction == Reduction::none) return losses;
  Tensor total = empty({}, losses.dtype());
  visit_float("loss", losses, [&]<class T>(T) {
    T* y = total.mutable_data<T>();
    kernels::sum(losses.data<T>(), y, 1, losses.numel(), 1);
    if (reduction == Reduction::mean && counted > 0) *y /= static_cast<T>(counted);
  });
  return total;
}

// What the gradient of each row is multiplied by: one value, or one per row.
Tensor row_scale(const Tensor& g, Reduction reduction, std::int64_t counted) {
  if (reduction != Reduction::mean) return g;
  return mul(g, counted > 0 ? 1.0 / static_cast<double>(counted) : 0.0);
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  const ClassRows rows =
      check_rows("cross_entropy", "logits", logits, labels, options.ignore_index);
  const Tensor losses = empty(labels.shape(), logits.dtype());
  const Tensor lse = empty(labels.shape(), DType::float64);  // log(sum(exp(logits))) of each row
  visit_float("cross_entropy", logits, [&]<class T>(T) {
    kernels::cross_entropy(logits.data<T>(), labels.data<std::int64_t>(), options.ignore_index,
                           losses.mutable_data<T>(), lse.mutable_data<double>(), rows.n,
                           rows.classes);
  });
  return record("cross_entropy", reduce(losses, options.reduction, rows.counted),
                vjp(logits, [rows, options, logits = Saved(logits), labels = Saved(labels),
                             lse = Saved(lse)](const Tensor& g) {
                  const Tensor scale = row_scale(g, options.reduction, rows.counted);
                  const Tensor x = *logits;
                  Tensor dx = empty_like(x);
                  visit_float("cross_entropy", g, [&]<class T>(T) {
                    kernels::cross_entropy_vjp(x.data<T>(), (*labels).data<std::int64_t>(),
                                               options.ignore_index, (*lse).data<double>(),
                                               scale.data<T>(),
                                               options.reduction == Reduction::none ? 1 : 0,
                                               dx.mutable_data<T>(), rows.n, rows.classes);
                  });
                  return dx;  // scale (softmax(logits) - one_hot(labels))
                }));
}

Tensor nll_loss(const Tensor& log_probabilities, const Tensor& labels,
                const CrossEntropyOptions& options) {
  const ClassRows rows =
      check_rows("nll_loss", "log_probabilities", log_probabilities, labels, options.ignore_index);
  const Tensor losses = empty(labels.shape(), log_probabilities.dtype());
  visit_float("nll_loss", losses, [&]<class T>(T) {
    const auto* label = labels.data<std::int64_t>();
    const T* x = log_probabilities.data<T>();
    T* loss = losses.mutable_data<T>();
    for (std::int64_t i = 0; i < rows.n; ++i) {
      loss[i] = label[i] == options.ignore_index ? T{0} : -x[i * rows.classes + label[i]];
    }
  });
  return record("nll_loss", reduce(losses, options.reduction, rows.counted),
                vjp(log_probabilities,
                    [rows, options, labels = Saved(labels)](const Tensor& g, const Tensor& sum) {
                      const Tensor scale = row_scale(g, options.reduction, rows.counted);
                      const std::int64_t stride = options.reduction == Reduction::none ? 1 : 0;
                      const auto* label = (*labels).data<std::int64_t>();
                      visit_float("nll_loss", g, [&]<class T>(T) {
                        const T* factor = scale.data<T>();
                        T* dx = sum.mutable_data<T>();
                        for (std::int64_t i = 0; i < rows.n; ++i) {
                          if (label[i] == options.ignore_index) continue;
                          dx[i * rows.classes + label[i]] -= factor[i * stride];
                        }
                      });
                    }));
}

Tensor mse_loss(const Tensor& x, const Tensor& target, Reduction reduction) {
  detail::check_defined("mse_loss", {{"x", x}, {"target", target}});
  if (!is_floating(x.dtype())) detail::throw_not_floating("mse_loss", x.dtype());
  detail::check_same_dtype("mse_loss", x, target);
  if (x.shape() != target.shape()) {
    throw ShapeError(fmt::format(
        "mse_loss: shapes differ: x is {}, target is {}{}", x.shape().str(), target.shape().str(),
        x.numel() == target.numel() ? ": reshape one like the other" : ""));
  }
  const Tensor difference = sub(x, target);
  Tensor squares = mul(difference, difference);
  if (reduction == Reduction::none) return squares;
  if (reduction == Reduction::sum || squares.numel() == 0) return sum(squares);
  return mean(squares);
}

}  // namespace gradus
