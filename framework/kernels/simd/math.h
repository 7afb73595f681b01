#pragma once
// exp, log, tanh and sigmoid on batches: within 3 units in the last place over the whole range,
// infinities, NaN, zeros and subnormal numbers included, without branches.
#include <gradus/framework/kernels/simd/loop.h>

#include <bit>
#include <iterator>
#include <limits>

namespace gradus::detail {

/// Constants of exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2.
template <class T>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  static constexpr float lowest = -104.0F, highest = 89.0F;  // beyond these: 0 and infinity
  static constexpr float lowest_normal = -87.336544F;        // below it: subnormal
  static constexpr float log2_e = 1.44269504F;
  static constexpr float ln2_high = 0.693359375F, ln2_low = -2.12194440e-4F;  // high has 9 bits
  static constexpr float round = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float bias = 127.0F;
  static constexpr int mantissa_bits = 23;
  // exp(r) = 1 + r + r^2 q(r). Source: expf of Cephes (Moshier).
  static constexpr float q[] = {1.9875691500e-4F, 1.3981999507e-3F, 8.3334519073e-3F,
                                4.1665795894e-2F, 1.6666665459e-1F, 5.0000001201e-1F};
};

template <>
struct ExpConstants<double> {
  static constexpr double lowest = -745.2, highest = 710.0;
  static constexpr double lowest_normal = -708.3964185322641;
  static constexpr double log2_e = 1.4426950408889634;
  static constexpr double ln2_high = 6.93145751953125e-1, ln2_low = 1.42860682030941723212e-6;
  static constexpr double round = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double bias = 1023.0;
  static constexpr int mantissa_bits = 52;
  // Taylor: 1 / 14! ... 1 / 2!; the first term left out is below 2^-60.
  static constexpr double q[] = {1.0 / 87178291200.0,
                                 1.0 / 6227020800.0,
                                 1.0 / 479001600.0,
                                 1.0 / 39916800.0,
                                 1.0 / 3628800.0,
                                 1.0 / 362880.0,
                                 1.0 / 40320.0,
                                 1.0 / 5040.0,
                                 1.0 / 720.0,
                                 1.0 / 120.0,
                                 1.0 / 24.0,
                                 1.0 / 6.0,
                                 0.5};
};

/// n and exp(r) - 1, for x in [lowest, highest] or NaN.
template <class T>
struct ExpParts {
  explicit ExpParts(const Batch<T>& x) {
    using C = ExpConstants<T>;
    n = fma(x, Batch<T>(C::log2_e), Batch<T>(C::round)) - Batch<T>(C::round);
    const Batch<T> r = fnma(n, Batch<T>(C::ln2_low), fnma(n, Batch<T>(C::ln2_high), x));
    Batch<T> q(C::q[0]);
    for (size_t i = 1; i < std::size(C::q); ++i) q = fma(q, r, Batch<T>(C::q[i]));
    expm1_r = fma(q, r * r, r);
  }
  Batch<T> n, expm1_r;
};

/// 2^n for an integer n that gives a normal number.
template <class T>
Batch<T> exp2_integer(const Batch<T>& n) {
  using C = ExpConstants<T>;
  const auto bits = bit_cast<SignedBits<T>>(n + Batch<T>(C::round + C::bias));
  return bit_cast<T>(bits << C::mantissa_bits);
}

/// x 2^n, rounded once more if the result is subnormal.
template <class T>
Batch<T> scale_exp2(const Batch<T>& x, const Batch<T>& n) {
#ifdef __AVX512F__
  if constexpr (std::is_same_v<T, float>)
    return _mm512_scalef_ps(x.lanes(), n.lanes());
  else
    return _mm512_scalef_pd(x.lanes(), n.lanes());
#else
  // Two factors: 2^n alone may be out of range.
  using C = ExpConstants<T>;
  const Batch<T> half = fma(n, Batch<T>(T{0.5}), Batch<T>(C::round)) - Batch<T>(C::round);
  return x * exp2_integer(half) * exp2_integer(n - half);
#endif
}

/// exp, but 0 below `lowest`: there exp(0) is computed instead, as each subnormal result costs the
/// processor over 100 cycles.
template <class T>
Batch<T> exp_from(const Batch<T>& x, T lowest) {
  const Batch<T> zero(T{0});
  const auto vanishes = x < Batch<T>(lowest);
  // The constant first: min gives its second argument if one is NaN.
  const ExpParts<T> parts(min(Batch<T>(ExpConstants<T>::highest), select(vanishes, zero, x)));
  return select(vanishes, zero, scale_exp2<T>(parts.expm1_r + Batch<T>(T{1}), parts.n));
}

/// exp; subnormal results are kept.
template <class T>
Batch<T> exp(const Batch<T>& x) {
  return exp_from<T>(x, ExpConstants<T>::lowest);
}

/// exp with 0 for subnormal results, for sums of exponentials.
template <class T>
Batch<T> exp_flushed(const Batch<T>& x) {
  return exp_from<T>(x, ExpConstants<T>::lowest_normal);
}

/// Constants of log(2^k m) = k ln 2 + log(m), sqrt(1/2) <= m < sqrt(2).
template <class T>
struct LogConstants;

template <>
struct LogConstants<float> {
  static constexpr float scale = 8388608.0F, scale_log2 = 23.0F;  // for subnormal x
  static constexpr float integer = 8388608.0F;                    // 2^23: its low bits count ones
  static constexpr float sqrt_half = 0.70710677F;
  static constexpr float ln2_high = 6.9313812256e-1F, ln2_low = 9.0580006145e-6F;
  // With s = f / (2 + f), f = m - 1: log(m) = f - s (f - R(s^2)). Source: logf of FreeBSD's msun.
  static constexpr float r[] = {2.4279078841e-1F, 2.8498786688e-1F, 4.0000972152e-1F,
                                6.6666662693e-1F};
};

template <>
struct LogConstants<double> {
  static constexpr double scale = 4503599627370496.0, scale_log2 = 52.0;
  static constexpr double integer = 4503599627370496.0;
  static constexpr double sqrt_half = 0.70710678118654752;
  static constexpr double ln2_high = 6.93147180369123816490e-1;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr double r[] = {1.479819860511658591e-1, 1.531383769920937332e-1,
                                 1.818357216161805012e-1, 2.222219843214978396e-1,
                                 2.857142874366239149e-1, 3.999999999940941908e-1,
                                 6.666666666666735130e-1};
};

/// k and m of a positive x = 2^k m, sqrt(1/2) <= m < sqrt(2).
template <class T>
struct LogParts {
  explicit LogParts(const Batch<T>& x) {
    using C = LogConstants<T>;
    using Bits = UnsignedBits<T>;
    using BitBatch = Batch<Bits>;
    constexpr int mantissa_bits = ExpConstants<T>::mantissa_bits;
    constexpr Bits one = std::bit_cast<Bits>(T{1}), sqrt_half = std::bit_cast<Bits>(C::sqrt_half);
    constexpr Bits mantissa = (Bits{1} << mantissa_bits) - 1;
    const auto subnormal = x < Batch<T>(std::numeric_limits<T>::min());
    const Batch<T> normal = select(subnormal, x * Batch<T>(C::scale), x);
    const BitBatch bits = bit_cast<Bits>(normal) + BitBatch(static_cast<Bits>(one - sqrt_half));
    m = bit_cast<T>((bits & BitBatch(mantissa)) + BitBatch(sqrt_half));
    const Batch<T> exponent =
        bit_cast<T>((bits >> mantissa_bits) | BitBatch(std::bit_cast<Bits>(C::integer)));
    const T bias = C::integer + ExpConstants<T>::bias;
    k = exponent - select(subnormal, Batch<T>(bias + C::scale_log2), Batch<T>(bias));
  }
  Batch<T> m, k;
};

/// log; -infinity for 0, NaN below.
template <class T>
Batch<T> log(const Batch<T>& x) {
  using C = LogConstants<T>;
  const Batch<T> zero(T{0}), unit(T{1}), infinite(std::numeric_limits<T>::infinity());
  const LogParts<T> parts(x);
  const Batch<T>&m = parts.m, &k = parts.k;
  const Batch<T> f = m - unit;
  const Batch<T> s = f / (m + unit);
  const Batch<T> z = s * s;
  Batch<T> r(C::r[0]);
  for (size_t i = 1; i < std::size(C::r); ++i) r = fma(r, z, Batch<T>(C::r[i]));
  const Batch<T> half_square = Batch<T>(T{0.5}) * f * f;
  const Batch<T> small = fma(s, fma(r, z, half_square), k * Batch<T>(C::ln2_low)) - half_square;
  Batch<T> y = fma(k, Batch<T>(C::ln2_high), small + f);
  y = select(x == infinite, infinite, y);
  y = select(x == zero, -infinite, y);
  return select(x >= zero, y, Batch<T>(std::numeric_limits<T>::quiet_NaN()));
}

/// tanh |x| = -t / (2 + t), t = exp(-2 |x|) - 1.
template <class T>
Batch<T> tanh(const Batch<T>& x) {
  const Batch<T> one(T{1});
  const Batch<T> a = min(Batch<T>(T{20}), abs(x));  // tanh is 1 from 19.1 on
  const ExpParts<T> parts(a * Batch<T>(T{-2}));
  const Batch<T> power = exp2_integer<T>(parts.n);
  const Batch<T> t = fma(power, parts.expm1_r, power - one);
  return copysign(t / (t + Batch<T>(T{2})), x);
}

/// 1 / (1 + exp(-x)) for x >= 0, else exp(x) / (1 + exp(x)): exp never overflows.
template <class T>
Batch<T> sigmoid(const Batch<T>& x) {
  const Batch<T> one(T{1});
  const Batch<T> e = exp<T>(-abs(x));
  return select(x < Batch<T>(T{0}), e, one) / (one + e);
}

}  // namespace gradus::detail
