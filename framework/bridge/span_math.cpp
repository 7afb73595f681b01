#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/span_math.h>
#include <gradus/framework/kernels/elementwise.h>

#include <cstdint>
#include <functional>

namespace gradus::spans {
namespace {

template <class T>
void apply(const char* name, const kernels::UnaryKernel& kernel, std::span<const T> x,
           std::span<T> y) {
  if (x.size() != y.size()) {
    throw ShapeError(
        fmt::format("{}: x has {} elements and y has {}: they must have the same number", name,
                    x.size(), y.size()));
  }
  if (x.empty()) return;
  const std::less<const T*> before;
  const T *begin = x.data(), *out = y.data();
  if (begin != out && before(begin, out + y.size()) && before(out, begin + x.size())) {
    const bool later = before(begin, out);
    throw ValueError(
        fmt::format("{}: {} begins at element {} of {}: they must be the same span or must not "
                    "overlap",
                    name, later ? "y" : "x", later ? out - begin : begin - out, later ? "x" : "y"));
  }
  kernels::function_of<T>(kernel)(begin, y.data(), static_cast<std::int64_t>(x.size()));
}

}  // namespace

void exp(std::span<const float> x, std::span<float> y) { apply("spans::exp", kernels::exp, x, y); }
void exp(std::span<const double> x, std::span<double> y) {
  apply("spans::exp", kernels::exp, x, y);
}
void log(std::span<const float> x, std::span<float> y) { apply("spans::log", kernels::log, x, y); }
void log(std::span<const double> x, std::span<double> y) {
  apply("spans::log", kernels::log, x, y);
}
void tanh(std::span<const float> x, std::span<float> y) {
  apply("spans::tanh", kernels::tanh, x, y);
}
void tanh(std::span<const double> x, std::span<double> y) {
  apply("spans::tanh", kernels::tanh, x, y);
}
void sigmoid(std::span<const float> x, std::span<float> y) {
  apply("spans::sigmoid", kernels::sigmoid, x, y);
}
void sigmoid(std::span<const double> x, std::span<double> y) {
  apply("spans::sigmoid", kernels::sigmoid, x, y);
}

}  // namespace gradus::spans
