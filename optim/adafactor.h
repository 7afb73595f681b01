#pragma once
#include <gradus/optim/optimizer.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus {

struct GRADUS_API AdafactorOptions {
  double lr = 1e-2;           ///< the largest relative step
  double beta2_decay = -0.8;  ///< at most 0
  /// The least root of a second moment, 0 standing for the machine epsilon of the dtype; the least
  /// size of a parameter that steps are relative to.
  std::array<double, 2> eps = {0, 1e-3};
  double d = 1;             ///< at least 1: the root mean square at which an update is clipped
  double weight_decay = 0;  ///< shrinks w by the factor 1 - lr * weight_decay
  bool maximize = false;    ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(AdafactorOptions& options);

/// Adafactor, which keeps two vectors for a matrix [R, C] instead of a matrix. In step t of a
/// parameter, from 1, with b = t^beta2_decay and rms the root of the mean square:
///   step = max(eps[1], rms(w)) min(lr, 1 / sqrt(t))
///   r = (1 - b) r + b mean of g^2 over each row,  c = (1 - b) c + b mean of g^2 over each column
///   v = r c / max(mean(r), eps[0])
///   u = g / max(sqrt(v), eps[0])
///   w -= lr weight_decay w + step u / max(1, rms(u) / d)
/// More than two axes are a batch of matrices of the last two, which share step and rms(u). One
/// axis or none has v = (1 - b) v + b g^2. If the rows of a matrix change (see resize_rows()), c
/// becomes the means over the rows that are there then, so that the v of a kept row stays.
/// A sparse gradient is an error: each step depends on all
/// of w. Source: Shazeer and Stern 2018, Adafactor: adaptive learning rates with sublinear memory
/// cost; eps[0] and lr as PyTorch has them.
class GRADUS_API Adafactor : public OptimizerWith<AdafactorOptions> {
 public:
  using OptimizerWith::OptimizerWith;

 private:
  Shape buffer_shape(std::size_t buffer, const Shape& parameter) const override;
  Tensor buffer_of_new_rows(std::size_t buffer, const Slot& slot,
                            const RowPlan& plan) const override;
  void update(Slot& slot) override;
};

}  // namespace gradus
