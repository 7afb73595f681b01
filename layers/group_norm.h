#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/channel_norm.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct GroupNormOptions {
  double eps = 1e-5;                          ///< added to the variance
  bool affine = true;                         ///< whether there are a weight and a bias
  std::optional<DType> dtype = std::nullopt;  ///< of weight and bias; float32 by default
};

/// group_norm() with a weight that starts as ones and a bias that starts as zeros.
class GRADUS_API GroupNorm : public Module {
 public:
  GRADUS_TOO_LATE GroupNorm();
  template <class M>
  GRADUS_TOO_LATE GroupNorm& operator=(M&&);

  /// Throws ValueError unless num_groups >= 1 divides num_channels >= 0 and for an eps that is
  /// negative or not finite, DTypeError.
  GroupNorm(std::int64_t num_groups, std::int64_t num_channels,
            const GroupNormOptions& options = {});

  /// x [B, C] or [B, T, C] -> the same shape; 0 after the end of a sequence. Throws ShapeError,
  /// IndexError for a length outside [0, T], DTypeError.
  Tensor operator()(const Tensor& x, const NormInputs& inputs = {}) const;

  std::int64_t num_groups() const { return num_groups_; }
  std::int64_t num_channels() const { return num_channels_; }
  double eps() const { return eps_; }

 private:
  const std::int64_t num_groups_, num_channels_;
  const double eps_;

 public:
  const Parameter weight;  ///< [C]; undefined without affine
  const Parameter bias;    ///< [C]; undefined without affine
};

}  // namespace gradus
