#pragma once
// pow on batches, with the special values of IEEE 754: within 1 unit in the last place.
#include <gradus/framework/kernels/simd/special.h>

namespace gradus::detail {

/// log(x) to about 68 bits, for x > 0 (not 0, infinite or NaN).
/// log(m) = 2 (s + s^3 / 3 + s^5 / 5 ...), s = (m - 1) / (m + 1).
inline Twofold<double> log_twofold(const Batch<double>& x) {
  static constexpr double series[] = {1.0 / 25, 1.0 / 23, 1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15,
                                      1.0 / 13, 1.0 / 11, 1.0 / 9,  1.0 / 7,  1.0 / 5};
  using B = Batch<double>;
  const B two(2), third(1.0 / 3), third_low(1.850371707708594e-17);
  const LogParts<double> parts(x);
  const B f = parts.m - B(1);
  const Twofold<double> d = two_sum(parts.m, B(1));
  Twofold<double> s;
  s.hi = f / d.hi;
  const Twofold<double> back = two_product(s.hi, d.hi);
  s.lo = (((f - back.hi) - back.lo) - s.hi * d.lo) / d.hi;

  Twofold<double> z = two_product(s.hi, s.hi);
  z.lo = z.lo + two * s.hi * s.lo;
  const B rest = polynomial(series, z.hi);
  Twofold<double> inner = fast_two_sum(third, z.hi * rest);
  inner.lo = inner.lo + third_low + z.lo * rest;
  Twofold<double> q = two_product(z.hi, inner.hi);
  q.lo = q.lo + z.hi * inner.lo + z.lo * inner.hi;
  Twofold<double> w = two_product(s.hi, q.hi);
  w.lo = w.lo + s.hi * q.lo + s.lo * q.hi;
  const Twofold<double> half = fast_two_sum(s.hi, w.hi);  // log(m) / 2

  const Twofold<double> sum = two_sum(parts.k * B(LogConstants<double>::ln2_high), two * half.hi);
  return fast_two_sum(
      sum.hi, sum.lo + two * (half.lo + s.lo + w.lo) + parts.k * B(LogConstants<double>::ln2_low));
}

/// exp(x.hi + x.lo), with nearly a single rounding: powers of integers are exact if they fit.
inline Batch<double> exp_twofold(const Twofold<double>& x) {
  using B = Batch<double>;
  using C = ExpConstants<double>;
  const B zero(0), one(1), round(C::round);
  const auto vanishes = x.hi < B(C::lowest);
  const B high = min(B(C::highest), select(vanishes, zero, x.hi));
  const B low = select(abs(x.hi) < B(800), x.lo, zero);
  const B n = fma(high, B(C::log2_e), round) - round;
  const Twofold<double> r = two_sum(fnma(n, B(C::ln2_high), high), -n * B(C::ln2_low));
  const Twofold<double> sum = two_sum(r.hi, low);
  const Twofold<double> first = fast_two_sum(one, sum.hi);
  const B square = sum.hi * sum.hi * polynomial(C::q, sum.hi);
  const B y = first.hi + (first.lo + fma(r.lo + sum.lo, first.hi, square));
  return select(vanishes, zero, scale_exp2<double>(y, n));
}

/// a^b for a > 0 (not infinite) and a finite b.
inline Batch<double> pow_positive(const Batch<double>& a, const Batch<double>& b) {
  Twofold<double> log_a = log_twofold(a);
  log_a.hi = select(is_nan(a), a, log_a.hi);
  Twofold<double> product = two_product(log_a.hi, b);
  product.lo = product.lo + log_a.lo * b;
  return exp_twofold(product);
}

inline Batch<float> pow_positive(const Batch<float>& a, const Batch<float>& b) {
  return in_double([](const auto& v, const auto& e) { return exp<double>(e * log<double>(v)); }, a,
                   b);
}

/// a^b. 1 for b = 0 and for a = 1, even if the other is NaN; NaN for a negative a and a b that is
/// not a whole number.
template <class T>
Batch<T> pow(const Batch<T>& a, const Batch<T>& b) {
  using B = Batch<T>;
  const B zero(T{0}), one(T{1}), half(T{0.5}), infinite(std::numeric_limits<T>::infinity());
  const B base = abs(a);
  // From 1e20 on, any base other than 1 gives 0 or infinity. The constants come first, which keeps
  // NaN.
  const B exponent = max(B(T{-1e20F}), min(B(T{1e20F}), b));
  // These bases are kept out of log(), which would raise exceptions that pow must not raise.
  const auto at_end = (base == zero) | (base == infinite);
  B y = pow_positive(select(at_end, one, base), exponent);
  const auto vanishes = ((base == zero) & (b > zero)) | ((base == infinite) & (b < zero));
  y = select(at_end & (b == b), select(vanishes, zero, infinite), y);

  const auto whole = trunc(b) == b;  // large numbers and infinities are even
  const B halves = b * half;
  const auto odd = whole & (trunc(halves) != halves);
  y = select(odd, copysign(y, a), y);
  const auto undefined = (a < zero) & (base < infinite) & !whole;
  y = select(undefined, B(std::numeric_limits<T>::quiet_NaN()), y);
  return select((b == zero) | (a == one), one, y);
}

}  // namespace gradus::detail
