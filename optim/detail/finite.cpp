#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/optim/detail/finite.h>

namespace gradus::detail {

std::int64_t first_not_finite(const Tensor& values) {
  return visit_float("check_finite", values, [&]<class T>(T) {
    return kernels::first_nonfinite(values.data<T>(), values.numel());
  });
}

double element(const Tensor& values, std::int64_t i) {
  return visit_float("element", values,
                     [&]<class T>(T) { return static_cast<double>(values.data<T>()[i]); });
}

}  // namespace gradus::detail
