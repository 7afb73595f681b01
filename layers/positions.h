#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <optional>

namespace gradus {

struct LearnedPositionsOptions {
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// Adds a row of a table to each element of a sequence, by its position. The rows are learned; they
/// start from N(0, 0.02^2). The only parameter is called weight, as that of an Embedding.
class GRADUS_API LearnedPositions : public Module {
 public:
  GRADUS_TOO_LATE LearnedPositions();
  template <class M>
  GRADUS_TOO_LATE LearnedPositions& operator=(M&&);

  /// Throws ValueError for negative sizes, DTypeError.
  LearnedPositions(std::int64_t max_length, std::int64_t d_model,
                   const LearnedPositionsOptions& options = {},
                   Generator& generator = default_generator());

  /// x [B, T, d_model] whose first element has position `first`. Throws ShapeError, ValueError for
  /// positions outside [0, max_length), DTypeError.
  Tensor operator()(const Tensor& x, std::int64_t first = 0) const;

  const Parameter weight;  ///< [max_length, d_model]
};

/// The same with the fixed table of sinusoidal_positions(). It has no parameters.
class GRADUS_API SinusoidalPositions : public Module {
 public:
  GRADUS_TOO_LATE SinusoidalPositions();
  template <class M>
  GRADUS_TOO_LATE SinusoidalPositions& operator=(M&&);

  /// Throws ValueError for negative sizes and an odd d_model.
  SinusoidalPositions(std::int64_t max_length, std::int64_t d_model);

  /// As LearnedPositions; x may have either float type.
  Tensor operator()(const Tensor& x, std::int64_t first = 0) const;

 private:
  const Tensor single_, double_;  // the table in both float types
};

}  // namespace gradus
