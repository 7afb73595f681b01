#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// Spearman's rank correlation: the correlation of the ranks of two lists of values, where equal
/// values have the mean of their ranks. Keeps all values.
class GRADUS_API Spearman {
 public:
  /// Throws ValueError for NaN.
  void add(double x, double y);
  /// Values that belong together one by one. Throws ShapeError, ValueError for NaN.
  void add(std::span<const double> x, std::span<const double> y);
  /// Floats or int64 of one shape. Throws ShapeError, DTypeError, ValueError for NaN and for
  /// integers beyond 2^53.
  void add(const Tensor& x, const Tensor& y);
  void merge(const Spearman& other);

  /// -1 to 1; NaN, as in scipy, if all x or all y are equal, as a single one is. Throws ValueError
  /// if nothing was added.
  double result() const;
  std::int64_t count() const { return static_cast<std::int64_t>(x_.size()); }

 private:
  std::vector<double> x_, y_;
};

}  // namespace gradus
