#pragma once
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct PReLUOptions {
  double init = 0.25;                         ///< what the weight starts as
  std::optional<DType> dtype = std::nullopt;  ///< of the weight; float32 by default
};

/// prelu() with a weight of one element, or of one for each feature.
class GRADUS_API PReLU : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE PReLU& operator=(M&&);

  /// Throws ValueError for num_parameters < 1, DTypeError.
  explicit PReLU(std::int64_t num_parameters = 1, const PReLUOptions& options = {});

  /// x [..., C] -> the same shape. Throws ShapeError unless num_parameters is 1 or C, DTypeError.
  Tensor operator()(const Tensor& x) const;

  const Parameter weight;  ///< [num_parameters]
};

}  // namespace gradus
