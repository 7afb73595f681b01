#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/nn/detail/class_labels.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>

#include <cmath>

namespace gradus::detail {
namespace {

void check_shapes(const char* operation, const char* x_name, const Tensor& x,
                  const Tensor& labels) {
  const Shape &shape = x.shape(), &given = labels.shape();
  if (x.dim() == 0) {
    throw ShapeError(fmt::format("{}: {} have no axis: [..., C] is needed", operation, x_name));
  }
  if (given == splice(shape, x.dim() - 1, 1, {})) return;
  const char* cure = ": each row has one label";
  if (x.dim() > 2 && given == splice(shape, 1, 1, {})) {
    cure = ": classes are the last axis: use movedim(x, 1, -1)";
  } else if (given == shape) {
    cure = ": labels are ids of classes; probabilities are float";
  }
  throw ShapeError(fmt::format("{}: shapes do not fit: {} is {}, labels are {}{}", operation,
                               x_name, shape.str(), given.str(), cure));
}

}  // namespace

void check_labels(const char* operation, const char* x_name, const Tensor& x, const Tensor& labels,
                  std::int64_t classes, std::optional<std::int64_t> ignore_index) {
  if (!is_floating(x.dtype())) throw_not_floating(operation, x.dtype());
  if (labels.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: labels are {}, int64 is needed: convert them with to(DType::int64)",
                    operation, name(labels.dtype())));
  }
  check_shapes(operation, x_name, x, labels);
  const auto* label = labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < labels.numel(); ++i) {
    if (label[i] == ignore_index || (label[i] >= 0 && label[i] < classes)) continue;
    throw IndexError(fmt::format("{}: label {} at position {} is outside [0, {})", operation,
                                 label[i], position(labels.shape(), i), classes));
  }
}

void check_class_weight(const char* operation, const Tensor& weight, DType dtype,
                        std::int64_t classes) {
  if (!weight.defined()) return;
  if (weight.dtype() != dtype) {
    throw DTypeError(
        fmt::format("{}: the weight of the classes is {}, {} is needed: convert it "
                    "with to()",
                    operation, name(weight.dtype()), name(dtype)));
  }
  if (weight.shape() != Shape{classes}) {
    throw ShapeError(fmt::format("{}: the weight of the classes is {}, there are {} classes",
                                 operation, weight.shape().str(), classes));
  }
  check_no_gradient(operation, "weight", weight);
  visit_float(operation, weight, [&]<class T>(T) {
    const T* w = weight.data<T>();
    for (std::int64_t c = 0; c < classes; ++c) {
      if (w[c] >= 0 && std::isfinite(w[c])) continue;
      throw ValueError(
          fmt::format("{}: weight {} of class {}: it must be finite and >= 0", operation, w[c], c));
    }
  });
}

void check_smoothing(const char* operation, double smoothing) {
  if (smoothing >= 0 && smoothing <= 1) return;
  throw ValueError(
      fmt::format("{}: label_smoothing is {}, it must be in [0, 1]", operation, smoothing));
}

double total_weight(const Tensor& weight, std::int64_t classes) {
  if (!weight.defined()) return static_cast<double>(classes);
  return visit_float("loss", weight, [&]<class T>(T) {
    double total = 0;
    for (const T w : weight.span<T>()) total += static_cast<double>(w);
    return total;
  });
}

double counted_weight(const Tensor& weight, const Tensor& labels, std::int64_t ignore_index) {
  double total = 0;
  if (!weight.defined()) {
    for (const std::int64_t label : labels.span<std::int64_t>()) total += label != ignore_index;
    return total;
  }
  visit_float("loss", weight, [&]<class T>(T) {
    const T* w = weight.data<T>();
    for (const std::int64_t label : labels.span<std::int64_t>()) {
      if (label != ignore_index) total += static_cast<double>(w[label]);
    }
  });
  return total;
}

}  // namespace gradus::detail
