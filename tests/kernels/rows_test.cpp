#include <gradus/framework/kernels/rows.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <set>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

Ids random_ids(int64_t n, int64_t V, unsigned seed = 1) {
  std::mt19937_64 engine(seed);
  // Squared, so that low ids repeat.
  std::uniform_real_distribution<double> unit(0, 1);
  Ids ids(at(n));
  for (int64_t& id : ids) {
    const double u = unit(engine);
    id = std::min(V - 1, static_cast<int64_t>(u * u * static_cast<double>(V)));
  }
  return ids;
}

/// f() at 1, 2, 3 and 8 threads and at two grains gives one result.
template <class F>
void expect_same_bits_for_any_threads(F&& f) {
  const ThreadsGuard guard;
  set_num_threads(1);
  const auto expected = f();
  for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain}) {
    set_parallel_grain(grain);
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_TRUE(same_bits(f(), expected)) << threads << " threads, grain " << grain;
    }
  }
}

struct Case {
  int64_t n, V, D;
};

const Case cases[] = {{0, 5, 3},    {1, 1, 1},        {1, 7, 0},    {7, 3, 1},
                      {100, 10, 3}, {33, 50, 17},     {64, 9, 130}, {1000, 200, 5},
                      {5, 4, 2500}, {2000, 300, 128}, {500, 1, 40}, {4096, 64, 16}};

template <class T>
void expect_gathers(const Case& c) {
  std::vector<T> table(at(c.V * c.D));
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<T>(i * 7 % 251);
  const Ids ids = random_ids(c.n, c.V);
  std::vector<T> out(at(c.n * c.D) + 1, T{1});
  gather_rows(table.data(), ids.data(), c.n, c.D, out.data());
  for (int64_t k = 0; k < c.n; ++k) {
    for (int64_t d = 0; d < c.D; ++d) {
      ASSERT_EQ(out[at(k * c.D + d)], table[at(ids[at(k)] * c.D + d)]) << k << " " << d;
    }
  }
  EXPECT_EQ(out.back(), T{1});  // nothing is written behind the end
}

TEST(GatherRows, CopiesTheRowOfEveryId) {
  for (const Case& c : cases) {
    expect_gathers<float>(c);
    expect_gathers<double>(c);
    expect_gathers<int64_t>(c);
  }
}

TEST(GatherRows, CopiesBooleans) {
  const bool table[] = {true, false, false, true, true, true};  // [3, 2]
  const Ids ids = {2, 0, 1, 0};
  bool out[8] = {};
  gather_rows(table, ids.data(), 4, 2, out);
  const bool expected[] = {true, true, true, false, false, true, true, false};
  EXPECT_TRUE(std::equal(out, out + 8, expected));
}

/// What 100 targets get from 2^13 positions, three quarters of them to target 7.
struct ManyToOne {
  static constexpr int64_t n = 8192, V = 100;
  Ids ids = [] {
    Ids all(n, 7);
    for (size_t k = 0; k < all.size(); k += 4) all[k] = static_cast<int64_t>(k) % V;
    return all;
  }();
  std::vector<float> values = random_values<float>(n, 0.5F, 1.5F);

  /// The float sums of these, as exact as a double.
  std::vector<float> sums(float start) const {
    std::vector<double> exact(V, start);
    for (size_t k = 0; k < ids.size(); ++k) {
      exact[at(ids[k])] += static_cast<double>(values[k]);
    }
    return {exact.begin(), exact.end()};
  }
};

TEST(ScatterAddRows, KeepsTheDigitsOfFrequentRows) {
  const ManyToOne many;
  const float start = 0x1p24F;  // to which a float adds no one
  for (const int threads : {1, 3}) {
    const ThreadsGuard guard;
    set_num_threads(threads);
    set_parallel_grain(1);
    std::vector<float> table(ManyToOne::V, start);
    scatter_add_rows(many.values.data(), many.ids.data(), many.n, 1, 1.0F, table.data(), many.V);
    EXPECT_EQ(table[7], many.sums(start)[7]) << threads << " threads";
    std::vector<float> zeros(ManyToOne::V);
    scatter_add_rows(many.values.data(), many.ids.data(), many.n, 1, 1.0F, zeros.data(), many.V);
    EXPECT_EQ(zeros[7], many.sums(0)[7]) << threads << " threads";
  }
}

TEST(ScatterAddSegments, KeepsTheDigitsOfFrequentRows) {
  const ManyToOne many;
  const Ids segments(at(many.n), 0);
  const std::vector<float> rows = {1.0F, 2.0F};
  std::vector<float> table(at(2 * many.V), 0x1p24F);
  scatter_add_segments(rows.data(), segments.data(), many.values.data(), many.ids.data(), many.n, 2,
                       1.0F, table.data(), many.V);
  EXPECT_EQ(table[14], many.sums(0x1p24F)[7]);
  const double exact = static_cast<double>(many.sums(0)[7]);
  EXPECT_NEAR(static_cast<double>(table[15]), 0x1p24 + 2 * exact, 2);  // floats there are even
}

template <class T>
void expect_scatters(const Case& c, T alpha) {
  const Ids ids = random_ids(c.n, c.V);
  const std::vector<T> rows = random_rows<T>(c.n * c.D);
  std::vector<T> table = random_rows<T>(c.V * c.D, 3);
  std::vector<double> expected(table.begin(), table.end()), magnitude(table.size());
  for (int64_t k = 0; k < c.n; ++k) {
    for (int64_t d = 0; d < c.D; ++d) {
      const double term = static_cast<double>(alpha) * static_cast<double>(rows[at(k * c.D + d)]);
      expected[at(ids[at(k)] * c.D + d)] += term;
      magnitude[at(ids[at(k)] * c.D + d)] += std::abs(term) + 1;
    }
  }
  scatter_add_rows(rows.data(), ids.data(), c.n, c.D, alpha, table.data(), c.V);
  const double unit = static_cast<double>(std::numeric_limits<T>::epsilon());
  for (size_t i = 0; i < table.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(table[i]), expected[i], unit * (magnitude[i] + 1) * 20) << i;
  }
}

TEST(ScatterAddRows, AddsEveryRowToTheRowOfItsId) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const Case& c : cases) {
      expect_scatters<float>(c, 1.0f);
      expect_scatters<float>(c, -0.1f);
      expect_scatters<double>(c, 0.37);
    }
  }
}

TEST(ScatterAddRows, AddsRepeatedIdsInTheOrderOfThePositions) {
  // 1e8 + 1 = 1e8 in float: the result says in which order the rows were added.
  const ThreadsGuard guard;
  constexpr int64_t kD = 1024, kCopies = 200;
  Ids ids;
  std::vector<float> rows;
  for (int64_t copy = 0; copy < kCopies; ++copy) {
    for (const float value : {1e8f, 1.0f, -1e8f}) {
      ids.push_back(copy);
      rows.insert(rows.end(), kD, value);
    }
  }
  for (const int threads : {1, 2, 8}) {
    set_num_threads(threads);
    std::vector<float> table(kCopies * kD);
    scatter_add_rows(rows.data(), ids.data(), 3 * kCopies, kD, 1.0f, table.data(), kCopies);
    EXPECT_EQ(table, std::vector<float>(kCopies * kD)) << threads;
  }
}

TEST(ScatterAddRows, HasTheSameBitsForAnyNumberOfThreads) {
  for (const Case& c :
       {Case{3000, 40, 128}, Case{20000, 5000, 3}, Case{9000, 100, 130}, Case{70000, 11, 1}}) {
    const Ids ids = random_ids(c.n, c.V);
    const std::vector<float> rows = random_rows<float>(c.n * c.D);
    expect_same_bits_for_any_threads([&] {
      std::vector<float> table(at(c.V * c.D), 0.1f);
      scatter_add_rows(rows.data(), ids.data(), c.n, c.D, -0.3f, table.data(), c.V);
      return table;
    });
  }
}

/// Bags of 0 to 200 positions.
Ids random_segments(int64_t n) {
  std::mt19937_64 engine(5);
  Ids segments;
  for (int64_t bag = 0; static_cast<int64_t>(segments.size()) < n; ++bag) {
    const auto left = static_cast<size_t>(n) - segments.size();
    segments.insert(segments.end(), std::min<size_t>(engine() % 200, left), bag);
  }
  return segments;
}

TEST(GatherWeightedRows, CopiesTheRowsOfTheSegmentsTimesTheWeights) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const Case& c : cases) {
      const Ids segments = random_ids(c.n, c.V);
      const int64_t m = std::max(c.n, c.V);
      const auto rows = random_rows<float>(m * c.D), weights = random_rows<float>(c.n, 7);
      for (const int64_t* s : {static_cast<const int64_t*>(nullptr), segments.data()}) {
        for (const float* w : {static_cast<const float*>(nullptr), weights.data()}) {
          std::vector<float> out(at(c.n * c.D), 9.0f), expected = out;
          gather_weighted_rows(rows.data(), s, w, c.n, c.D, out.data());
          for (int64_t i = 0; i < c.n * c.D; ++i) {
            const int64_t k = i / c.D;
            expected[at(i)] = (w ? w[k] : 1.0f) * rows[at((s ? s[k] : k) * c.D + i % c.D)];
          }
          ASSERT_EQ(out, expected);
        }
      }
    }
  }
}

TEST(InverseCounts, AreOneOverTheNumberOfEqualIds) {
  for (const Case& c : cases) {
    const Ids ids = random_ids(c.n, c.V);
    std::vector<double> out(at(c.n));
    inverse_counts(ids.data(), c.n, c.V, out.data());
    for (int64_t k = 0; k < c.n; ++k) {
      const auto same = std::count(ids.begin(), ids.end(), ids[at(k)]);
      ASSERT_EQ(out[at(k)], 1.0 / static_cast<double>(same));
    }
  }
}

TEST(ScatterAddSegments, AddsTheRowOfTheBagToTheRowOfEveryId) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const Case& c : cases) {
      const Ids ids = random_ids(c.n, c.V), segments = random_segments(c.n);
      const int64_t bags = segments.empty() ? 1 : segments.back() + 1;
      const auto rows = random_rows<double>(bags * c.D), weights = random_rows<double>(c.n, 7);
      for (const double* w : {static_cast<const double*>(nullptr), weights.data()}) {
        std::vector<double> table(at(c.V * c.D), 1.5), expected = table;
        scatter_add_segments(rows.data(), segments.data(), w, ids.data(), c.n, c.D, -0.5,
                             table.data(), c.V);
        for (int64_t k = 0; k < c.n; ++k) {
          for (int64_t d = 0; d < c.D; ++d) {
            expected[at(ids[at(k)] * c.D + d)] -=
                0.5 * (w ? w[k] : 1.0) * rows[at(segments[at(k)] * c.D + d)];
          }
        }
        for (size_t i = 0; i < table.size(); ++i) ASSERT_NEAR(table[i], expected[i], 1e-11) << i;
      }
    }
  }
}

TEST(ScaleRows, ScalesTheRowsNamedAndNoOthers) {
  const Ids ids = {4, 0, 2};
  std::vector<float> table(5 * 3, 1.0f);
  scale_rows(table.data(), ids.data(), 3, 3, 2.0f);
  const float factors[] = {5.0f, 3.0f, 0.0f};
  scale_rows(table.data(), ids.data(), 3, 3, factors);
  EXPECT_EQ(table, (std::vector<float>{6, 6, 6, 1, 1, 1, 0, 0, 0, 1, 1, 1, 10, 10, 10}));
  scale_rows(table.data(), ids.data(), 3, 0, 2.0f);
  EXPECT_EQ(table[0], 6.0f);
}

void expect_unique(const Ids& ids, int64_t V) {
  Ids unique = {99}, slot = {98, 97};  // what they held before does not matter
  unique_rows(ids.data(), static_cast<int64_t>(ids.size()), V, unique, slot);
  const std::set<int64_t> expected(ids.begin(), ids.end());
  ASSERT_EQ(unique, Ids(expected.begin(), expected.end()));
  ASSERT_EQ(slot.size(), ids.size());
  for (size_t k = 0; k < ids.size(); ++k) ASSERT_EQ(unique[at(slot[k])], ids[k]) << k;
}

TEST(UniqueRows, ListsTheDistinctIdsInOrderAndTheSlotOfEveryPosition) {
  for (const int64_t V : {int64_t{1}, int64_t{63}, int64_t{64}, int64_t{65}, int64_t{1000},
                          int64_t{1} << 20, int64_t{1} << 40, (int64_t{1} << 62) + 5}) {
    for (const int64_t n : {0, 1, 2, 100, 255, 256, 3000, 20000}) {
      Ids ids = random_ids(n, V);
      if (n > 2) ids[1] = V - 1, ids[2] = 0;
      expect_unique(ids, V);
    }
  }
}

TEST(UniqueRows, TakesOneIdManyTimes) {
  expect_unique(Ids(5000, 7), 8);
  expect_unique(Ids(5000, 7), int64_t{1} << 33);
}

TEST(UniqueRows, TakesAnEmptyTable) { expect_unique({}, 0); }

TEST(UniqueRows, HasTheSameResultForAnyNumberOfThreads) {
  const Ids ids = random_ids(50000, 20000);
  expect_same_bits_for_any_threads([&] {
    Ids unique, slot;
    unique_rows(ids.data(), 50000, 20000, unique, slot);
    unique.insert(unique.end(), slot.begin(), slot.end());
    return unique;
  });
}

const double inf = std::numeric_limits<double>::infinity();

template <class T>
double norm_of(std::vector<T> row, double p) {
  double norm = -1;
  row_norms(row.data(), static_cast<const int64_t*>(nullptr), 1, static_cast<int64_t>(row.size()),
            p, &norm);
  return norm;
}

TEST(RowNorms, AgreeWithTheDefinition) {
  const int64_t V = 50;
  for (const int64_t D : {0, 1, 3, 128, 130}) {
    const auto table = random_rows<float>(V * D);
    const Ids ids = random_ids(70, V);
    for (const double p : {0.5, 1.0, 2.0, 3.0, inf}) {
      std::vector<double> norms(ids.size(), -1);
      row_norms(table.data(), ids.data(), 70, D, p, norms.data());
      for (size_t k = 0; k < ids.size(); ++k) {
        double sum = 0, most = 0;
        for (int64_t d = 0; d < D; ++d) {
          const double a = std::abs(static_cast<double>(table[at(ids[k] * D + d)]));
          sum += std::pow(a, p);
          most = std::max(most, a);
        }
        const double expected = std::isinf(p) ? most : std::pow(sum, 1 / p);
        ASSERT_NEAR(norms[k], expected, 1e-12 * (1 + expected)) << p << " " << D;
      }
    }
  }
}

TEST(RowNorms, NeitherOverflowNorVanish) {
  EXPECT_NEAR(norm_of<float>({3e38f, 3e38f}, 2), 3e38 * std::sqrt(2.0), 1e32);
  EXPECT_NEAR(norm_of<double>({3e200, 4e200}, 2) / 5e200, 1, 1e-14);
  EXPECT_NEAR(norm_of<double>({3e-200, 4e-200}, 2) / 5e-200, 1, 1e-14);
  EXPECT_NEAR(norm_of<float>({1e38f, 1e38f}, 10) / (static_cast<double>(1e38f) * std::pow(2, 0.1)),
              1, 1e-14);
  EXPECT_EQ(norm_of<double>({0, 0}, 2), 0);
  EXPECT_EQ(norm_of<double>({0, -inf}, 2), inf);
}

TEST(RowNorms, OfNanIsNan) {
  for (const double p : {0.5, 1.0, 2.0, 3.0, inf}) {
    EXPECT_TRUE(std::isnan(norm_of<double>({1, std::nan(""), 2}, p))) << p;
    EXPECT_TRUE(std::isnan(norm_of<double>({inf, std::nan("")}, p))) << p;
  }
}

TEST(FirstOutside, FindsTheFirstIdOutsideTheRange) {
  const ThreadsGuard guard;
  set_num_threads(3);
  const int64_t most = std::numeric_limits<int64_t>::max(),
                least = std::numeric_limits<int64_t>::min();
  for (const int64_t n : {1, 5, 255, 256, 257, 100000}) {
    Ids ids(at(n));
    for (int64_t k = 0; k < n; ++k) ids[at(k)] = k % 10;
    EXPECT_EQ(first_outside(ids.data(), n, 0, 10), -1);
    for (const int64_t bad : {int64_t{10}, int64_t{-1}, most, least}) {
      for (const int64_t position : {int64_t{0}, n / 2, n - 1}) {
        Ids with_bad = ids;
        with_bad[at(position)] = bad;
        with_bad[at(n - 1)] = bad;  // a later one does not count
        EXPECT_EQ(first_outside(with_bad.data(), n, 0, 10), position) << n << " " << bad;
      }
    }
  }
}

TEST(FirstOutside, TakesAnyRange) {
  const Ids ids = {-3, 0, 5};
  EXPECT_EQ(first_outside(ids.data(), 3, -3, 6), -1);
  EXPECT_EQ(first_outside(ids.data(), 3, -3, 5), 2);
  EXPECT_EQ(first_outside(ids.data(), 3, 0, 0), 0);
  EXPECT_EQ(first_outside(ids.data(), 3, 4, 1), 0);
  EXPECT_EQ(first_outside(ids.data(), 0, 0, 0), -1);
  EXPECT_EQ(first_outside(ids.data(), 3, std::numeric_limits<int64_t>::min(),
                          std::numeric_limits<int64_t>::max()),
            -1);
}

}  // namespace
}  // namespace gradus::kernels
