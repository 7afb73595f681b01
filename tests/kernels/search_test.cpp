#include <gradus/framework/kernels/search.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

TEST(CountIds, CountsEachForAnyNumberOfThreads) {
  for (const auto& [n, bins] : {std::pair<int64_t, int64_t>{0, 3},
                                {5, 1},
                                {1000, 10},
                                {300'000, 1000},
                                {300'000, 200'000}}) {
    std::mt19937_64 engine(1);
    std::vector<int64_t> ids(at(n)), expected(at(bins));
    for (int64_t& id : ids) {
      id = static_cast<int64_t>(engine() % static_cast<uint64_t>(bins));
      ++expected[at(id)];
    }
    const auto results = with_threads([&, count = n, size = bins] {
      std::vector<int64_t> counts(at(size), -1);
      count_ids(ids.data(), count, counts.data(), size);
      return counts;
    });
    for (const auto& counts : results) EXPECT_EQ(counts, expected);
  }
}

TEST(ListNonzero, ListsEachOfManyBlocks) {
  for (const int64_t n : {int64_t{0}, int64_t{1}, search_block - 1, search_block, search_block + 1,
                          3 * search_block + 7}) {
    std::mt19937_64 engine(2);
    std::vector<float> x(at(n));
    std::vector<int64_t> expected;
    for (int64_t i = 0; i < n; ++i) {
      x[at(i)] = engine() % 3 == 0 ? 1.0f : 0.0f;
      if (x[at(i)] != 0) expected.push_back(i);
    }
    const auto results = with_threads([&, count = n] {
      const std::vector<int64_t> before = count_nonzero(x.data(), count);
      std::vector<int64_t> out(at(before.back()));
      list_nonzero(x.data(), count, before, &count, 1, out.data());
      return out;
    });
    for (const auto& out : results) EXPECT_EQ(out, expected);
  }
}

TEST(FirstUnsorted, FindsTheFirstWithinARow) {
  constexpr int64_t R = 5, C = 40'000;
  std::vector<double> x(R * C);
  for (int64_t i = 0; i < R * C; ++i) x[at(i)] = static_cast<double>(i % C / 3);
  EXPECT_EQ(first_unsorted(x.data(), R, C), -1);
  EXPECT_EQ(first_unsorted(x.data(), R, int64_t{0}), -1);
  for (const int64_t bad : {R * C - 1, 3 * C + 1, C + 20'000, int64_t{1}}) {
    x[at(bad)] = -1;
    const auto found = with_threads([&] { return first_unsorted(x.data(), R, C); });
    EXPECT_EQ(found, std::vector<int64_t>(4, bad));
  }
  const int64_t falling[] = {1, 1, 0};
  EXPECT_EQ(first_unsorted(falling, 1, 3), 2);
  EXPECT_EQ(first_unsorted(falling, 3, 1), -1);
}

TEST(SearchRows, AgreesWithTheStandardLibrary) {
  for (const int64_t C : {0, 1, 2, 3, 7, 8, 9, 1000}) {
    std::vector<double> sorted = random_values<double>(3 * C, -1, 1, 3);
    for (int64_t r = 0; r < 3; ++r) {
      std::sort(sorted.begin() + r * C, sorted.begin() + (r + 1) * C);
    }
    std::vector<double> values = random_values<double>(3 * 50, -1.1, 1.1, 4);
    for (size_t i = 0; i < values.size() && C > 0; i += 3) values[i] = sorted[i % at(3 * C)];
    for (const bool one_row : {false, true}) {
      for (const bool right : {false, true}) {
        std::vector<int64_t> found(values.size());
        search_rows(sorted.data(), C, one_row, values.data(), 3, 50, right, found.data());
        for (size_t i = 0; i < values.size(); ++i) {
          const double* row = sorted.data() + (one_row ? 0 : static_cast<int64_t>(i / 50) * C);
          const double* place = right ? std::upper_bound(row, row + C, values[i])
                                      : std::lower_bound(row, row + C, values[i]);
          ASSERT_EQ(found[i], place - row);
        }
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
