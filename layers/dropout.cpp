#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/nn/dropout.h>
#include <gradus/layers/dropout.h>

namespace gradus {

Dropout::Dropout(double p, Generator& generator) : p_(p), generator_(&generator) {
  if (!(p >= 0 && p <= 1)) {
    throw ValueError(fmt::format("Dropout: p is {}, it must be between 0 and 1", p));
  }
  set_description([p] { return fmt::format("Dropout(p={})", p); });
}

Tensor Dropout::operator()(const Tensor& x) const {
  return is_training() ? dropout(x, p_, *generator_) : x;
}

}  // namespace gradus
