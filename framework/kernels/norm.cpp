#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/norm.h>
#include <gradus/framework/kernels/reduce.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::kernels {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// min |x|; NaN if there is one.
template <class T>
double least_magnitude(const T* x, int64_t n) {
  double least = infinity;
  for (int64_t i = 0; i < n; ++i) {
    const double magnitude = std::fabs(static_cast<double>(x[i]));
    if (!(magnitude >= least)) least = magnitude;
    if (std::isnan(least)) return least;
  }
  return least;
}

template <class T>
double count_nonzero(const T* x, int64_t n) {
  double count = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (std::isnan(x[i])) return static_cast<double>(x[i]);
    if (x[i] != 0) ++count;
  }
  return count;
}

/// (sum (|x| / unit)^p)^(1/p) unit, where `unit` keeps the powers in range.
template <class T>
double norm_in_units(const T* x, int64_t n, double p, double unit) {
  double total = 0;
  for (int64_t i = 0; i < n; ++i) total += std::pow(std::fabs(static_cast<double>(x[i])) / unit, p);
  return unit * std::pow(total, 1 / p);
}

template <class T>
double norm_negative(const T* x, int64_t n, double p) {
  const double least = least_magnitude(x, n);
  if (p == -infinity || least == 0 || !std::isfinite(least)) return least;
  return norm_in_units(x, n, p, least);
}

/// (norm^p + eps)^(1/p).
double with_eps(double norm, double p, double eps) {
  if (eps == 0) return norm;
  if (p == 2) return std::hypot(norm, std::sqrt(eps));
  const double root = std::pow(eps, 1 / p);
  const double parts[] = {norm, root};
  return norm_p(parts, 2, p);
}

template <class T>
void norm_vjp_row(double g, const T* x, double y, T* dx, int64_t n, double p) {
  const auto map = [=](auto f) {
    parallel_for_each(n, 4, [=](int64_t i) {
      const auto v = static_cast<double>(x[i]);
      dx[i] = static_cast<T>(v == 0 ? 0.0 : f(v));
    });
  };
  if (p == 1) return map([=](double v) { return std::isnan(v) ? v : std::copysign(g, v * g); });
  if (p == 2) return map([=](double v) { return g * (v / y); });
  map([=](double v) { return g * std::copysign(std::pow(std::fabs(v) / y, p - 1), v); });
}

template <class T>
void share_extremes(double g, const T* x, double y, T* dx, int64_t n) {
  const auto is_extreme = [=](T v) { return std::fabs(static_cast<double>(v)) == y; };
  const double part = g / static_cast<double>(std::count_if(x, x + n, is_extreme));
  for (int64_t i = 0; i < n; ++i)
    dx[i] = is_extreme(x[i]) ? static_cast<T>(std::signbit(x[i]) ? -part : part) : T{0};
}

}  // namespace

template <class T>
void norm(const T* x, T* y, int64_t R, int64_t C, double p, double eps) {
  const int64_t cost = p == 1 || p == 2 || std::isinf(p) ? 1 : 64;
  parallel_for_each(R, cost * C + 16, [=](int64_t row) {
    const T* from = x + row * C;
    if (p == 0)
      y[row] = static_cast<T>(count_nonzero(from, C));
    else if (p < 0)
      y[row] = static_cast<T>(norm_negative(from, C, p));
    else
      y[row] = static_cast<T>(with_eps(norm_p(from, C, p), p, eps));
  });
}

template <class T>
void norm_vjp(const T* g, const T* x, const T* y, T* dx, int64_t R, int64_t C, double p) {
  const int64_t cost = p == 1 || p == 2 || std::isinf(p) ? 4 : 64;
  parallel_for_each(R, cost * C + 16, [=](int64_t row) {
    const T* from = x + row * C;
    T* to = dx + row * C;
    if (g[row] == 0 || y[row] == 0 || p == 0)
      std::fill(to, to + C, T{0});
    else if (std::isnan(y[row]))
      std::fill(to, to + C, y[row]);
    else if (std::isinf(p))
      share_extremes(static_cast<double>(g[row]), from, static_cast<double>(y[row]), to, C);
    else
      norm_vjp_row(static_cast<double>(g[row]), from, static_cast<double>(y[row]), to, C, p);
  });
}

GRADUS_INSTANTIATE_FLOATS(norm)
GRADUS_INSTANTIATE_FLOATS(norm_vjp)

}  // namespace gradus::kernels
