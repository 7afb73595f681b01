#pragma once
// The primitives that kernels are made of: a Batch<T> holds one vector register, a Mask<T> a truth
// value for each of its lanes. Each primitive has the same result on every instruction set, special
// values included (tests/kernels/simd/batch_test.cpp compares them with scalar code). See decision
// 0007.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#ifdef __SSE2__
#include <immintrin.h>
#endif

namespace gradus::detail {

#if defined(__AVX512F__)
inline constexpr size_t register_bytes = 64;
#elif defined(__AVX__)
inline constexpr size_t register_bytes = 32;
#else
inline constexpr size_t register_bytes = 16;
#endif

template <size_t bytes>
using SignedOfSize = std::conditional_t<bytes == 4, int32_t, int64_t>;
template <class T>
using SignedBits = SignedOfSize<sizeof(T)>;
template <class T>
using UnsignedBits = std::make_unsigned_t<SignedBits<T>>;

/// A vector type of the compiler: its operators work lane by lane.
template <class T>
struct RegisterOf {
  using type [[gnu::vector_size(register_bytes)]] = T;
};
template <class T>
using Register = typename RegisterOf<T>::type;

template <class T>
class Mask;

/// One register of T: float, double or an integer as wide as one of them. Integers wrap around.
template <class T>
class Batch {
 public:
  using value_type = T;
  using register_type = Register<T>;
  static constexpr size_t size = register_bytes / sizeof(T);

  Batch() = default;
  Batch(const register_type& lanes) : lanes_(lanes) {}
  explicit Batch(T value) : lanes_(repeat(value, std::make_index_sequence<size>())) {}

  static Batch load_unaligned(const T* x) {
    Batch y;
    std::memcpy(&y.lanes_, x, register_bytes);
    return y;
  }
  static Batch load_aligned(const T* x) { return *reinterpret_cast<const Aliasing*>(x); }
  void store_unaligned(T* y) const { std::memcpy(y, &lanes_, register_bytes); }
  void store_aligned(T* y) const { *reinterpret_cast<Aliasing*>(y) = lanes_; }

  const register_type& lanes() const { return lanes_; }

  friend Batch operator+(const Batch& a, const Batch& b) { return a.lanes_ + b.lanes_; }
  friend Batch operator-(const Batch& a, const Batch& b) { return a.lanes_ - b.lanes_; }
  friend Batch operator*(const Batch& a, const Batch& b) { return a.lanes_ * b.lanes_; }
  friend Batch operator/(const Batch& a, const Batch& b) { return a.lanes_ / b.lanes_; }
  friend Batch operator-(const Batch& a) { return -a.lanes_; }  // -0 for 0
  Batch& operator+=(const Batch& b) { return *this = *this + b; }
  Batch& operator-=(const Batch& b) { return *this = *this - b; }

  friend Batch operator&(const Batch& a, const Batch& b) { return a.lanes_ & b.lanes_; }
  friend Batch operator|(const Batch& a, const Batch& b) { return a.lanes_ | b.lanes_; }
  friend Batch operator^(const Batch& a, const Batch& b) { return a.lanes_ ^ b.lanes_; }
  friend Batch operator<<(const Batch& a, int bits) { return a.lanes_ << bits; }
  friend Batch operator>>(const Batch& a, int bits) { return a.lanes_ >> bits; }

  /// As in IEEE 754: with NaN, only != is true. With g++, quiet NaNs raise no exception.
  friend Mask<T> operator==(const Batch& a, const Batch& b) { return Mask<T>::equal(a, b); }
  friend Mask<T> operator!=(const Batch& a, const Batch& b) { return !Mask<T>::equal(a, b); }
  friend Mask<T> operator<(const Batch& a, const Batch& b) { return Mask<T>::less(a, b); }
  friend Mask<T> operator<=(const Batch& a, const Batch& b) { return Mask<T>::less_equal(a, b); }
  friend Mask<T> operator>(const Batch& a, const Batch& b) { return Mask<T>::less(b, a); }
  friend Mask<T> operator>=(const Batch& a, const Batch& b) { return Mask<T>::less_equal(b, a); }

 private:
  using Aliasing [[gnu::may_alias]] = register_type;

  template <size_t... i>
  static register_type repeat(T value, std::index_sequence<i...>) {
    return register_type{(static_cast<void>(i), value)...};
  }

  register_type lanes_;
};

template <class T>
inline constexpr int64_t batch_size = static_cast<int64_t>(Batch<T>::size);

/// The same bits as lanes of another type of the same width.
template <class To, class From>
Batch<To> bit_cast(const Batch<From>& x) {
  static_assert(sizeof(To) == sizeof(From));
  return reinterpret_cast<Register<To>>(x.lanes());
}

/// f(x[i]...) for each lane i, for what has no instruction.
template <class T, class F, class... X>
Batch<T> by_lane(const F& f, const Batch<X>&... x) {
  Register<T> y;
  for (size_t i = 0; i < Batch<T>::size; ++i) y[i] = f(x.lanes()[i]...);
  return y;
}

/// A truth value for each lane of a Batch<T>, T = float or double.
template <class T>
class Mask {
  static constexpr bool single = std::is_same_v<T, float>;

 public:
#ifdef __AVX512F__
  using Bits = std::conditional_t<single, __mmask16, __mmask8>;

  static Mask equal(const Batch<T>& a, const Batch<T>& b) { return compare<_CMP_EQ_OQ>(a, b); }
  static Mask less(const Batch<T>& a, const Batch<T>& b) { return compare<_CMP_LT_OQ>(a, b); }
  static Mask less_equal(const Batch<T>& a, const Batch<T>& b) { return compare<_CMP_LE_OQ>(a, b); }

  Batch<T> choose(const Batch<T>& a, const Batch<T>& b) const {
    if constexpr (single)
      return _mm512_mask_blend_ps(bits_, b.lanes(), a.lanes());
    else
      return _mm512_mask_blend_pd(bits_, b.lanes(), a.lanes());
  }
  bool any() const { return bits_ != 0; }
  bool all() const { return bits_ == static_cast<Bits>(~Bits{0}); }
#else
  using Bits = Register<SignedBits<T>>;  // 0 or -1

  static Mask equal(const Batch<T>& a, const Batch<T>& b) { return Mask(a.lanes() == b.lanes()); }
#ifdef __AVX__
  static Mask less(const Batch<T>& a, const Batch<T>& b) { return compare<_CMP_LT_OQ>(a, b); }
  static Mask less_equal(const Batch<T>& a, const Batch<T>& b) { return compare<_CMP_LE_OQ>(a, b); }
#else
  // SSE has no such comparison that is quiet for NaN: compare zeros there.
  static Mask less(const Batch<T>& a, const Batch<T>& b) {
    const Mask m = ordered(a, b);
    return Mask((m.kept(a) < m.kept(b)) & m.bits_);
  }
  static Mask less_equal(const Batch<T>& a, const Batch<T>& b) {
    const Mask m = ordered(a, b);
    return Mask((m.kept(a) <= m.kept(b)) & m.bits_);
  }
#endif

  Batch<T> choose(const Batch<T>& a, const Batch<T>& b) const {
#ifdef __AVX__
    if constexpr (single)
      return _mm256_blendv_ps(b.lanes(), a.lanes(), reinterpret_cast<__m256>(bits_));
    else
      return _mm256_blendv_pd(b.lanes(), a.lanes(), reinterpret_cast<__m256d>(bits_));
#else
    using Lanes = Batch<SignedBits<T>>;
    const Lanes bits(bits_);
    return bit_cast<T>((bits & bit_cast<SignedBits<T>>(a)) |
                       (Lanes(~bits_) & bit_cast<SignedBits<T>>(b)));
#endif
  }
  bool any() const { return signs() != 0; }
  bool all() const { return signs() == (1U << Batch<T>::size) - 1; }
#endif

  friend Mask operator&(const Mask& a, const Mask& b) { return Mask(a.bits_ & b.bits_); }
  friend Mask operator|(const Mask& a, const Mask& b) { return Mask(a.bits_ | b.bits_); }
  friend Mask operator!(const Mask& a) { return Mask(~a.bits_); }

 private:
#ifdef __AVX512F__
  explicit Mask(int bits) : bits_(static_cast<Bits>(bits)) {}

  template <int predicate>
  static Mask compare(const Batch<T>& a, const Batch<T>& b) {
    if constexpr (single)
      return Mask(_mm512_cmp_ps_mask(a.lanes(), b.lanes(), predicate));
    else
      return Mask(_mm512_cmp_pd_mask(a.lanes(), b.lanes(), predicate));
  }
#else
  explicit Mask(const Bits& bits) : bits_(bits) {}

#ifdef __AVX__
  template <int predicate>
  static Mask compare(const Batch<T>& a, const Batch<T>& b) {
    if constexpr (single)
      return Mask(reinterpret_cast<Bits>(_mm256_cmp_ps(a.lanes(), b.lanes(), predicate)));
    else
      return Mask(reinterpret_cast<Bits>(_mm256_cmp_pd(a.lanes(), b.lanes(), predicate)));
  }
#else
  static Mask ordered(const Batch<T>& a, const Batch<T>& b) { return equal(a, a) & equal(b, b); }
  Register<T> kept(const Batch<T>& x) const {
    return reinterpret_cast<Register<T>>(reinterpret_cast<Bits>(x.lanes()) & bits_);
  }
#endif

  /// The sign of lane i as bit i.
  unsigned signs() const {
#if defined(__AVX__)
    if constexpr (single)
      return static_cast<unsigned>(_mm256_movemask_ps(reinterpret_cast<__m256>(bits_)));
    else
      return static_cast<unsigned>(_mm256_movemask_pd(reinterpret_cast<__m256d>(bits_)));
#elif defined(__SSE2__)
    if constexpr (single)
      return static_cast<unsigned>(_mm_movemask_ps(reinterpret_cast<__m128>(bits_)));
    else
      return static_cast<unsigned>(_mm_movemask_pd(reinterpret_cast<__m128d>(bits_)));
#else
    unsigned signs = 0;
    for (size_t i = 0; i < Batch<T>::size; ++i) signs |= unsigned{bits_[i] < 0} << i;
    return signs;
#endif
  }
#endif

  Bits bits_;
};

/// a where the mask is true, else b; the value that is not selected has no effect.
template <class T>
Batch<T> select(const Mask<T>& m, const Batch<T>& a, const Batch<T>& b) {
  return m.choose(a, b);
}
template <class T>
bool any(const Mask<T>& m) {
  return m.any();
}
template <class T>
bool all(const Mask<T>& m) {
  return m.all();
}

template <class T>
Mask<T> is_nan(const Batch<T>& x) {
  return x != x;
}

/// x with the sign bit cleared.
template <class T>
Batch<T> abs(const Batch<T>& x) {
  using U = UnsignedBits<T>;
  return bit_cast<T>(bit_cast<U>(x) & Batch<U>(std::numeric_limits<U>::max() >> 1));
}

/// |x| with the sign bit of `sign`.
template <class T>
Batch<T> copysign(const Batch<T>& x, const Batch<T>& sign) {
  using U = UnsignedBits<T>;
  const Batch<U> sign_bit(~(std::numeric_limits<U>::max() >> 1));
  return bit_cast<T>(bit_cast<U>(abs(x)) | (bit_cast<U>(sign) & sign_bit));
}

/// a b + c, rounded once.
template <class T>
Batch<T> fma(const Batch<T>& a, const Batch<T>& b, const Batch<T>& c) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_fmadd_ps(a.lanes(), b.lanes(), c.lanes());
  else
    return _mm512_fmadd_pd(a.lanes(), b.lanes(), c.lanes());
#elif defined(__FMA__) && defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    return _mm256_fmadd_ps(a.lanes(), b.lanes(), c.lanes());
  else
    return _mm256_fmadd_pd(a.lanes(), b.lanes(), c.lanes());
#else
  return by_lane<T>([](T x, T y, T z) { return std::fma(x, y, z); }, a, b, c);
#endif
}
/// a b + c, rounded once where that costs nothing.
template <class T>
Batch<T> multiply_add(const Batch<T>& a, const Batch<T>& b, const Batch<T>& c) {
#ifdef __FMA__
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

/// a b - c, rounded once.
template <class T>
Batch<T> fms(const Batch<T>& a, const Batch<T>& b, const Batch<T>& c) {
  return fma(a, b, -c);
}

/// c - a b, rounded once.
template <class T>
Batch<T> fnma(const Batch<T>& a, const Batch<T>& b, const Batch<T>& c) {
  return fma(-a, b, c);
}

/// a where a < b, else b: b if either is NaN or they are equal (as zeros of opposite sign are). NaN
/// raises FE_INVALID.
template <class T>
Batch<T> min(const Batch<T>& a, const Batch<T>& b) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_min_ps(a.lanes(), b.lanes());
  else
    return _mm512_min_pd(a.lanes(), b.lanes());
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    return _mm256_min_ps(a.lanes(), b.lanes());
  else
    return _mm256_min_pd(a.lanes(), b.lanes());
#elif defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>)
    return _mm_min_ps(a.lanes(), b.lanes());
  else
    return _mm_min_pd(a.lanes(), b.lanes());
#else
  return select(a < b, a, b);
#endif
}

/// a where a > b, else b: b if either is NaN or they are equal. NaN raises FE_INVALID.
template <class T>
Batch<T> max(const Batch<T>& a, const Batch<T>& b) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_max_ps(a.lanes(), b.lanes());
  else
    return _mm512_max_pd(a.lanes(), b.lanes());
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    return _mm256_max_ps(a.lanes(), b.lanes());
  else
    return _mm256_max_pd(a.lanes(), b.lanes());
#elif defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>)
    return _mm_max_ps(a.lanes(), b.lanes());
  else
    return _mm_max_pd(a.lanes(), b.lanes());
#else
  return select(a > b, a, b);
#endif
}

template <class T>
Batch<T> sqrt(const Batch<T>& x) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_sqrt_ps(x.lanes());
  else
    return _mm512_sqrt_pd(x.lanes());
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    return _mm256_sqrt_ps(x.lanes());
  else
    return _mm256_sqrt_pd(x.lanes());
#elif defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>)
    return _mm_sqrt_ps(x.lanes());
  else
    return _mm_sqrt_pd(x.lanes());
#else
  return by_lane<T>([](T v) { return std::sqrt(v); }, x);
#endif
}

enum class Rounding { nearest_even = 0, down = 1, up = 2, toward_zero = 3 };  // as in SSE4.1

/// Rounds to a whole number; the sign of zero and values that are not finite are kept.
template <Rounding mode, class T>
Batch<T> round_to(const Batch<T>& x) {
#ifdef __SSE4_1__
  constexpr int control = static_cast<int>(mode) | _MM_FROUND_NO_EXC;
#endif
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    return _mm512_roundscale_ps(x.lanes(), control);
  else
    return _mm512_roundscale_pd(x.lanes(), control);
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    return _mm256_round_ps(x.lanes(), control);
  else
    return _mm256_round_pd(x.lanes(), control);
#elif defined(__SSE4_1__)
  if constexpr (std::is_same_v<T, float>)
    return _mm_round_ps(x.lanes(), control);
  else
    return _mm_round_pd(x.lanes(), control);
#else
  if constexpr (mode == Rounding::down)
    return by_lane<T>([](T v) { return std::floor(v); }, x);
  else if constexpr (mode == Rounding::up)
    return by_lane<T>([](T v) { return std::ceil(v); }, x);
  else if constexpr (mode == Rounding::toward_zero)
    return by_lane<T>([](T v) { return std::trunc(v); }, x);
  else
    return by_lane<T>([](T v) { return std::nearbyint(v); }, x);
#endif
}

template <class T>
Batch<T> floor(const Batch<T>& x) {
  return round_to<Rounding::down>(x);
}
template <class T>
Batch<T> ceil(const Batch<T>& x) {
  return round_to<Rounding::up>(x);
}
template <class T>
Batch<T> trunc(const Batch<T>& x) {
  return round_to<Rounding::toward_zero>(x);
}
/// Rounds to the nearest whole number, ties to even.
template <class T>
Batch<T> round_even(const Batch<T>& x) {
  return round_to<Rounding::nearest_even>(x);
}

#if defined(__AVX__) && !defined(__AVX512F__)
/// All ones in the first n lanes; the lanes are as wide as T.
template <class T>
__m256i first_lanes(int64_t n) {
  using Int = SignedBits<T>;
  static constexpr Int lanes[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lanes + 8 - n));
}
#endif

/// The first n < batch_size<T> elements at x; `rest` in the other lanes.
template <class T>
Batch<T> load_partial(const T* x, int64_t n, T rest = T{0}) {
  const Batch<T> others(rest);
#if defined(__AVX512F__)
  const unsigned mask = (1U << static_cast<unsigned>(n)) - 1U;
  if constexpr (std::is_same_v<T, float>)
    return _mm512_mask_loadu_ps(others.lanes(), static_cast<__mmask16>(mask), x);
  else
    return _mm512_mask_loadu_pd(others.lanes(), static_cast<__mmask8>(mask), x);
#elif defined(__AVX__)
  const __m256i mask = first_lanes<T>(n);
  if constexpr (std::is_same_v<T, float>)
    return _mm256_blendv_ps(others.lanes(), _mm256_maskload_ps(x, mask), _mm256_castsi256_ps(mask));
  else
    return _mm256_blendv_pd(others.lanes(), _mm256_maskload_pd(x, mask), _mm256_castsi256_pd(mask));
#else
  Register<T> y = others.lanes();
  std::memcpy(&y, x, static_cast<size_t>(n) * sizeof(T));
  return y;
#endif
}

/// Writes the first n < batch_size<T> lanes.
template <class T>
void store_partial(T* y, int64_t n, const Batch<T>& value) {
#if defined(__AVX512F__)
  const unsigned mask = (1U << static_cast<unsigned>(n)) - 1U;
  if constexpr (std::is_same_v<T, float>)
    _mm512_mask_storeu_ps(y, static_cast<__mmask16>(mask), value.lanes());
  else
    _mm512_mask_storeu_pd(y, static_cast<__mmask8>(mask), value.lanes());
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    _mm256_maskstore_ps(y, first_lanes<T>(n), value.lanes());
  else
    _mm256_maskstore_pd(y, first_lanes<T>(n), value.lanes());
#else
  std::memcpy(y, &value.lanes(), static_cast<size_t>(n) * sizeof(T));
#endif
}

/// Writes to an aligned address, past the caches.
template <class T>
void store_past_caches(T* y, const Batch<T>& value) {
#if defined(__AVX512F__)
  if constexpr (std::is_same_v<T, float>)
    _mm512_stream_ps(y, value.lanes());
  else
    _mm512_stream_pd(y, value.lanes());
#elif defined(__AVX__)
  if constexpr (std::is_same_v<T, float>)
    _mm256_stream_ps(y, value.lanes());
  else
    _mm256_stream_pd(y, value.lanes());
#elif defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>)
    _mm_stream_ps(y, value.lanes());
  else
    _mm_stream_pd(y, value.lanes());
#else
  value.store_aligned(y);
#endif
}

/// After this, other threads can read what store_past_caches() wrote.
inline void finish_past_caches() {
#ifdef __SSE2__
  _mm_sfence();
#endif
}

/// The next batch_size<double> elements at x, converted exactly.
inline Batch<double> load_as_double(const float* x) {
#if defined(__AVX512F__)
  return _mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif defined(__AVX__)
  return _mm256_cvtps_pd(_mm_loadu_ps(x));
#else
  using In [[gnu::vector_size(sizeof(float) * Batch<double>::size)]] = float;
  In values;
  std::memcpy(&values, x, sizeof values);
  return __builtin_convertvector(values, Register<double>);
#endif
}

template <class Wide, class T>
Batch<Wide> load_as(const T* x) {
  if constexpr (std::is_same_v<Wide, T>)
    return Batch<Wide>::load_unaligned(x);
  else
    return load_as_double(x);
}

/// f(x...) in double precision, rounded once: f takes and returns batches of doubles.
template <class F, class... X>
Batch<float> in_double(const F& f, const X&... x) {
  constexpr size_t half = Batch<double>::size;
  using Half [[gnu::vector_size(half * sizeof(float))]] = float;
  return [&]<size_t... i>(std::index_sequence<i...>) {
    const auto lower = [](const Batch<float>& from) -> Batch<double> {
      const Half part = __builtin_shufflevector(from.lanes(), from.lanes(), i...);
      return __builtin_convertvector(part, Register<double>);
    };
    const auto upper = [](const Batch<float>& from) -> Batch<double> {
      const Half part = __builtin_shufflevector(from.lanes(), from.lanes(), (i + half)...);
      return __builtin_convertvector(part, Register<double>);
    };
    const auto rounded = [](const Batch<double>& from) {
      return __builtin_convertvector(from.lanes(), Half);
    };
    const Half low = rounded(f(lower(x)...)), high = rounded(f(upper(x)...));
    return Batch<float>(__builtin_shufflevector(low, high, i..., (i + half)...));
  }
  (std::make_index_sequence<half>());
}

/// All lanes combined by `op` on batches, in a fixed tree.
template <class T, class Op, size_t half = Batch<T>::size / 2>
T reduce_lanes(const Batch<T>& x, const Op& op) {
  if constexpr (half == 0) {
    return x.lanes()[0];
  } else {
    // In registers: through memory, it would wait for each store.
    const Batch<T> rotated = [&]<size_t... i>(std::index_sequence<i...>) {
      return __builtin_shufflevector(x.lanes(), x.lanes(), ((i + half) % sizeof...(i))...);
    }
    (std::make_index_sequence<Batch<T>::size>());
    return reduce_lanes<T, Op, half / 2>(op(x, rotated), op);
  }
}

template <class T>
T reduce_add(const Batch<T>& x) {
  return reduce_lanes(x, [](const Batch<T>& a, const Batch<T>& b) { return a + b; });
}

/// For lanes without NaN.
template <class T>
T reduce_max(const Batch<T>& x) {
  return reduce_lanes(x, [](const Batch<T>& a, const Batch<T>& b) { return max(a, b); });
}

/// For lanes without NaN.
template <class T>
T reduce_min(const Batch<T>& x) {
  return reduce_lanes(x, [](const Batch<T>& a, const Batch<T>& b) { return min(a, b); });
}

}  // namespace gradus::detail
