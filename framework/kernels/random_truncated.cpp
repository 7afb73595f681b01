#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/random.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace gradus::kernels {
namespace {

/// The normal distribution function; without cancellation where z < 0.
double below(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// Acklam's rational approximation of z with below(z) = p, 0 < p < 1, to a relative error of
/// 1.2e-9.
double approximate_quantile(double p) {
  constexpr double tail = 0.02425;
  if (p > 1 - tail) return -approximate_quantile(1 - p);
  if (p < tail) {
    const double q = std::sqrt(-2 * std::log(p));
    return (((((-7.784894002430293e-03 * q - 3.223964580411365e-01) * q - 2.400758277161838) * q -
              2.549732539343734) *
                 q +
             4.374664141464968) *
                q +
            2.938163982698783) /
           ((((7.784695709041462e-03 * q + 3.224671290700398e-01) * q + 2.445134137142996) * q +
             3.754408661907416) *
                q +
            1);
  }
  const double q = p - 0.5, r = q * q;
  return (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
            1.383577518672690e+02) *
               r -
           3.066479806614716e+01) *
              r +
          2.506628277459239) *
         q /
         (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
            6.680131188771972e+01) *
               r -
           1.328068155288572e+01) *
              r +
          1);
}

/// The same, refined by one step of Halley's method.
double quantile(double p) {
  if (p <= 0) return -HUGE_VAL;
  if (p >= 1) return HUGE_VAL;
  const double z = approximate_quantile(p);
  const double error = (below(z) - p) * std::sqrt(2 * std::numbers::pi) * std::exp(z * z / 2);
  const double step = error / (1 + z * error / 2);
  return std::isfinite(step) ? z - step : z;
}

constexpr double far = 36;  // soon beyond it, probabilities leave the range of double

/// The distance d of a draw of N(0, 1) from a, a > far, given that it is in [a, a + width]: the d
/// beyond which 1 - u of the probability lies, 0 < u < 1. Uses the asymptotic series of the tail,
/// exp(-x^2 / 2) / x (1 - 1 / x^2 + ...); the terms left out change d by less than 1e-8 of it.
double excess(double a, double width, double u) {
  if (std::isinf(a)) return 0;
  // -log of the probability beyond a + d, as a fraction of that beyond a.
  const auto decay = [a](double d) {
    const double x = a + d;
    return d * (a + d / 2) + std::log1p(d / a) + (1 / (x * x) - 1 / (a * a));
  };
  const double wanted = -std::log1p(u * std::expm1(-decay(width)));
  double d = 2 * wanted / (a + std::hypot(a, std::sqrt(2 * wanted)));
  for (int step = 0; step < 2; ++step) {  // of Newton's method
    const double x = a + d;
    d -= (decay(d) - wanted) / (x + 1 / x);
  }
  return d;
}

constexpr double narrow = 1e-6;

/// The same as a fraction of `width` < narrow, for any a: the density is exponential to within
/// 1e-12 of it, and constant if it changes by less than double can resolve.
double part_of_narrow(double a, double width, double u) {
  const double change = a * width;
  if (std::fabs(change) < 1e-15) return u;
  return -std::log1p(u * std::expm1(-change)) / change;
}

}  // namespace

template <class T>
void random_truncated_normal(uint64_t seed, uint64_t offset, T* y, int64_t n, double mean,
                             double deviation, double low, double high) {
  double from = (low - mean) / deviation, to = (high - mean) / deviation;
  // Work in the lower tail, where probabilities keep their digits.
  const bool mirrored = from > 0;
  if (mirrored) from = -std::exchange(to, -from);
  const double start = below(from), probability = below(to) - start;
  const double length = high - low, width = length / deviation;  // to - from has fewer digits
  const double sign = mirrored ? -deviation : deviation, nearest = mirrored ? low : high;
  const auto draw = [=](double u) {
    if (width < narrow)
      return nearest + (mirrored ? length : -length) * part_of_narrow(-to, width, u);
    if (to < -far) return nearest - sign * excess(-to, width, u);
    return mean + sign * quantile(start + u * probability);
  };
  parallel_for_each(n, 128, [=](int64_t i) {
    const uint64_t bits = random_bits(seed, offset, static_cast<uint64_t>(i));
    const double u = (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
    y[i] = static_cast<T>(std::clamp(draw(u), low, high));
  });
}

GRADUS_INSTANTIATE_FLOATS(random_truncated_normal)

}  // namespace gradus::kernels
