#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/elementwise_loops.h>

#include <functional>

namespace gradus::kernels {

namespace {

template <class F>
constexpr CompareKernel make_compare() {
  return {binary_each<F, float, bool>, binary_each<F, double, bool>, binary_each<F, int64_t, bool>,
          1};
}

}  // namespace

constinit const CompareKernel equal = make_compare<std::equal_to<>>();
constinit const CompareKernel not_equal = make_compare<std::not_equal_to<>>();
constinit const CompareKernel less = make_compare<std::less<>>();
constinit const CompareKernel less_equal = make_compare<std::less_equal<>>();
constinit const CompareKernel greater = make_compare<std::greater<>>();
constinit const CompareKernel greater_equal = make_compare<std::greater_equal<>>();

template <class T>
void run(const CompareKernel& kernel, const T* a, int64_t stride_a, const T* b, int64_t stride_b,
         bool* y, int64_t n) {
  auto* f = function_of<T>(kernel);
  parallel_for(n, kernel.cost, [=](int64_t begin, int64_t end) {
    f(a + begin * stride_a, stride_a, b + begin * stride_b, stride_b, y + begin, end - begin);
  });
}

template void run(const CompareKernel&, const float*, int64_t, const float*, int64_t, bool*,
                  int64_t);
template void run(const CompareKernel&, const double*, int64_t, const double*, int64_t, bool*,
                  int64_t);
template void run(const CompareKernel&, const int64_t*, int64_t, const int64_t*, int64_t, bool*,
                  int64_t);

}  // namespace gradus::kernels
