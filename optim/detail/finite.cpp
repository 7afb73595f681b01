#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/optim/detail/finite.h>

#include <algorithm>
#include <cmath>

namespace gradus::detail {

std::int64_t first_not_finite(const Tensor& values) {
  return dispatch_float(values.dtype(), "check_finite", [&]<class T>(T) {
    const T* begin = values.data<T>();
    const T* end = begin + values.numel();
    const T* found = std::find_if(begin, end, [](T value) { return !std::isfinite(value); });
    return found == end ? std::int64_t{-1} : static_cast<std::int64_t>(found - begin);
  });
}

double element(const Tensor& values, std::int64_t i) {
  return dispatch_float(values.dtype(), "element",
                        [&]<class T>(T) { return static_cast<double>(values.data<T>()[i]); });
}

}  // namespace gradus::detail
