#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/channel_norm.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct InstanceNormOptions {
  double eps = 1e-5;                          ///< added to the variance
  bool affine = false;                        ///< whether there are a weight and a bias
  std::optional<DType> dtype = std::nullopt;  ///< of weight and bias; float32 by default
};

/// Normalizes each channel over the time of one sequence: group_norm() with a group for each
/// channel, the same in training and evaluation. It keeps no running statistics.
/// Source: Ulyanov et al. 2016, "Instance normalization: the missing ingredient for fast
/// stylization".
class GRADUS_API InstanceNorm1d : public Module {
 public:
  GRADUS_TOO_LATE InstanceNorm1d();
  template <class M>
  GRADUS_TOO_LATE InstanceNorm1d& operator=(M&&);

  /// Throws ValueError for a negative num_features and an eps that is negative or not finite,
  /// DTypeError.
  explicit InstanceNorm1d(std::int64_t num_features, const InstanceNormOptions& options = {});

  /// x [B, T, C] -> the same shape; 0 after the end of a sequence, and in one of a single position.
  /// Throws ShapeError, IndexError for a length outside [0, T], DTypeError.
  Tensor operator()(const Tensor& x, const NormInputs& inputs = {}) const;

  std::int64_t num_features() const { return num_features_; }
  double eps() const { return eps_; }

 private:
  const std::int64_t num_features_;
  const double eps_;

 public:
  const Parameter weight;  ///< [C], of ones at first; undefined without affine
  const Parameter bias;    ///< [C], of zeros at first; undefined without affine
};

}  // namespace gradus
