#include <gradus/framework/kernels/nn/bags.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace gradus::kernels {
namespace {

struct Bags {
  int64_t n, V, D;
  Ids ids, starts;

  /// Of 0 to `longest` positions each, the last one empty.
  Bags(int64_t positions, int64_t rows, int64_t width, uint64_t longest)
      : n(positions), V(rows), D(width), starts{0} {
    std::mt19937_64 engine(static_cast<uint64_t>(n) + longest);
    for (int64_t k = 0; k < n; ++k) ids.push_back(static_cast<int64_t>(engine() % at(V)));
    while (starts.back() < n) {
      const auto length = static_cast<int64_t>(engine() % (longest + 1));
      starts.push_back(std::min(n, starts.back() + length));
    }
    starts.push_back(n);
  }
  int64_t size() const { return static_cast<int64_t>(starts.size()) - 1; }
};

std::vector<Bags> samples() {
  return {{0, 5, 3, 4},      {1, 1, 1, 1},      {7, 3, 1, 3},
          {100, 10, 3, 200}, {33, 50, 17, 5},   {64, 9, 130, 8},
          {1000, 200, 5, 3}, {300, 4, 600, 90}, {2000, 300, 128, 70}};
}

template <class F>
void for_each_sample(F f) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain}) {
      set_parallel_grain(grain);
      for (const Bags& bags : samples()) f(bags);
    }
  }
}

TEST(BagSums, AreTheWeightedSumsOrMeansOfTheRows) {
  for_each_sample([](const Bags& bags) {
    const auto table = random_rows<float>(bags.V * bags.D), weights = random_rows<float>(bags.n, 7);
    for (const float* w : {static_cast<const float*>(nullptr), weights.data()}) {
      for (const bool mean : {false, true}) {
        std::vector<float> out(at(bags.size() * bags.D), 9.0f);  // which is overwritten
        bag_sums(table.data(), bags.ids.data(), bags.starts.data(), w, bags.size(), bags.D, mean,
                 out.data());
        for (int64_t b = 0; b < bags.size(); ++b) {
          const int64_t begin = bags.starts[at(b)], end = bags.starts[at(b + 1)];
          for (int64_t d = 0; d < bags.D; ++d) {
            double sum = 0, magnitude = 0;
            for (int64_t k = begin; k < end; ++k) {
              const double term = (w ? static_cast<double>(w[k]) : 1.0) *
                                  static_cast<double>(table[at(bags.ids[at(k)] * bags.D + d)]);
              sum += term;
              magnitude += std::abs(term);
            }
            if (mean && end > begin) sum /= static_cast<double>(end - begin);
            ASSERT_NEAR(static_cast<double>(out[at(b * bags.D + d)]), sum, 1e-6 * magnitude);
          }
        }
      }
    }
  });
}

TEST(BagSums, StayExactInLongBags) {
  const int64_t n = 3'000'000;  // sequential float additions of 0.1 would be off by 1%
  const Ids ids(at(n), 0), starts{0, n};
  const float table[] = {0.1f};
  float sum = 0;
  bag_sums(table, ids.data(), starts.data(), static_cast<const float*>(nullptr), 1, 1, false, &sum);
  EXPECT_NEAR(static_cast<double>(sum), 300000.0, 300000.0 * 1e-6);
}

TEST(BagSums, HaveTheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  const Bags bags(5000, 300, 100, 200);
  const auto table = random_rows<float>(bags.V * bags.D), weights = random_rows<float>(bags.n, 7);
  std::vector<float> first;
  for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain}) {
    set_parallel_grain(grain);
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      std::vector<float> out(at(bags.size() * bags.D));
      bag_sums(table.data(), bags.ids.data(), bags.starts.data(), weights.data(), bags.size(),
               bags.D, true, out.data());
      if (first.empty()) first = out;
      EXPECT_TRUE(same_bits(out, first)) << threads << " threads, grain " << grain;
    }
  }
}

TEST(BagMaxima, AreTheFirstLargestAndTheirDerivativeGoesThere) {
  for_each_sample([](const Bags& bags) {
    auto table = random_rows<double>(bags.V * bags.D);
    for (double& x : table) x = std::round(4 * x);  // ties
    std::vector<double> out(at(bags.size() * bags.D), 9), alone = out;
    std::vector<int64_t> winners(out.size(), 99);
    bag_maxima(table.data(), bags.ids.data(), bags.starts.data(), bags.size(), bags.D, out.data(),
               winners.data());
    bag_maxima(table.data(), bags.ids.data(), bags.starts.data(), bags.size(), bags.D, alone.data(),
               nullptr);
    ASSERT_EQ(alone, out);
    const auto rows = random_rows<double>(bags.size() * bags.D, 3);
    std::vector<double> sums(table.size(), 0.5), expected = sums;
    for (int64_t b = 0; b < bags.size(); ++b) {
      for (int64_t d = 0; d < bags.D; ++d) {
        int64_t winner = -1;
        double most = 0;
        for (int64_t k = bags.starts[at(b)]; k < bags.starts[at(b + 1)]; ++k) {
          const double x = table[at(bags.ids[at(k)] * bags.D + d)];
          if (winner < 0 || x > most) winner = bags.ids[at(k)], most = x;
        }
        ASSERT_EQ(out[at(b * bags.D + d)], most);
        ASSERT_EQ(winners[at(b * bags.D + d)], winner);
        if (winner >= 0) expected[at(winner * bags.D + d)] += rows[at(b * bags.D + d)];
      }
    }
    scatter_to_winners(rows.data(), winners.data(), bags.size(), bags.D, sums.data());
    ASSERT_EQ(sums, expected);
  });
}

TEST(BagMaxima, OfNanAreNanAndTheFirstOneWins) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double table[] = {1, nan, 2, nan};
  const Ids ids{0, 3, 2, 1, 1, 0}, starts{0, 4, 6};
  double out[2];
  int64_t winners[2];
  bag_maxima(table, ids.data(), starts.data(), 2, 1, out, winners);
  EXPECT_TRUE(std::isnan(out[0]) && std::isnan(out[1]));
  EXPECT_EQ(winners[0], 3);
  EXPECT_EQ(winners[1], 1);
}

TEST(BagDots, AreTheProductsOfTheRowsOfIdAndBag) {
  for_each_sample([](const Bags& bags) {
    const auto table = random_rows<float>(bags.V * bags.D);
    const auto rows = random_rows<float>(bags.size() * bags.D, 3);
    Ids segments(at(bags.n), -1);
    bag_segments(bags.starts.data(), bags.size(), segments.data());
    std::vector<float> out(at(bags.n), 9.0f);
    bag_dots(table.data(), bags.ids.data(), rows.data(), segments.data(), bags.n, bags.D,
             out.data());
    for (int64_t k = 0; k < bags.n; ++k) {
      const int64_t b = segments[at(k)];
      ASSERT_LE(bags.starts[at(b)], k);
      ASSERT_LT(k, bags.starts[at(b + 1)]);
      double sum = 0;
      for (int64_t d = 0; d < bags.D; ++d) {
        sum += static_cast<double>(table[at(bags.ids[at(k)] * bags.D + d)]) *
               static_cast<double>(rows[at(b * bags.D + d)]);
      }
      ASSERT_NEAR(static_cast<double>(out[at(k)]), sum, 1e-6 * (1 + std::abs(sum)));
    }
  });
}

TEST(DivideByBagSizes, DividesAndGivesZerosForEmptyBags) {
  for_each_sample([](const Bags& bags) {
    const auto rows = random_rows<float>(bags.size() * bags.D);
    std::vector<float> out(rows.size(), 9.0f);
    divide_by_bag_sizes(rows.data(), bags.starts.data(), bags.size(), bags.D, out.data());
    for (int64_t i = 0; i < bags.size() * bags.D; ++i) {
      const int64_t b = i / bags.D, count = bags.starts[at(b + 1)] - bags.starts[at(b)];
      const float expected = count == 0 ? 0.0f : rows[at(i)] / static_cast<float>(count);
      ASSERT_NEAR(static_cast<double>(out[at(i)]), static_cast<double>(expected), 1e-7);
    }
  });
}

TEST(FirstBadOffset, FindsTheFirstThatIsWrong) {
  const auto first = [](const Ids& offsets, int64_t n) {
    return first_bad_offset(offsets.data(), static_cast<int64_t>(offsets.size()), n);
  };
  EXPECT_EQ(first({}, 0), -1);
  EXPECT_EQ(first({0}, 0), -1);
  EXPECT_EQ(first({0, 0, 3, 3, 5}, 5), -1);
  EXPECT_EQ(first({1}, 5), 0);
  EXPECT_EQ(first({-1, 7}, 5), 0);
  EXPECT_EQ(first({0, 3, 2, 9}, 5), 2);
  EXPECT_EQ(first({0, 3, 6, 2}, 5), 2);
  EXPECT_EQ(first({0, 1, 2, -4}, 5), 3);
}

TEST(ScatterToWinners, KeepsTheDigitsOfFrequentWinners) {
  constexpr int64_t bags = 8192, D = 20;
  const std::vector<int64_t> winners(at(bags * D), 1);
  const std::vector<float> rows = random_values<float>(bags * D, 0.5F, 1.5F);
  std::vector<float> table(at(3 * D), 0x1p24F);
  std::vector<double> exact(table.begin(), table.end());
  for (int64_t k = 0; k < bags * D; ++k) exact[at(D + k % D)] += static_cast<double>(rows[at(k)]);
  scatter_to_winners(rows.data(), winners.data(), bags, D, table.data());
  for (int64_t d = 0; d < 3 * D; ++d) {
    EXPECT_EQ(table[at(d)], static_cast<float>(exact[at(d)])) << d;
  }
}

}  // namespace
}  // namespace gradus::kernels
