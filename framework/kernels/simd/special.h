#pragma once
// expm1, log1p, erf, the normal distribution, sin and cos on batches: within 3 units in the last
// place, infinities, NaN, zeros and subnormal numbers included. Coefficients without a source are
// minimax fits made for this file.
#include <gradus/framework/kernels/simd/math.h>

#include <cmath>
#include <cstddef>

namespace gradus::detail {

/// c[0] x^(N-1) + ... + c[N-1].
template <class T, size_t N>
Batch<T> polynomial(const T (&c)[N], const Batch<T>& x) {
  Batch<T> y(c[0]);
  for (size_t i = 1; i < N; ++i) y = fma(y, x, Batch<T>(c[i]));
  return y;
}

/// hi + lo, |lo| at most half a unit in the last place of hi.
template <class T>
struct Twofold {
  Batch<T> hi, lo;
};

/// a + b exactly. Source: Knuth, "The Art of Computer Programming" 2, theorem 4.2.2 B.
template <class T>
Twofold<T> two_sum(const Batch<T>& a, const Batch<T>& b) {
  const Batch<T> sum = a + b, b_part = sum - a;
  return {sum, (a - (sum - b_part)) + (b - b_part)};
}

/// a + b exactly, if |a| >= |b| or a is 0.
template <class T>
Twofold<T> fast_two_sum(const Batch<T>& a, const Batch<T>& b) {
  const Batch<T> sum = a + b;
  return {sum, b - (sum - a)};
}

/// a b exactly.
template <class T>
Twofold<T> two_product(const Batch<T>& a, const Batch<T>& b) {
  const Batch<T> product = a * b;
  return {product, fms(a, b, product)};
}

/// exp(x) - 1.
template <class T>
Batch<T> expm1(const Batch<T>& x) {
  using C = ExpConstants<T>;
  const Batch<T> one(T{1});
  // The constants first: min and max give their second argument if one is NaN. Below -40 it is -1.
  const ExpParts<T> parts(min(Batch<T>(C::highest), max(Batch<T>(T{-40}), x)));
  // ((exp(r) - 1) + (1 - 2^-n)) 2^n; from n = 60 on 2^-n is negligible.
  const Batch<T> inverse = exp2_integer<T>(-min(Batch<T>(T{60}), parts.n));
  return copysign(scale_exp2<T>(parts.expm1_r + (one - inverse), parts.n), x);
}

/// log(1 + x): log(u) + e / u, where 1 + x = u + e exactly.
template <class T>
Batch<T> log1p(const Batch<T>& x) {
  const Batch<T> zero(T{0}), one(T{1}), infinite(std::numeric_limits<T>::infinity());
  // Infinity and, at x = -1, a divisor of 0 would raise exceptions that log1p must not raise. The
  // constant first: min gives its second argument if one is NaN.
  const Twofold<T> u = two_sum(one, min(Batch<T>(std::numeric_limits<T>::max()), x));
  const Batch<T> y = log<T>(u.hi) + u.lo / select(u.hi == zero, one, u.hi);
  return copysign(select(x == infinite, infinite, y), x);
}

/// Constants of the normal distribution: P(X > t) = exp(-t^2 / 2) m(u) / (t + k),
/// u = (t - k) / (t + k). Source of the form: Schonfelder 1978, "Chebyshev expansions for the error
/// and related functions".
template <class T>
struct NormalConstants;

template <>
struct NormalConstants<float> {
  static constexpr float far = 14.5F;  // beyond it: 0
  static constexpr float k = 2.5F;
  static constexpr float m[] = {
      -1.572643960e-04F, -3.108635137e-04F, 6.843404844e-04F, 2.523295581e-03F,  -1.600958523e-03F,
      -1.638602093e-02F, 9.235913865e-03F,  1.319869608e-01F, -4.336920083e-01F, 7.066566348e-01F};
  // erf(x) = x + x p(x^2) for |x| < 1.
  static constexpr float p[] = {7.853849820e-05F,  -8.010202437e-04F, 5.188330542e-03F,
                                -2.685381472e-02F, 1.128358543e-01F,  -3.761262596e-01F,
                                1.283791065e-01F};
};

template <>
struct NormalConstants<double> {
  static constexpr double far = 38.7;
  static constexpr double k = 4.0;
  static constexpr double m[] = {
      -9.54840626183118059e-10, 9.88326679693687378e-11,  1.39086047165493152e-08,
      1.44962955879635157e-08,  -7.63937849452924613e-08, -1.54153370902797450e-07,
      2.63728551845044621e-07,  1.01972390609658342e-06,  -6.25177612722053299e-07,
      -5.91885675479799379e-06, 7.15029307656374769e-07,  3.51441712661295074e-05,
      -1.90787378690424448e-06, -2.31094816658337302e-04, 1.33344255335844674e-04,
      1.63081844172815842e-03,  -3.47969236237777313e-03, -7.54018896558471784e-03,
      6.03965748907064476e-02,  -1.86521857959694337e-01, 3.87137400742218751e-01,
      -6.07896641971891749e-01, 7.55285130415751516e-01};
  static constexpr double p[] = {
      5.94525558422348801e-11,  -1.13656706718271601e-09, 1.46578835309196528e-08,
      -1.63500261920772693e-07, 1.64609729541537652e-06,  -1.49255935187282259e-05,
      1.20553310375511082e-04,  -8.54832697876514854e-04, 5.22397762478137018e-03,
      -2.68661706450729586e-02, 1.12837916709548583e-01,  -3.76126389031837483e-01,
      1.28379167095512574e-01};
};

/// P(X > t) exp(t^2 / 2), 0 <= t <= far.
template <class T>
Batch<T> scaled_tail(const Batch<T>& t) {
  using C = NormalConstants<T>;
  const Batch<T> k(C::k), w = Batch<T>(T{1}) / (t + k);
  return w * polynomial(C::m, (t - k) * w);
}

/// The normal distribution at |x|; beyond `far` as at `far`.
template <class T>
struct NormalParts {
  explicit NormalParts(const Batch<T>& x) : t(min(Batch<T>(NormalConstants<T>::far), abs(x))) {
    const Batch<T> half(T{0.5});
    const Twofold<T> square = two_product(t, t);
    const Batch<T> power = exp<T>(-half * square.hi);
    density = fnma(power, half * square.lo, power);
    tail = density * scaled_tail(t);
  }
  Batch<T> t;        // |x|
  Batch<T> density;  // exp(-t^2 / 2)
  Batch<T> tail;     // P(X > t)
};

/// P(X <= x) of the normal distribution.
template <class T>
Batch<T> normal_cdf(const Batch<T>& x, const NormalParts<T>& parts) {
  return select(x < Batch<T>(T{0}), parts.tail, Batch<T>(T{1}) - parts.tail);
}

/// The error function.
template <class T>
Batch<T> erf(const Batch<T>& x) {
  using C = NormalConstants<T>;
  const Batch<T> one(T{1}), two(T{2});
  const Batch<T> small = fma(x, polynomial(C::p, x * x), x);
  const Batch<T> a = min(Batch<T>(T{6.5}), abs(x));  // from 6.5 on erf is 1
  const Batch<T> t = a * Batch<T>(static_cast<T>(1.41421356237309505));
  const Batch<T> rest = two * exp<T>(-a * a) * scaled_tail(t);
  return select(a < one, small, copysign(one - rest, x));
}

/// pi / 2 in parts of 33 bits: their products with an integer below 2^20 are exact.
inline constexpr double half_pi[] = {0x1.921fb54400000p+0, 0x1.0b4611a600000p-34,
                                     0x1.3198a2e000000p-69, 0x1.b839a252049c1p-104};

/// n and r of x = n pi / 2 + r, |r| <= pi / 4, for |x| up to `highest`.
struct QuarterTurns {
  static constexpr double highest = 1e6;

  explicit QuarterTurns(const Batch<double>& x) {
    const Batch<double> round(ExpConstants<double>::round);
    n = fma(x, Batch<double>(0.63661977236758134), round) - round;
    const Batch<double> first = x - n * Batch<double>(half_pi[0]);  // exact
    const Twofold<double> second = two_sum(first, -n * Batch<double>(half_pi[1]));
    const Twofold<double> third = two_sum(second.hi, -n * Batch<double>(half_pi[2]));
    r = fast_two_sum(third.hi, third.lo + second.lo - n * Batch<double>(half_pi[3]));
  }
  Batch<double> n;
  Twofold<double> r;
};

/// The sine of n quarter turns plus r, from sin(r) and cos(r).
template <class T>
Batch<T> select_quarter(const Batch<T>& n, const Batch<T>& sine, const Batch<T>& cosine) {
  using Bits = Batch<UnsignedBits<T>>;
  const Batch<T> round(ExpConstants<T>::round), half(T{0.5});
  const Batch<T> halves = n * half;  // a whole number if n is even
  const Batch<T> y = select((halves + round) - round == halves, sine, cosine);
  const Bits quarters = bit_cast<UnsignedBits<T>>(n + round);  // its low bits count them
  const Bits sign = (quarters & Bits(2)) << (8 * static_cast<int>(sizeof(T)) - 2);
  return bit_cast<T>(bit_cast<UnsignedBits<T>>(y) ^ sign);
}

/// sin(r) = r - r^3 / 6 + r^5 p(r^2) and cos(r) = 1 - r^2 / 2 + r^4 p(r^2), |r| <= pi / 4. Source:
/// k_sin.c and k_cos.c of FreeBSD's msun.
inline constexpr double sin_series[] = {1.58969099521155010221e-10, -2.50507602534068634195e-08,
                                        2.75573137070700676789e-06, -1.98412698298579493134e-04,
                                        8.33333333332248946124e-03};
inline constexpr double cos_series[] = {-1.13596475577881948265e-11, 2.08757232129817482790e-09,
                                        -2.75573143513906633035e-07, 2.48015872894767294178e-05,
                                        -1.38888888888741095749e-03, 4.16666666666666019037e-02};

/// sin(x + shift pi / 2).
inline Batch<double> sin_shifted(const Batch<double>& x, double shift) {
  const Batch<double> one(1), half(0.5);
  const QuarterTurns turns(x);
  const Batch<double>&r = turns.r.hi, &low = turns.r.lo;
  const Batch<double> z = r * r, cube = z * r, half_z = half * z, w = one - half_z;
  const Batch<double> sine = r - ((z * (half * low - cube * polynomial(sin_series, z)) - low) +
                                  cube * Batch<double>(1.66666666666666324348e-01));
  const Batch<double> cosine =
      w + (((one - w) - half_z) + (z * (z * polynomial(cos_series, z)) - r * low));
  return select_quarter(turns.n + Batch<double>(shift), sine, cosine);
}

/// The same with the precision that a float needs.
inline Batch<double> sin_shifted_as_float(const Batch<double>& x, double shift) {
  static constexpr double s[] = {2.72478449151529621e-06, -1.98400698277292404e-04,
                                 8.33333184104968934e-03, -1.66666666637586641e-01};
  static constexpr double c[] = {2.44610777254063910e-05, -1.38875666255424790e-03,
                                 4.16666501825113597e-02, -4.99999999677386398e-01};
  const Batch<double> round(ExpConstants<double>::round);
  const Batch<double> n = fma(x, Batch<double>(0.63661977236758134), round) - round;
  const Batch<double> r =
      (x - n * Batch<double>(half_pi[0])) - n * Batch<double>(6.07710050650619224932e-11);
  const Batch<double> z = r * r;
  return select_quarter(n + Batch<double>(shift), fma(r, z * polynomial(s, z), r),
                        fma(z, polynomial(c, z), Batch<double>(1)));
}

/// The sine and cosine of 2 pi v, 0 <= v <= 1.
template <class T>
struct SinCosOfTurns {
  explicit SinCosOfTurns(const Batch<T>& v) {
    const Batch<T> one(T{1}), round(ExpConstants<T>::round);
    const Batch<T> n = fma(v, Batch<T>(T{4}), round) - round;  // quarters of a turn
    const Batch<T> rest = fnma(n, Batch<T>(T{0.25}), v);       // exact
    const Batch<T> r = rest * Batch<T>(static_cast<T>(6.28318530717958648)), z = r * r;
    const Batch<T> sixth(static_cast<T>(1.0 / 6)), half(T{0.5});
    const Batch<T> s = fma(z * r, fms(z, series(sin_series, z), sixth), r);
    const Batch<T> c = fma(z, fms(z, series(cos_series, z), half), one);
    sin = select_quarter(n, s, c);
    cos = select_quarter(n + one, s, c);
  }
  Batch<T> sin, cos;

 private:
  /// A float needs only the last three terms.
  template <size_t N>
  static Batch<T> series(const double (&all)[N], const Batch<T>& z) {
    constexpr size_t first = std::is_same_v<T, float> ? N - 3 : 0;
    Batch<T> y(static_cast<T>(all[first]));
    for (size_t i = first + 1; i < N; ++i) y = fma(y, z, Batch<T>(static_cast<T>(all[i])));
    return y;
  }
};

/// y, but with f(x), one by one, in the lanes where |x| is above `highest`, too far out for the
/// vectorised form.
template <class T, class F>
Batch<T> replace_far(const Batch<T>& y, const Batch<T>& x, T highest, const F& f) {
  if (!any(abs(x) > Batch<T>(highest))) return y;
  alignas(64) T from[batch_size<T>], to[batch_size<T>];
  x.store_aligned(from);
  y.store_aligned(to);
  for (int64_t i = 0; i < batch_size<T>; ++i) {
    if (std::fabs(from[i]) > highest) to[i] = f(from[i]);
  }
  return Batch<T>::load_aligned(to);
}

/// sin(x + shift pi / 2). Beyond 10^6 it is `far`, the function of the C library; NaN for infinity.
template <class T, class F>
Batch<T> sin_or_far(const Batch<T>& x, double shift, const F& far) {
  constexpr auto highest = static_cast<T>(QuarterTurns::highest);
  const Batch<T> near = select(abs(x) > Batch<T>(highest), Batch<T>(T{0}), x);
  Batch<T> y;
  if constexpr (std::is_same_v<T, double>) {
    y = sin_shifted(near, shift);
  } else {
    y = in_double([=](const auto& v) { return sin_shifted_as_float(v, shift); }, near);
  }
  return replace_far(y, x, highest, far);
}

template <class T>
Batch<T> sin(const Batch<T>& x) {
  const Batch<T> y = sin_or_far(x, 0, [](T v) { return std::sin(v); });
  return select(x == Batch<T>(T{0}), x, y);  // -0 for -0
}

template <class T>
Batch<T> cos(const Batch<T>& x) {
  return sin_or_far(x, 1, [](T v) { return std::cos(v); });
}

}  // namespace gradus::detail
