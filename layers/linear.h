#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct LinearOptions {
  bool bias = true;  ///< whether a bias is added
  /// By default float32, or the dtype of an existing weight.
  std::optional<DType> dtype = std::nullopt;
};

/// y = x weight^T + bias for x [..., in_features] -> [..., out_features]. Weight and bias start
/// from U(-1/sqrt(in_features), 1/sqrt(in_features)).
class GRADUS_API Linear : public Module {
 public:
  GRADUS_TOO_LATE Linear();
  template <class M>
  GRADUS_TOO_LATE Linear& operator=(M&&);

  /// Throws ValueError for a negative size, DTypeError for a dtype that is not a float type.
  Linear(std::int64_t in_features, std::int64_t out_features, const LinearOptions& options = {},
         Generator& generator = default_generator());
  /// A layer whose weight [out_features, in_features] is also the parameter of another layer, such
  /// as the table of an Embedding [V, D] (tied weights). Throws ShapeError unless the weight has
  /// two axes, DTypeError if the options name a different dtype.
  explicit Linear(const Parameter& weight, const LinearOptions& options = {},
                  Generator& generator = default_generator());

  /// Throws ShapeError unless the last axis of x is in_features, DTypeError for another dtype.
  Tensor operator()(const Tensor& x) const;

  std::int64_t in_features() const { return weight.size(1); }
  std::int64_t out_features() const { return weight.size(0); }

  const Parameter weight;  ///< [out_features, in_features]
  const Parameter bias;    ///< [out_features]; undefined without bias
};

}  // namespace gradus
