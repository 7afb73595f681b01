#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/channel_norm.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct BatchNorm1dOptions {
  double eps = 1e-5;  ///< added to the variance
  /// The share of a batch in the running values; without it they are the means over all batches.
  std::optional<double> momentum = 0.1;
  bool affine = true;  ///< whether there are a weight and a bias
  /// Whether there are running values; without them, each batch is normalised by its own, in eval
  /// mode too.
  bool track_running_stats = true;
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// batch_norm() with a weight that starts as ones and a bias that starts as zeros. In training
/// mode, it normalises by the mean and variance of the batch and adds them to the running ones,
/// which start as zeros and ones; in eval mode, it normalises by the running ones.
class GRADUS_API BatchNorm1d : public Module {
 public:
  GRADUS_TOO_LATE BatchNorm1d();
  template <class M>
  GRADUS_TOO_LATE BatchNorm1d& operator=(M&&);

  /// Throws ValueError for num_features < 0, an eps that is negative or not finite and a momentum
  /// outside [0, 1], DTypeError.
  explicit BatchNorm1d(std::int64_t num_features, const BatchNorm1dOptions& options = {});

  /// x [B, C] or [B, T, C] -> the same shape; 0 after the end of a sequence. Throws ValueError for
  /// one value per channel unless the running values are used, ShapeError, IndexError for a length
  /// outside [0, T], DTypeError. No running value has changed then.
  Tensor operator()(const Tensor& x, const NormInputs& inputs = {}) const;

  std::int64_t num_features() const { return num_features_; }
  double eps() const { return eps_; }
  std::optional<double> momentum() const { return momentum_; }

 private:
  double share_of_next_batch() const;

  const std::int64_t num_features_;
  const double eps_;
  const std::optional<double> momentum_;

 public:
  const Parameter weight;            ///< [C]; undefined without affine
  const Parameter bias;              ///< [C]; undefined without affine
  const Tensor running_mean;         ///< a buffer [C]; undefined without track_running_stats
  const Tensor running_var;          ///< a buffer [C]; as running_mean
  const Tensor num_batches_tracked;  ///< those with values: a buffer [], int64; as running_mean
};

}  // namespace gradus
