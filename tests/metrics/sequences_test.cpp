#include <gradus/framework/core/random.h>
#include <gradus/framework/metrics/detail/sequences.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;

/// The table of dynamic programming, cell by cell.
template <class Cell>
std::int64_t last_cell(const Ids& a, const Ids& b, std::int64_t border, Cell cell) {
  std::vector<Ids> table(a.size() + 1, Ids(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) table[i][0] = border * static_cast<std::int64_t>(i);
  for (std::size_t k = 0; k <= b.size(); ++k) table[0][k] = border * static_cast<std::int64_t>(k);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t k = 1; k <= b.size(); ++k) {
      table[i][k] =
          cell(table[i - 1][k - 1], table[i - 1][k], table[i][k - 1], a[i - 1] == b[k - 1]);
    }
  }
  return table[a.size()][b.size()];
}
std::int64_t slow_distance(const Ids& a, const Ids& b) {
  return last_cell(a, b, 1, [](auto diagonal, auto above, auto left, bool equal) {
    return std::min({diagonal + (equal ? 0 : 1), above + 1, left + 1});
  });
}
std::int64_t slow_subsequence(const Ids& a, const Ids& b) {
  return last_cell(a, b, 0, [](auto diagonal, auto above, auto left, bool equal) {
    return equal ? diagonal + 1 : std::max(above, left);
  });
}

/// Calls f with pairs around the size of one block of 64 and of several, of few and of many ids:
/// unrelated ones, and some that one edit in ten makes of each other.
template <class F>
void for_each_pair(F f) {
  Generator generator(1);
  const auto sequence = [&](std::int64_t size, std::int64_t ids) {
    Ids result;
    for (std::int64_t i = 0; i < size; ++i) result.push_back(generator.below(ids) - 1);
    return result;
  };
  for (const std::int64_t size : {0, 1, 5, 63, 64, 65, 127, 128, 129, 200}) {
    for (const std::int64_t other : {0, 1, 64, 65, 130, 190}) {
      for (const std::int64_t ids : {2, 4, 60}) f(sequence(size, ids), sequence(other, ids));
    }
    for (int times = 0; times < 5; ++times) {
      const Ids a = sequence(size, 20);
      Ids b;
      for (const std::int64_t id : a) {
        const std::int64_t kind = generator.below(30);
        if (kind != 0) b.push_back(kind == 1 ? 99 : id);
        if (kind == 2) b.push_back(98);
      }
      f(a, b);
      f(b, a);
    }
  }
}

TEST(EditDistance, OfAnySizeIsThatOfTheTable) {
  for_each_pair([](const Ids& a, const Ids& b) {
    EXPECT_EQ(detail::edit_distance(a, b), slow_distance(a, b)) << a.size() << " " << b.size();
  });
}

TEST(LongestCommonSubsequence, OfAnySizeIsThatOfTheTable) {
  for_each_pair([](const Ids& a, const Ids& b) {
    EXPECT_EQ(detail::longest_common_subsequence(a, b), slow_subsequence(a, b))
        << a.size() << " " << b.size();
  });
}

TEST(EditDistance, OfLongSequences) {
  Ids a, b = {7};
  for (std::int64_t i = 0; i < 50'000; ++i) a.push_back(i % 1000);
  b.insert(b.end(), a.begin(), a.end() - 1);  // moved by one: no end is equal
  EXPECT_EQ(detail::edit_distance(a, b), 2);
  EXPECT_EQ(detail::longest_common_subsequence(a, b), 49'999);
}

TEST(TextIds, AreEqualForEqualTexts) {
  detail::TextIds ids;
  const std::vector<std::string_view> a = {"x", "y", "x"}, b = {"z", "y"};
  EXPECT_EQ(ids(a), (Ids{0, 1, 0}));
  EXPECT_EQ(ids(b), (Ids{2, 1}));
}

}  // namespace
}  // namespace gradus
