#include <gradus/framework/kernels/nn/nearest.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "../kernel_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
struct Found {
  Ids ids;
  std::vector<T> scores;
};

template <class T>
struct Problem {
  int64_t V, Q, D, k;
  std::vector<T> rows, queries;
  Ids excluded = {};
  int64_t E = 0;

  Found<T> search(Closeness closeness) const {
    std::vector<double> squares(at(V));
    squared_lengths(rows.data(), V, D, squares.data());
    Found<T> found{Ids(at(Q * k), -7), std::vector<T>(at(Q * k), T{7})};
    nearest_rows<T>(closeness, {rows.data(), squares.data(), V, D}, queries.data(), Q,
                    excluded.data(), E, k, found.ids.data(), found.scores.data());
    return found;
  }

  T score(Closeness closeness, int64_t q, int64_t v) const {
    long double product = 0, a = 0, b = 0, distance = 0;
    for (int64_t d = 0; d < D; ++d) {
      const long double x = queries[at(q * D + d)], y = rows[at(v * D + d)];
      product += x * y;
      a += x * x;
      b += y * y;
      distance += (x - y) * (x - y);
    }
    if (closeness == Closeness::dot) return static_cast<T>(product);
    if (closeness == Closeness::euclidean) return static_cast<T>(std::sqrt(distance));
    if (a == 0 || b == 0) return 0;
    return static_cast<T>(std::clamp(product / (std::sqrt(a) * std::sqrt(b)), -1.0L, 1.0L));
  }

  // All scores, sorted.
  Found<T> expected(Closeness closeness) const {
    const bool least = closeness == Closeness::euclidean;
    const T none = least ? infinity<T> : -infinity<T>;
    Found<T> found{Ids(at(Q * k), -1), std::vector<T>(at(Q * k), none)};
    for (int64_t q = 0; q < Q; ++q) {
      std::vector<std::pair<T, int64_t>> all;
      for (int64_t v = 0; v < V; ++v) {
        const auto begin = excluded.begin() + q * E;
        if (std::find(begin, begin + E, v) != begin + E) continue;
        all.emplace_back(least ? score(closeness, q, v) : -score(closeness, q, v), v);
      }
      std::sort(all.begin(), all.end());
      for (int64_t i = 0; i < std::min(k, static_cast<int64_t>(all.size())); ++i) {
        const auto& [key, id] = all[at(i)];
        found.ids[at(q * k + i)] = id;
        found.scores[at(q * k + i)] = least ? key : -key;
      }
    }
    return found;
  }
};

template <class T>
void expect_found(const Problem<T>& problem, Closeness closeness) {
  SCOPED_TRACE("closeness " + std::to_string(static_cast<int>(closeness)));
  const Found<T> expected = problem.expected(closeness);
  for (const Found<T>& found : with_threads([&] { return problem.search(closeness); })) {
    ASSERT_EQ(found.ids, expected.ids);
    for (size_t i = 0; i < found.scores.size(); ++i) {
      if (found.scores[i] == expected.scores[i]) continue;
      const double error = std::fabs(static_cast<double>(found.scores[i] - expected.scores[i]));
      const double terms = sizeof(T) == sizeof(double) ? static_cast<double>(problem.D) : 1;
      ASSERT_LE(error, terms * static_cast<double>(std::numeric_limits<T>::epsilon()) *
                           std::max(1.0, std::fabs(static_cast<double>(expected.scores[i]))));
    }
  }
}

template <class T>
void expect_found(const Problem<T>& problem) {
  for (const auto closeness : {Closeness::cosine, Closeness::dot, Closeness::euclidean}) {
    expect_found(problem, closeness);
  }
}

template <class T>
class NearestRows : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(NearestRows, Floats);

TYPED_TEST(NearestRows, AreThoseOfAllScoresSorted) {
  using T = TypeParam;
  for (const auto& [V, Q, D, k] : {std::array<int64_t, 4>{0, 2, 3, 2},
                                   {1, 1, 1, 1},
                                   {5, 3, 4, 9},
                                   {300, 0, 4, 3},
                                   {300, 5, 4, 0},
                                   {300, 17, 7, 1},
                                   {1000, 130, 33, 10},
                                   {700, 3, 100, 300},
                                   {40'000, 2, 5, 10}}) {
    SCOPED_TRACE(std::to_string(V) + " rows, k = " + std::to_string(k));
    expect_found(Problem<T>{V, Q, D, k, random_rows<T>(V * D), random_rows<T>(Q * D, 3)});
  }
}

// Small integers: many rows score exactly the same, in different blocks and parts.
TYPED_TEST(NearestRows, OfEqualScoresAreTheFirst) {
  using T = TypeParam;
  const int64_t V = 40'000, Q = 3, D = 6, k = 50;
  Problem<T> problem{V, Q, D, k, std::vector<T>(at(V * D)), std::vector<T>(at(Q * D))};
  std::mt19937_64 engine(5);
  for (T& x : problem.rows) x = static_cast<T>(engine() % 3) - T{1};
  for (T& x : problem.queries) x = static_cast<T>(engine() % 3) - T{1};
  expect_found(problem);
}

TYPED_TEST(NearestRows, OfAllEqualRowsAreTheFirst) {
  using T = TypeParam;
  const int64_t V = 3000, Q = 2, D = 3, k = 5;
  expect_found(
      Problem<T>{V, Q, D, k, std::vector<T>(at(V * D), T{0.3f}), random_rows<T>(Q * D, 3)});
  expect_found(Problem<T>{V, Q, D, k, std::vector<T>(at(V * D), T{0}), random_rows<T>(Q * D, 3)});
}

// Rows that differ by less than a product of matrices can tell: far from the origin, all distances
// between them vanish in its rounding.
TYPED_TEST(NearestRows, AreToldApartBelowTheRoundingOfAProduct) {
  using T = TypeParam;
  const int64_t V = 5000, Q = 4, D = 40, k = 10;
  Problem<T> problem{V, Q, D, k, random_rows<T>(V * D), random_rows<T>(Q * D, 3)};
  const T unit = std::numeric_limits<T>::epsilon();
  for (T& x : problem.rows) x = 1 + std::round(x * 8) * unit;
  for (T& x : problem.queries) x = 1 + std::round(x * 8) * unit;
  expect_found(problem, Closeness::euclidean);
  if (sizeof(T) == sizeof(float)) expect_found(problem, Closeness::dot);
}

TYPED_TEST(NearestRows, OfVeryDifferentLengthsAreFound) {
  using T = TypeParam;
  const int64_t V = 2000, Q = 5, D = 9, k = 7;
  for (const double widest :
       {10.0, 0.49 * std::log10(static_cast<double>(std::numeric_limits<T>::max()))}) {
    if (widest > 150) continue;
    Problem<T> problem{V, Q, D, k, random_rows<T>(V * D), random_rows<T>(Q * D, 3)};
    for (int64_t v = 0; v < V; ++v) {
      const T factor =
          static_cast<T>(std::pow(10.0, widest * (2.0 * static_cast<double>(v % 101) / 100 - 1)));
      for (int64_t d = 0; d < D; ++d) problem.rows[at(v * D + d)] *= factor;
    }
    expect_found(problem);
  }
}

TEST(NearestRowsOfFloat, ThatOverflowOrUnderflowAreFound) {
  const int64_t V = 600, Q = 3, D = 8, k = 6;
  for (const float factor : {3e38f, 1e-38f, 1e-43f}) {
    Problem<float> problem{V, Q, D, k, random_rows<float>(V * D), random_rows<float>(Q * D, 3)};
    for (float& x : problem.rows) x *= factor;
    expect_found(problem, Closeness::cosine);
    for (float& x : problem.queries) x *= 1e-3f;
    expect_found(problem);
  }
}

TYPED_TEST(NearestRows, LeaveOutThoseExcluded) {
  using T = TypeParam;
  const int64_t V = 400, Q = 3, D = 4, k = 5;
  Problem<T> problem{V, Q, D, k, random_rows<T>(V * D), random_rows<T>(Q * D, 3)};
  const Ids best = problem.expected(Closeness::cosine).ids;
  problem.excluded = {best[0], best[1], best[at(k)], -1, -1, -1};
  problem.E = 2;
  expect_found(problem);
  Problem<T> small{3, 1, D, 3, random_rows<T>(3 * D), random_rows<T>(D, 3), {1, 0}, 2};
  expect_found(small);
}

TYPED_TEST(NearestRows, WithoutColumnsAreTheFirst) {
  using T = TypeParam;
  expect_found(Problem<T>{5, 2, 0, 3, {}, {}});
}

}  // namespace
}  // namespace gradus::kernels
