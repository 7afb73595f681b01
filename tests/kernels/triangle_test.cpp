#include <gradus/framework/kernels/triangle.h>
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

std::vector<float> counting(int64_t n) {
  std::vector<float> x(at(n));
  std::iota(x.begin(), x.end(), 1.0f);
  return x;
}

void expect_triangles(int64_t count, int64_t rows, int64_t columns) {
  const std::vector<float> x = counting(count * rows * columns);
  for (int64_t k = -rows - 2; k <= columns + 2; ++k) {
    for (const bool upper : {false, true}) {
      std::vector<float> expected;
      for (int64_t i = 0; i < count * rows * columns; ++i) {
        const int64_t row = i / columns % rows, column = i % columns;
        const bool kept = upper ? column - row >= k : column - row <= k;
        expected.push_back(kept ? x[at(i)] : 0);
      }
      expected.push_back(55);  // the one behind the end stays
      std::vector<float> y(expected.size(), 55);
      triangle(x.data(), y.data(), count, rows, columns, k, upper);
      EXPECT_EQ(y, expected) << count << " " << rows << " " << columns << " " << k;
    }
  }
}

TEST(Triangle, KeepsWhatLiesOnOneSideOfEveryDiagonal) {
  for (const int64_t rows : {1, 2, 5, 17}) {
    for (const int64_t columns : {1, 3, 8, 33}) expect_triangles(2, rows, columns);
  }
  expect_triangles(0, 3, 3);
  expect_triangles(3, 0, 3);
  expect_triangles(3, 3, 0);
}

TEST(Triangle, IsTheSameOnSeveralThreads) {
  const ThreadsGuard guard;
  set_num_threads(3);
  set_parallel_grain(1);
  expect_triangles(3, 7, 5);
}

// The places of the diagonals, by all indices.
std::vector<int64_t> places(const Diagonal& d) {
  std::vector<int64_t> result;
  for (int64_t a = 0; a < d.a; ++a) {
    for (int64_t b = 0; b < d.b; ++b) {
      for (int64_t c = 0; c < d.c; ++c) {
        for (int64_t i = 0; i < d.length; ++i) {
          result.push_back((((a * d.n0 + d.row + i) * d.b + b) * d.n1 + d.column + i) * d.c + c);
        }
      }
    }
  }
  return result;
}

void expect_diagonals(const Diagonal& d) {
  const std::vector<float> x = counting(d.a * d.n0 * d.b * d.n1 * d.c);
  const std::vector<int64_t> where = places(d);
  std::vector<float> taken(where.size()), expected, set = x, added = x;
  for (const int64_t i : where) expected.push_back(x[at(i)]);
  take_diagonal(x.data(), taken.data(), d);
  EXPECT_EQ(taken, expected);
  std::vector<float> after_set = x, after_add = x;
  for (size_t k = 0; k < where.size(); ++k) {
    const auto value = static_cast<float>(1000 + k);
    taken[k] = value;
    after_set[at(where[k])] = value;
    after_add[at(where[k])] += value;
  }
  set_diagonal(taken.data(), set.data(), d);
  add_diagonal(taken.data(), added.data(), d);
  EXPECT_EQ(set, after_set);
  EXPECT_EQ(added, after_add);
}

TEST(Diagonal, IsTakenSetAndAddedTo) {
  const ThreadsGuard guard;
  set_num_threads(3);
  for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain}) {
    set_parallel_grain(grain);
    expect_diagonals({1, 3, 1, 4, 1, 0, 0, 3});
    expect_diagonals({1, 3, 1, 4, 1, 0, 2, 2});
    expect_diagonals({1, 3, 1, 4, 1, 2, 0, 1});
    expect_diagonals({2, 3, 5, 4, 3, 1, 0, 2});
    expect_diagonals({2, 3, 5, 4, 3, 0, 3, 1});
    expect_diagonals({2, 3, 5, 4, 3, 0, 4, 0});
    expect_diagonals({0, 3, 5, 4, 3, 0, 0, 3});
  }
}

}  // namespace
}  // namespace gradus::kernels
