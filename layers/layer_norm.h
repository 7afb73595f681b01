#pragma once
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <initializer_list>
#include <optional>

namespace gradus {

struct LayerNormOptions {
  double eps = 1e-5;                          ///< added to the variance
  bool elementwise_affine = true;             ///< whether there is a weight (and a bias)
  bool bias = true;                           ///< whether there is a bias as well as a weight
  std::optional<DType> dtype = std::nullopt;  ///< of weight and bias; float32 by default
};

/// layer_norm() over the last axes, which have the sizes `normalized_shape`, with a weight that
/// starts as ones and a bias that starts as zeros.
class GRADUS_API LayerNorm : public Module {
 public:
  GRADUS_TOO_LATE LayerNorm();
  template <class M>
  GRADUS_TOO_LATE LayerNorm& operator=(M&&);

  /// Throws ShapeError for a shape without axes or with a negative size, ValueError for an eps that
  /// is negative or not finite, DTypeError for a dtype that is not a float type.
  explicit LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options = {});
  /// Over the last axis.
  explicit LayerNorm(std::int64_t features, const LayerNormOptions& options = {})
      : LayerNorm(std::initializer_list<std::int64_t>{features}, options) {}
  explicit LayerNorm(std::initializer_list<std::int64_t> normalized_shape,
                     const LayerNormOptions& options = {});

  /// x [..., normalized_shape] -> the same shape. Throws ShapeError, DTypeError.
  Tensor operator()(const Tensor& x) const;

  const Shape& normalized_shape() const { return shape_; }
  double eps() const { return eps_; }

 private:
  const Shape shape_;
  const double eps_;

 public:
  const Parameter weight;  ///< [normalized_shape]; undefined without elementwise_affine
  const Parameter bias;    ///< [normalized_shape]; undefined without bias or elementwise_affine
};

struct RMSNormOptions {
  /// Added to the mean square; by default, the machine epsilon of the dtype of x.
  std::optional<double> eps = std::nullopt;
  bool elementwise_affine = true;             ///< whether there is a weight
  std::optional<DType> dtype = std::nullopt;  ///< of the weight; float32 by default
};

/// rms_norm() over the last axes, with a weight that starts as ones.
class GRADUS_API RMSNorm : public Module {
 public:
  GRADUS_TOO_LATE RMSNorm();
  template <class M>
  GRADUS_TOO_LATE RMSNorm& operator=(M&&);

  /// Throws as LayerNorm does.
  explicit RMSNorm(const Shape& normalized_shape, const RMSNormOptions& options = {});
  explicit RMSNorm(std::int64_t features, const RMSNormOptions& options = {})
      : RMSNorm(std::initializer_list<std::int64_t>{features}, options) {}
  explicit RMSNorm(std::initializer_list<std::int64_t> normalized_shape,
                   const RMSNormOptions& options = {});

  /// x [..., normalized_shape] -> the same shape. Throws ShapeError, DTypeError.
  Tensor operator()(const Tensor& x) const;

  const Shape& normalized_shape() const { return shape_; }
  std::optional<double> eps() const { return eps_; }

 private:
  const Shape shape_;
  const std::optional<double> eps_;

 public:
  const Parameter weight;  ///< [normalized_shape]; undefined without elementwise_affine
};

}  // namespace gradus
