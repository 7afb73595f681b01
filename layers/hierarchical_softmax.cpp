#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/classified_rows.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/hierarchical_softmax.h>

namespace gradus {
namespace {

constexpr const char* layer = "HierarchicalSoftmax";

Tensor new_weight(std::int64_t nodes, std::int64_t in_features,
                  const HierarchicalSoftmaxLayerOptions& options) {
  if (in_features < 0) {
    throw ValueError(
        fmt::format("{}: in_features is {}, it cannot be negative", layer, in_features));
  }
  const DType dtype = detail::layer_dtype(layer, options.dtype);
  return detail::empty_sized(layer, {nodes, in_features}, dtype).zero_();
}

}  // namespace

HierarchicalSoftmax::HierarchicalSoftmax(std::int64_t in_features,
                                         std::span<const std::int64_t> counts,
                                         const HierarchicalSoftmaxLayerOptions& options)
    : in_features_(in_features),
      tree_(counts),
      sparse_(options.sparse),
      weight(add_parameter("weight", new_weight(tree_.num_nodes(), in_features, options))) {
  set_description([in_features, classes = tree_.num_classes(), sparse = sparse_] {
    return fmt::format("{}({}, {} classes, sparse={})", layer, in_features, classes, sparse);
  });
}

Tensor HierarchicalSoftmax::operator()(const Tensor& x, const Tensor& labels,
                                       Reduction reduction) const {
  detail::check_features(layer, x, in_features_, str());
  detail::check_label_shape(layer, x, labels);
  const Tensor rows = reshape(x, {labels.numel(), in_features_});
  const Tensor loss = hierarchical_softmax_loss(rows, weight, reshape(labels, {labels.numel()}),
                                                tree_, {.reduction = reduction, .sparse = sparse_});
  return reduction == Reduction::none ? reshape(loss, labels.shape()) : loss;
}

Tensor HierarchicalSoftmax::log_prob(const Tensor& x) const {
  detail::check_features(layer, x, in_features_, str());
  const Shape shape = detail::with_last(x.shape(), tree_.num_classes());
  const Tensor rows = reshape(x, {shape.numel() / tree_.num_classes(), in_features_});
  return reshape(hierarchical_softmax_log_probabilities(rows, weight, tree_), shape);
}

Tensor HierarchicalSoftmax::predict(const Tensor& x) const {
  const NoGradGuard no_grad;
  return argmax(log_prob(x), -1);
}

}  // namespace gradus
