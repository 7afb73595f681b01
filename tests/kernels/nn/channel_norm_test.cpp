#include <gradus/framework/kernels/nn/channel_norm.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

namespace gradus::kernels {
namespace {

using Real = long double;
template <class T>
using Values = std::vector<T>;

template <class T>
class ChannelNorm : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(ChannelNorm, Floats);

constexpr double eps = 1e-3;

/// A layout and its lengths, if there are any.
struct Problem {
  int64_t B, T, C, groups;
  bool whole_batch;
  Ids lengths = {};

  ChannelLayout layout() const {
    return {B, T, C, groups, whole_batch, lengths.empty() ? nullptr : lengths.data()};
  }
  size_t size() const { return at(B * T * C); }
  bool counts(int64_t b, int64_t t) const { return lengths.empty() || t < lengths[at(b)]; }
  size_t set_of(int64_t b, int64_t c) const {
    return at((whole_batch ? 0 : b) * groups + c / (C / groups));
  }
  /// Calls f(element, set, channel) for the elements that count.
  template <class F>
  void for_each(const F& f) const {
    for (int64_t b = 0; b < B; ++b)
      for (int64_t t = 0; t < T; ++t)
        for (int64_t c = 0; c < C && counts(b, t); ++c)
          f(at((b * T + t) * C + c), set_of(b, c), at(c));
  }
};

/// The definition, in long double.
template <class T>
struct Exact {
  Exact(const Problem& p, const Values<T>& x, const Values<T>& weight, const Values<T>& bias,
        const Values<T>& g)
      : y(p.size()), dx(p.size()), dweight(at(p.C)), dbias(at(p.C)) {
    const size_t sets = at(p.layout().sets());
    const Real first = x[0];  // from which the differences are exact
    Values<Real> count(sets), mean(sets), variance(sets), scale(sets), plain(sets), products(sets);
    p.for_each([&](size_t, size_t s, size_t) { count[s] += 1; });
    p.for_each([&](size_t i, size_t s, size_t) { mean[s] += (x[i] - first) / count[s]; });
    p.for_each([&](size_t i, size_t s, size_t) {
      const Real deviation = (x[i] - first) - mean[s];
      variance[s] += deviation * deviation / count[s];
    });
    for (size_t s = 0; s < sets; ++s) scale[s] = 1 / std::sqrt(variance[s] + eps);
    const auto normal = [&](size_t i, size_t s) { return ((x[i] - first) - mean[s]) * scale[s]; };
    p.for_each([&](size_t i, size_t s, size_t c) {
      y[i] = normal(i, s) * weight[c] + bias[c];
      dweight[c] += g[i] * normal(i, s);
      dbias[c] += g[i];
      plain[s] += static_cast<Real>(g[i]) * weight[c] / count[s];
      products[s] += g[i] * normal(i, s) * weight[c] / count[s];
    });
    p.for_each([&](size_t i, size_t s, size_t c) {
      dx[i] =
          scale[s] * (static_cast<Real>(g[i]) * weight[c] - plain[s] - normal(i, s) * products[s]);
    });
  }
  Values<Real> y, dx, dweight, dbias;
};

/// What the kernels compute.
template <class T>
struct Computed {
  Computed(const Problem& p, const Values<T>& x, const Values<T>& weight, const Values<T>& bias,
           const Values<T>& g)
      : y(p.size(), T(9)), dx(p.size(), T(9)), dweight(at(p.C)), dbias(at(p.C)) {
    const ChannelLayout layout = p.layout();
    moments.resize(at(layout.sets()));
    channel_moments(x.data(), eps, moments.data(), layout);
    channel_normalize(x.data(), weight.data(), bias.data(), moments.data(), y.data(), layout);
    channel_norm_vjp(g.data(), x.data(), weight.data(), moments.data(), true, dx.data(),
                     dweight.data(), dbias.data(), layout);
  }
  Values<T> all() const {
    Values<T> values;
    for (const auto* part : {&y, &dx, &dweight, &dbias})
      values.insert(values.end(), part->begin(), part->end());
    return values;
  }
  Values<T> y, dx, dweight, dbias;
  Values<SetMoments> moments;
};

template <class T>
testing::AssertionResult near(const Values<T>& actual, const Values<Real>& exact, double tolerance,
                              double unit = 1) {
  for (size_t i = 0; i < actual.size(); ++i) {
    const auto error = std::fabs(static_cast<double>(actual[i] - exact[i]));
    if (!(error <= tolerance * (unit + std::fabs(static_cast<double>(exact[i])))))
      return testing::AssertionFailure() << "element " << i << " is " << actual[i] << ", exact "
                                         << static_cast<double>(exact[i]);
  }
  return testing::AssertionSuccess();
}

/// Random inputs, which are `offset` away from 0.
template <class T>
struct Inputs {
  explicit Inputs(const Problem& p, T offset = 0)
      : x(random_values<T>(static_cast<int64_t>(p.size()), T(-3), T(4))),
        g(random_values<T>(static_cast<int64_t>(p.size()), T(-2), T(2), 2)),
        weight(random_values<T>(p.C, T(-2), T(2), 3)),
        bias(random_values<T>(p.C, T(-2), T(2), 4)) {
    for (T& v : x) v += offset;
  }
  Values<T> x, g, weight, bias;
};

template <class T>
void check(const Problem& p, T offset = 0) {
  SCOPED_TRACE(testing::Message() << p.B << " " << p.T << " " << p.C << " / " << p.groups);
  const Inputs<T> in(p, offset);
  const Computed<T> c(p, in.x, in.weight, in.bias, in.g);
  const Exact<T> e(p, in.x, in.weight, in.bias, in.g);
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 2e-14;
  const double rows = 2 * std::sqrt(static_cast<double>(p.B * p.T));
  EXPECT_TRUE(near(c.y, e.y, tolerance));
  EXPECT_TRUE(near(c.dx, e.dx, 4 * tolerance));
  EXPECT_TRUE(near(c.dweight, e.dweight, tolerance, rows));
  EXPECT_TRUE(near(c.dbias, e.dbias, tolerance, rows));
}

Ids lengths_of(int64_t B, int64_t T) {
  Ids lengths;
  for (int64_t b = 0; b < B; ++b) lengths.push_back(b * 5 % (T + 1));
  return lengths;
}

TYPED_TEST(ChannelNorm, AgreesWithTheDefinition) {
  for (const int64_t C : {1, 2, 3, 8, 15, 16, 17, 33, 100}) {
    for (const bool masked : {false, true}) {
      const Ids lengths = masked ? lengths_of(5, 7) : Ids();
      check<TypeParam>({5, 7, C, C, true, lengths});
      check<TypeParam>({5, 7, 2 * C, C, false, lengths});
      check<TypeParam>({5, 7, C, 1, false, lengths});
    }
  }
}

TYPED_TEST(ChannelNorm, AgreesWithTheDefinitionInManyChunks) {
  for (const bool masked : {false, true}) {
    check<TypeParam>({30, 90, 60, 60, true, masked ? lengths_of(30, 90) : Ids()});
    check<TypeParam>({300, 9, 60, 10, false, masked ? lengths_of(300, 9) : Ids()});
    check<TypeParam>({2, 3000, 60, 10, false, masked ? Ids{2999, 1} : Ids()});
  }
  check<TypeParam>({20, 1, 9000, 9000, true});
}

TYPED_TEST(ChannelNorm, KeepsTheDigitsOfValuesFarFromZero) {
  using T = TypeParam;
  for (const T offset : {T(1e4), T(-1e5)}) {
    check<T>({8, 50, 17, 17, true, lengths_of(8, 50)}, offset);
    check<T>({8, 50, 18, 3, false}, offset);
  }
}

TYPED_TEST(ChannelNorm, PaddingAndThreadsChangeNoBit) {
  using T = TypeParam;
  const ThreadsGuard guard;
  for (const bool whole_batch : {true, false}) {
    const int64_t B = 40, C = 48, groups = whole_batch ? C : 6;
    const Problem tight{B, 60, C, groups, whole_batch, lengths_of(B, 60)};
    Problem wide = tight;
    wide.T = 75;
    const Inputs<T> in(tight);
    Inputs<T> padded(wide);
    std::fill(padded.x.begin(), padded.x.end(), nan_value<T>);
    std::fill(padded.g.begin(), padded.g.end(), nan_value<T>);
    padded.weight = in.weight, padded.bias = in.bias;
    Values<size_t> from, to;
    tight.for_each([&](size_t i, size_t, size_t) { from.push_back(i); });
    wide.for_each([&](size_t i, size_t, size_t) { to.push_back(i); });
    for (size_t k = 0; k < from.size(); ++k) {
      padded.x[to[k]] = in.x[from[k]];
      padded.g[to[k]] = in.g[from[k]];
    }
    set_parallel_grain(1);
    const auto runs = [&](const Problem& p, const Inputs<T>& inputs) {
      return with_threads(
          [&] { return Computed<T>(p, inputs.x, inputs.weight, inputs.bias, inputs.g); });
    };
    const auto a = runs(tight, in), b = runs(wide, padded);
    for (const auto& run : a) EXPECT_TRUE(same_bits(run.all(), a[0].all()));
    for (const auto& run : b) EXPECT_TRUE(same_bits(run.all(), b[0].all()));
    EXPECT_TRUE(same_bits(a[0].dweight, b[0].dweight));
    EXPECT_TRUE(same_bits(a[0].dbias, b[0].dbias));
    for (size_t k = 0; k < from.size(); ++k) {
      ASSERT_TRUE(same_bits(a[0].y[from[k]], b[0].y[to[k]]));
      ASSERT_TRUE(same_bits(a[0].dx[from[k]], b[0].dx[to[k]]));
    }
    Values<bool> counts(wide.size());
    for (const size_t i : to) counts[i] = true;
    for (size_t i = 0; i < wide.size(); ++i)
      ASSERT_TRUE(counts[i] || (b[0].y[i] == 0 && b[0].dx[i] == 0)) << i;
  }
}

TYPED_TEST(ChannelNorm, GivesTheMomentsOfEachSet) {
  using T = TypeParam;
  const Ids lengths{2, 0};
  const Values<T> x{1, 10, 5, 20, 7, 8, 9, 9, 9, 9, 9, 9};  // [2, 3, 2]
  SetMoments m[4];
  channel_moments(x.data(), 0, m, {2, 3, 2, 2, true, lengths.data()});
  EXPECT_EQ(m[0].mean + m[0].rest, 3);
  EXPECT_EQ(m[0].variance, 4);
  EXPECT_EQ(m[0].scale, 0.5);
  EXPECT_EQ(m[1].mean + m[1].rest, 15);
  EXPECT_EQ(m[1].variance, 25);
  channel_moments(x.data(), 0, m, {2, 3, 2, 1, false, lengths.data()});
  EXPECT_EQ(m[0].mean + m[0].rest, 9);
  EXPECT_EQ(m[0].variance, (64 + 1 + 16 + 121) / 4.0);
  EXPECT_EQ(m[1].scale, 0);
  EXPECT_EQ(scale_of(0, 0), 0);
  EXPECT_TRUE(std::isnan(scale_of(-1, 0)));
}

TYPED_TEST(ChannelNorm, OfNothing) {
  using T = TypeParam;
  T sums[4] = {9, 9, 9, 9};
  SetMoments m[2];
  channel_norm_vjp<T>(nullptr, nullptr, nullptr, m, true, nullptr, sums, sums + 2,
                      {0, 5, 2, 2, true, nullptr});
  for (const T sum : sums) EXPECT_EQ(sum, T(0));
  channel_moments<T>(nullptr, 1, m, {3, 2, 0, 1, true, nullptr});
  channel_normalize<T>(nullptr, nullptr, nullptr, m, nullptr, {3, 2, 0, 1, true, nullptr});
}

}  // namespace
}  // namespace gradus::kernels
