#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>

namespace gradus {

/// In training mode, zeroes each element with probability p and multiplies the others by
/// 1 / (1 - p), each call with new random numbers; in eval mode, returns its argument itself.
class GRADUS_API Dropout : public Module {
 public:
  template <class M>
  GRADUS_TOO_LATE Dropout& operator=(M&&);

  /// The generator must live as long as the layer. Throws ValueError unless 0 <= p <= 1.
  explicit Dropout(double p = 0.5, Generator& generator = default_generator());

  /// x may have any shape and float type. Throws DTypeError.
  Tensor operator()(const Tensor& x) const;

  double p() const { return p_; }

 private:
  const double p_;
  Generator* const generator_;
};

}  // namespace gradus
