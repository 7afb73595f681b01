#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/resize.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/module_list.h>
#include <gradus/layers/sequential.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace gradus {

struct AdaptiveLogSoftmaxOptions {
  double div_value = 4;  ///< a cluster has in_features / div_value^(its number) features, from 1 on
  bool head_bias = false;                     ///< whether the head has a bias
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

struct AdaptiveLogSoftmaxResult {
  Tensor output;  ///< the logarithm of the probability of each label, of their shape
  Tensor loss;    ///< minus its mean, []; 0 over nothing
};

/// A softmax over many classes, sorted by falling frequency: the first cutoffs[0] and one entry for
/// each cluster of rarer ones are in the head; a cluster's classes are looked at only where a label
/// is in it, and have fewer features. Parameters have the names and the start of PyTorch:
/// head.weight [cutoffs[0] + clusters, in_features], tail.0.0.weight [features of the cluster,
/// in_features], tail.0.1.weight [classes of the cluster, its features]. Source: Grave et al. 2017,
/// "Efficient softmax approximation for GPUs".
class GRADUS_API AdaptiveLogSoftmaxWithLoss : public Module {
 public:
  GRADUS_TOO_LATE AdaptiveLogSoftmaxWithLoss();
  template <class M>
  GRADUS_TOO_LATE AdaptiveLogSoftmaxWithLoss& operator=(M&&);

  /// cutoffs: where clusters begin. Throws ValueError unless they rise within [1, n_classes - 1]
  /// and every cluster has a feature, DTypeError.
  AdaptiveLogSoftmaxWithLoss(std::int64_t in_features, std::int64_t n_classes,
                             const std::vector<std::int64_t>& cutoffs,
                             const AdaptiveLogSoftmaxOptions& options = {},
                             Generator& generator = default_generator());

  /// x [..., in_features], labels int64 [...]. Throws ShapeError, DTypeError, IndexError for a
  /// label outside [0, n_classes).
  AdaptiveLogSoftmaxResult operator()(const Tensor& x, const Tensor& labels) const;
  /// The logarithms of the probabilities of all classes, [..., n_classes].
  Tensor log_prob(const Tensor& x) const;
  /// The most probable class, int64 [...].
  Tensor predict(const Tensor& x) const;

  /// Changes the number of classes, for all copies of this layer: the last cluster grows or shrinks
  /// at its end. New rows start as in a new layer or are made by options.init; see resize_rows(),
  /// also for the optimizer, which must follow. Throws ValueError for a number that leaves the last
  /// cluster empty.
  void resize(std::int64_t n_classes, const ResizeOptions& options = {}) const;

  std::int64_t in_features() const { return in_features_; }
  std::int64_t n_classes() const { return ends_->back(); }

 private:
  Linear make_head(const AdaptiveLogSoftmaxOptions& options, Generator& generator) const;
  Sequential make_cluster(std::int64_t k, const AdaptiveLogSoftmaxOptions& options,
                          Generator& generator) const;
  Tensor losses(const Tensor& x, const Tensor& labels) const;

  const std::int64_t in_features_;
  const std::shared_ptr<std::vector<std::int64_t>> ends_;  // of the head and of each cluster

 public:
  const Linear head;
  const ModuleList<Sequential> tail;
};

}  // namespace gradus
