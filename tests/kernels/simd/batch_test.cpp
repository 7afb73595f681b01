// Each primitive of kernels beside scalar code, lane by lane: on special values in every
// combination and on random bits. A surprise of an instruction set or a compiler is one failing
// line here.
#include <gradus/framework/kernels/simd/special.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <iomanip>
#include <string>
#include <vector>

namespace gradus::detail {
namespace {

template <class T>
std::vector<T> special_values() {
  using Limits = std::numeric_limits<T>;
  const T whole = std::ldexp(T{1}, Limits::digits - 1);  // from here on all numbers are
  std::vector<T> values = {T{0},
                           Limits::denorm_min(),
                           Limits::min(),
                           Limits::min() / 2,
                           Limits::epsilon(),
                           1 - Limits::epsilon() / 2,
                           T{1},
                           1 + Limits::epsilon(),
                           T{0.5},
                           T{1.5},
                           T{2.5},
                           T{3},
                           T{0.1F},
                           whole / 2 + T{0.5},
                           whole - T{0.5},
                           whole,
                           whole + 1,
                           std::sqrt(Limits::max()),
                           Limits::max(),
                           Limits::infinity(),
                           Limits::quiet_NaN()};
  for (size_t i = 0, n = values.size(); i < n; ++i) values.push_back(-values[i]);
  return values;
}

/// Of any exponent, NaNs among them; every third near 1.
template <class T>
std::vector<T> random_bits(size_t n, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::vector<T> values(n);
  for (size_t i = 0; i < n; ++i) {
    values[i] = std::bit_cast<T>(static_cast<UnsignedBits<T>>(engine()));
    if (i % 3 == 0) values[i] = static_cast<T>(static_cast<double>(engine() >> 11) * 0x1p-52) - 1;
  }
  return values;
}

template <class T>
bool same(T a, T b) {
  return (std::isnan(a) && std::isnan(b)) || kernels::same_bits(a, b);
}

template <class T>
struct Inputs {
  std::vector<T> a, b, c;
};

/// Special values in every combination, then 10^5 random ones, up to a whole number of batches.
template <class T>
const Inputs<T>& inputs() {
  static const Inputs<T> all = [] {
    Inputs<T> in;
    for (const T a : special_values<T>()) {
      for (const T b : special_values<T>()) {
        for (const T c : special_values<T>()) {
          in.a.push_back(a), in.b.push_back(b), in.c.push_back(c);
        }
      }
    }
    const size_t n = 100000 + 64 - in.a.size() % 64;
    const auto append = [n](std::vector<T>& to, unsigned seed) {
      const std::vector<T> more = random_bits<T>(n, seed);
      to.insert(to.end(), more.begin(), more.end());
    };
    append(in.a, 1), append(in.b, 2), append(in.c, 3);
    return in;
  }();
  return all;
}

template <class T>
std::vector<T> lanes_of(const Batch<T>& x) {
  std::vector<T> lanes(Batch<T>::size);
  x.store_unaligned(lanes.data());
  return lanes;
}

template <class T>
std::vector<bool> lanes_of(const Mask<T>& m) {
  const std::vector<T> ones = lanes_of(select(m, Batch<T>(T{1}), Batch<T>(T{0})));
  return {ones.begin(), ones.end()};
}

/// f on batches of a, b, c gives what `scalar` gives for each lane.
template <class T, class F, class Scalar>
void expect_same(const std::string& name, const F& f, const Scalar& scalar) {
  const Inputs<T>& in = inputs<T>();
  for (size_t i = 0; i + Batch<T>::size <= in.a.size(); i += Batch<T>::size) {
    const auto load = [i](const std::vector<T>& x) {
      return Batch<T>::load_unaligned(x.data() + i);
    };
    const auto lanes = lanes_of(f(load(in.a), load(in.b), load(in.c)));
    for (size_t k = 0; k < Batch<T>::size; ++k) {
      const T a = in.a[i + k], b = in.b[i + k], c = in.c[i + k];
      const auto expected = scalar(a, b, c);
      ASSERT_TRUE(same<std::decay_t<decltype(expected)>>(lanes[k], expected))
          << std::hexfloat << name << " of " << a << ", " << b << ", " << c << " is " << lanes[k]
          << " where scalar code gives " << expected;
    }
  }
}

template <class T>
class SimdBatch : public ::testing::Test {
 protected:
  using B = Batch<T>;
};
using FloatTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(SimdBatch, FloatTypes);

#define GRADUS_EXPECT_SAME(expression, scalar)                                   \
  expect_same<T>(                                                                \
      #expression,                                                               \
      []([[maybe_unused]] const Batch<T>& a, [[maybe_unused]] const Batch<T>& b, \
         [[maybe_unused]] const Batch<T>& c) { return expression; },             \
      []([[maybe_unused]] T a, [[maybe_unused]] T b, [[maybe_unused]] T c) { return scalar; })

TYPED_TEST(SimdBatch, ArithmeticIsThatOfNumbers) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME(a + b, a + b);
  GRADUS_EXPECT_SAME(a - b, a - b);
  GRADUS_EXPECT_SAME(a * b, a * b);
  GRADUS_EXPECT_SAME(a / b, a / b);
  GRADUS_EXPECT_SAME(-a, -a);
  GRADUS_EXPECT_SAME(sqrt(a), std::sqrt(a));
}

TYPED_TEST(SimdBatch, FusedMultiplyAddRoundsOnce) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME(fma(a, b, c), std::fma(a, b, c));
  GRADUS_EXPECT_SAME(fms(a, b, c), std::fma(a, b, -c));
  GRADUS_EXPECT_SAME(fnma(a, b, c), std::fma(-a, b, c));
  GRADUS_EXPECT_SAME(fms(a, b, a * b), std::fma(a, b, -(a * b)));  // what rounding cost
}

TYPED_TEST(SimdBatch, ComparesAsIeee754) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME(a == b, a == b);
  GRADUS_EXPECT_SAME(a != b, a != b);
  GRADUS_EXPECT_SAME(a < b, a < b);
  GRADUS_EXPECT_SAME(a <= b, a <= b);
  GRADUS_EXPECT_SAME(a > b, a > b);
  GRADUS_EXPECT_SAME(a >= b, a >= b);
  GRADUS_EXPECT_SAME(is_nan(a), std::isnan(a));
}

TYPED_TEST(SimdBatch, MasksCombine) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME((a < b) & (b < c), a < b && b < c);
  GRADUS_EXPECT_SAME((a < b) | (b < c), a < b || b < c);
  GRADUS_EXPECT_SAME(!(a < b), !(a < b));
}

TYPED_TEST(SimdBatch, MinAndMaxGiveTheSecondUnlessTheFirstIsBetter) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME(min(a, b), a < b ? a : b);
  GRADUS_EXPECT_SAME(max(a, b), a > b ? a : b);
  GRADUS_EXPECT_SAME(select(a < b, b, c), a < b ? b : c);
}

TYPED_TEST(SimdBatch, SignsAreBits) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME(abs(a), std::fabs(a));
  GRADUS_EXPECT_SAME(copysign(a, b), std::copysign(a, b));
}

TYPED_TEST(SimdBatch, SignsOfNansAreBitsToo) {
  using T = TypeParam;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  EXPECT_TRUE(std::signbit(lanes_of(-Batch<T>(nan))[0]));
  EXPECT_FALSE(std::signbit(lanes_of(abs(Batch<T>(-nan)))[0]));
  EXPECT_TRUE(std::signbit(lanes_of(copysign(Batch<T>(nan), Batch<T>(T{-1})))[0]));
}

TYPED_TEST(SimdBatch, RoundsToWholeNumbersAndKeepsTheSignOfZero) {
  using T = TypeParam;
  GRADUS_EXPECT_SAME(floor(a), std::floor(a));
  GRADUS_EXPECT_SAME(ceil(a), std::ceil(a));
  GRADUS_EXPECT_SAME(trunc(a), std::trunc(a));
  GRADUS_EXPECT_SAME(round_even(a), std::nearbyint(a));
}

TYPED_TEST(SimdBatch, IntegersWrapAroundAndShiftWithoutSign) {
  using T = TypeParam;
  using U = UnsignedBits<T>;
  const auto scalar = [](T a, T b, auto f) {
    return std::bit_cast<T>(static_cast<U>(f(std::bit_cast<U>(a), std::bit_cast<U>(b))));
  };
#define GRADUS_EXPECT_SAME_BITS(expression)                                                    \
  expect_same<T>(                                                                              \
      #expression,                                                                             \
      [](const Batch<T>& a_float, const Batch<T>& b_float, const Batch<T>&) {                  \
        const Batch<U> a = bit_cast<U>(a_float);                                               \
        [[maybe_unused]] const Batch<U> b = bit_cast<U>(b_float);                              \
        return bit_cast<T>(expression);                                                        \
      },                                                                                       \
      [&](T a_float, T b_float, T) {                                                           \
        return scalar(a_float, b_float, [](U a, [[maybe_unused]] U b) { return expression; }); \
      })
  GRADUS_EXPECT_SAME_BITS(a + b);
  GRADUS_EXPECT_SAME_BITS(a & b);
  GRADUS_EXPECT_SAME_BITS(a | b);
  GRADUS_EXPECT_SAME_BITS(a ^ b);
  GRADUS_EXPECT_SAME_BITS(a << 5);
  GRADUS_EXPECT_SAME_BITS(a >> 7);
#undef GRADUS_EXPECT_SAME_BITS
}

TYPED_TEST(SimdBatch, ScalesByPowersOfTwo) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  for (int n = Limits::min_exponent - Limits::digits - 1; n <= Limits::max_exponent; ++n) {
    // Values of few bits: what is subnormal may be rounded twice without AVX-512.
    for (const T x : {T{1}, T{-1.5}, T{0}, T{-0.0}}) {
      const T y = lanes_of(scale_exp2<T>(Batch<T>(x), Batch<T>(static_cast<T>(n))))[0];
      if (std::fabs(std::ldexp(x, n)) >= Limits::min() || x == 0) {
        EXPECT_TRUE(same(y, std::ldexp(x, n))) << x << " 2^" << n << " is " << y;
      } else {
        EXPECT_NEAR(y, std::ldexp(x, n), Limits::denorm_min()) << x << " 2^" << n;
      }
    }
  }
}

TYPED_TEST(SimdBatch, AnyAndAllLookAtEachLane) {
  using T = TypeParam;
  const Batch<T> zero(T{0});
  for (size_t lane = 0; lane < Batch<T>::size; ++lane) {
    std::vector<T> values(Batch<T>::size, T{0});
    values[lane] = T{1};
    const Batch<T> one = Batch<T>::load_unaligned(values.data());
    EXPECT_TRUE(any(one != zero)) << lane;
    EXPECT_FALSE(all(one == zero)) << lane;
    EXPECT_FALSE(all(one != zero) && Batch<T>::size > 1) << lane;
  }
  EXPECT_FALSE(any(zero != zero));
  EXPECT_TRUE(all(zero == zero));
}

TYPED_TEST(SimdBatch, LoadsAndStoresPartsAndNoMore) {
  using T = TypeParam;
  const std::vector<T> from = kernels::random_values<T>(64, T{-1}, T{1});
  for (int64_t n = 0; n < batch_size<T>; ++n) {
    // At the end of its block: what is read or written beyond it is a fault under ASan.
    const std::vector<T> block(from.end() - n, from.end());
    const std::vector<T> lanes = lanes_of(load_partial(block.data(), n, T{7}));
    for (int64_t i = 0; i < batch_size<T>; ++i) {
      EXPECT_EQ(lanes[kernels::at(i)], i < n ? block[kernels::at(i)] : T{7}) << n << ", " << i;
    }
    std::vector<T> to(static_cast<size_t>(batch_size<T> + 1), T{5});
    store_partial(to.data() + 1, n, Batch<T>::load_unaligned(from.data()));
    EXPECT_EQ(to[0], T{5});
    for (int64_t i = 0; i < batch_size<T>; ++i) {
      EXPECT_EQ(to[kernels::at(i + 1)], i < n ? from[kernels::at(i)] : T{5}) << n << ", " << i;
    }
  }
}

TYPED_TEST(SimdBatch, LoadsAndStoresWholeBatches) {
  using T = TypeParam;
  const std::vector<T>& a = inputs<T>().a;
  alignas(64) T aligned[Batch<T>::size];
  for (size_t i = 0; i < 4 * Batch<T>::size; ++i) {
    const Batch<T> x = Batch<T>::load_unaligned(a.data() + i);
    const std::vector<T> expected(a.begin() + static_cast<int64_t>(i),
                                  a.begin() + static_cast<int64_t>(i + Batch<T>::size));
    EXPECT_TRUE(kernels::same_bits(lanes_of(x), expected));
    x.store_aligned(aligned);
    EXPECT_TRUE(kernels::same_bits(lanes_of(Batch<T>::load_aligned(aligned)), expected));
    store_past_caches(aligned, -x);
    finish_past_caches();
    EXPECT_TRUE(kernels::same_bits(lanes_of(Batch<T>::load_aligned(aligned)), lanes_of(-x)));
  }
  for (const T value : special_values<T>()) {
    EXPECT_TRUE(
        kernels::same_bits(lanes_of(Batch<T>(value)), std::vector<T>(Batch<T>::size, value)));
  }
}

TYPED_TEST(SimdBatch, ReducesEveryLane) {
  using T = TypeParam;
  for (size_t lane = 0; lane < Batch<T>::size; ++lane) {
    std::vector<T> values(Batch<T>::size, T{-2});
    values[lane] = T{3};
    const Batch<T> x = Batch<T>::load_unaligned(values.data());
    EXPECT_EQ(reduce_add(x), T{3} - 2 * static_cast<T>(Batch<T>::size - 1));
    EXPECT_EQ(reduce_max(x), T{3});
    EXPECT_EQ(reduce_min(-x), T{-3});
  }
}

TEST(SimdBatchWidening, FloatsBecomeDoublesExactly) {
  const std::vector<float>& a = inputs<float>().a;
  for (size_t i = 0; i + Batch<double>::size <= a.size(); i += Batch<double>::size) {
    const std::vector<double> lanes = lanes_of(load_as<double>(a.data() + i));
    for (size_t k = 0; k < lanes.size(); ++k) {
      ASSERT_TRUE(same(lanes[k], static_cast<double>(a[i + k]))) << a[i + k];
    }
  }
}

TEST(SimdBatchWidening, InDoubleRoundsOnce) {
  using T = float;
  expect_same<T>(
      "in_double",
      [](const Batch<T>& a, const Batch<T>& b, const Batch<T>&) {
        return in_double([](const auto& x, const auto& y) { return x * y + y; }, a, b);
      },
      [](T a, T b, T) {
        return static_cast<T>(
            std::fma(static_cast<double>(a), static_cast<double>(b), static_cast<double>(b)));
      });
}

TYPED_TEST(SimdBatch, SinesOfTurnsAreWithinTwoUnitsOfOne) {
  using T = TypeParam;
  std::vector<T> turns = kernels::random_values<T>(99968, T{0}, T{1});
  for (int k = 0; k <= 16; ++k) turns.push_back(static_cast<T>(k) / 16);
  turns.resize(turns.size() + 15, T{0});
  const double pi = std::acos(-1.0);
  for (size_t i = 0; i + Batch<T>::size <= turns.size(); i += Batch<T>::size) {
    const SinCosOfTurns<T> y(Batch<T>::load_unaligned(turns.data() + i));
    const std::vector<T> sine = lanes_of(y.sin), cosine = lanes_of(y.cos);
    for (size_t k = 0; k < Batch<T>::size; ++k) {
      const long double angle = 2 * static_cast<long double>(pi) * turns[i + k];
      const double unit = std::numeric_limits<T>::epsilon();
      ASSERT_NEAR(sine[k], static_cast<double>(std::sin(angle)), 2 * unit) << turns[i + k];
      ASSERT_NEAR(cosine[k], static_cast<double>(std::cos(angle)), 2 * unit) << turns[i + k];
    }
  }
}

TYPED_TEST(SimdBatch, QuietNansRaiseNoExceptionInComparisons) {
#ifdef __clang__
  GTEST_SKIP() << "clang takes the comparison that raises, as it assumes that nobody looks";
#endif
  using T = TypeParam;
  const Batch<T> nan(std::numeric_limits<T>::quiet_NaN()), one(T{1});
  std::feclearexcept(FE_ALL_EXCEPT);
  bool found = !all(nan != one);
  for (const Mask<T>&m : {nan<one, one <= nan, nan> one, one >= nan, nan == one}) {
    found |= any(m);
  }
  EXPECT_EQ(std::fetestexcept(FE_INVALID), 0);
  EXPECT_FALSE(found);
}

}  // namespace
}  // namespace gradus::detail
