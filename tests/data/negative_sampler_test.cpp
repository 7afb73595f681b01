#include <gradus/framework/base/parallel.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>
#include <vector>

namespace gradus {
namespace {

using Counts = std::vector<std::int64_t>;

// How often each word was drawn for a context, of `draws`.
std::vector<double> histogram(const NegativeSampler& sampler, std::int64_t context,
                              std::int64_t draws, Generator& generator) {
  std::vector<double> drawn(static_cast<std::size_t>(sampler.size()));
  const Tensor samples = sampler(tensor({context}), draws, generator);
  for (const std::int64_t id : samples.span<std::int64_t>()) {
    ++drawn[static_cast<std::size_t>(id)];
  }
  return drawn;
}

// The chi-square statistic against counts^power without the context.
double chi_square(const std::vector<double>& drawn, const Counts& counts, double power,
                  std::size_t context) {
  double total = 0, draws = 0, sum = 0;
  for (std::size_t w = 0; w < counts.size(); ++w) {
    if (w != context) total += std::pow(static_cast<double>(counts[w]), power);
    draws += drawn[w];
  }
  for (std::size_t w = 0; w < counts.size(); ++w) {
    if (w == context) continue;
    const double expected = draws * std::pow(static_cast<double>(counts[w]), power) / total;
    sum += (drawn[w] - expected) * (drawn[w] - expected) / expected;
  }
  return sum;
}

TEST(NegativeSampler, DrawsByTheCountsToThePower) {
  const Counts counts{900, 300, 100, 50, 20, 10, 5, 2, 1, 40};
  // 8 degrees of freedom: above 26.1 with probability 0.001
  for (const double power : {0.75, 1.0, 0.0, -0.5, -1.0}) {
    const NegativeSampler sampler(counts, power);
    for (const std::int64_t context : {0, 3, 8}) {
      Generator generator(7);
      const auto drawn = histogram(sampler, context, 200000, generator);
      EXPECT_EQ(drawn[static_cast<std::size_t>(context)], 0);
      EXPECT_LT(chi_square(drawn, counts, power, static_cast<std::size_t>(context)), 26.1)
          << "power " << power << ", context " << context;
    }
  }
}

TEST(NegativeSampler, TheStatisticSeesAnotherPower) {
  const Counts counts{900, 300, 100, 50, 20, 10, 5, 2, 1, 40};
  Generator generator(7);
  const auto drawn = histogram(NegativeSampler(counts), 0, 200000, generator);
  EXPECT_GT(chi_square(drawn, counts, 0.7, 0), 100);
}

TEST(NegativeSampler, NeverDrawsTheContextEvenIfNearlyAllIsThat) {
  const Counts counts{1'000'000'000, 3, 1, 0};
  const NegativeSampler sampler(counts, 1.0);
  Generator generator(2);
  const auto drawn = histogram(sampler, 0, 40000, generator);
  EXPECT_EQ(drawn[0], 0);
  EXPECT_EQ(drawn[3], 0);
  EXPECT_NEAR(drawn[1] / 40000, 0.75, 0.01);
  EXPECT_NEAR(drawn[2] / 40000, 0.25, 0.01);
}

TEST(NegativeSampler, NeverDrawsWordsThatWereNotCounted) {
  Counts counts(1000, 0);
  for (std::size_t w = 0; w < counts.size(); w += 3) counts[w] = static_cast<std::int64_t>(w + 1);
  const NegativeSampler sampler(counts);
  Generator generator(5);
  const auto drawn = histogram(sampler, 1, 300000, generator);
  for (std::size_t w = 0; w < counts.size(); ++w) {
    if (counts[w] == 0) {
      EXPECT_EQ(drawn[w], 0) << w;
    }
  }
}

TEST(NegativeSampler, DrawsRareWordsMoreOftenWithANegativePower) {
  // 1/2, 1/4, 1/8, each without the context: of counts whose own powers would all be 0.
  const std::int64_t n = std::int64_t{1} << 52;
  const NegativeSampler sampler(Counts{n, 2 * n, 0, 4 * n}, -1.0);
  Generator generator(8);
  const auto without_first = histogram(sampler, 0, 60000, generator);
  EXPECT_NEAR(without_first[1] / 60000, 2.0 / 3, 0.01);
  EXPECT_NEAR(without_first[3] / 60000, 1.0 / 3, 0.01);
  EXPECT_EQ(without_first[2], 0);  // never counted
  const auto without_last = histogram(sampler, 3, 60000, generator);
  EXPECT_NEAR(without_last[0] / 60000, 2.0 / 3, 0.01);
  const NegativeSampler extreme(Counts{n, n, 2 * n}, -100.0);  // n^-100 is 0 in double
  EXPECT_EQ(histogram(extreme, 0, 1000, generator)[1], 1000);
}

TEST(NegativeSampler, GivesKNegativesPerContext) {
  const NegativeSampler sampler(Counts{5, 5, 5});
  Generator generator(1);
  const Tensor contexts = tensor({0, 1, 2, 0});
  const Tensor samples = sampler(contexts, 6, generator);
  EXPECT_EQ(samples.shape(), (Shape{4, 6}));
  for (std::size_t i = 0; i < 24; ++i) {
    EXPECT_NE(samples.span<std::int64_t>()[i], contexts.span<std::int64_t>()[i / 6]);
  }
  EXPECT_EQ(sampler(zeros({0}, DType::int64), 5).shape(), (Shape{0, 5}));
  EXPECT_EQ(sampler(contexts, 0).shape(), (Shape{4, 0}));
}

TEST(NegativeSampler, RepeatsForASeedOnAnyNumberOfThreads) {
  Counts counts;
  for (std::int64_t w = 1; w <= 5000; ++w) counts.push_back(100000 / w);
  const NegativeSampler sampler(counts);
  Generator contexts_from(1);
  const Tensor contexts = randint(0, 5000, {4000}, contexts_from);
  const int threads = num_threads();
  const auto run = [&](int n) {
    set_num_threads(n);
    Generator generator(11);
    auto all = values_of(sampler(contexts, 5, generator));
    for (const double id : values_of(sampler(contexts, 5, generator))) all.push_back(id);
    return all;
  };
  const auto one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(run(3), one);
  set_num_threads(threads);
  EXPECT_NE(std::vector<double>(one.begin(), one.begin() + 20000),
            std::vector<double>(one.begin() + 20000, one.end()));
}

TEST(NegativeSampler, SaysWhatIsWrong) {
  EXPECT_ERROR(NegativeSampler(Counts{1, 2, -3}), ValueError,
               "NegativeSampler: the count -3 of word 2 is negative");
  EXPECT_ERROR(
      NegativeSampler(Counts{1, 0, 0}), ValueError,
      "NegativeSampler: 1 of 3 words have a count above 0, but at least two must: a word is "
      "not its own negative");
  EXPECT_THROW(NegativeSampler(Counts{}), ValueError);
  EXPECT_ERROR(NegativeSampler(Counts{1, 2}, std::nan("")), ValueError,
               "NegativeSampler: power is nan, it must be finite");
  EXPECT_ERROR(NegativeSampler(Counts{1, 2}, -infinity), ValueError,
               "NegativeSampler: power is -inf, it must be finite");
  for (const double power : {1e4, -1e4}) {  // to infinity; to 0 but for the rarest word
    EXPECT_ERROR(NegativeSampler(Counts{1, 2, 3}, power), ValueError,
                 std::string("NegativeSampler: power is ") + (power > 0 ? "10000" : "-10000") +
                     ": counts to that power are out of range of double: use one nearer to 0");
  }
  const NegativeSampler sampler(Counts{1, 2});
  EXPECT_ERROR(sampler(tensor({0, 2}), 5), IndexError,
               "NegativeSampler: index 2 at position [1] is outside [0, 2)");
  EXPECT_ERROR(sampler(zeros({2, 2}, DType::int64), 5), ShapeError,
               "NegativeSampler: contexts are [2, 2], they must be [B]");
  EXPECT_ERROR(sampler(tensor({0}), -1), ValueError,
               "NegativeSampler: K is -1, it cannot be negative");
}

}  // namespace
}  // namespace gradus
