// What is drawn: distributions, repeatability, errors.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/ops/random.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/statistics.h>

#include <algorithm>
#include <numeric>
#include <set>

namespace gradus {
namespace {

constexpr std::int64_t n = 200'000;

std::vector<std::int64_t> counts_of(const Tensor& draws, std::int64_t cells) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(cells));
  for (const std::int64_t i : draws.span<std::int64_t>()) ++counts.at(static_cast<std::size_t>(i));
  return counts;
}

// Calls f with 1, 2, 3 and 8 threads at a small grain, each with a generator of the same seed.
template <class F>
void expect_one_result(F&& f) {
  const int threads = num_threads();
  const std::int64_t grain = detail::parallel_grain;
  set_parallel_grain(64);
  std::vector<std::vector<double>> results;
  for (const int count : {1, 2, 3, 8}) {
    set_num_threads(count);
    Generator generator(11);
    results.push_back(values_of(f(generator)));
    EXPECT_EQ(results.back(), results.front()) << count << " threads";
  }
  set_num_threads(threads);
  set_parallel_grain(grain);
}

TEST(Rand, FitsItsDistributions) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Generator generator(1);
    const auto uniform = values_of(rand({n}, -1, 3, dtype, generator));
    EXPECT_TRUE(fits_distribution(uniform, [](double x) { return (x + 1) / 4; }));
    const auto normal = values_of(randn({n}, 2, 3, dtype, generator));
    EXPECT_TRUE(fits_distribution(normal, [](double x) { return normal_cdf((x - 2) / 3); }));
    EXPECT_FALSE(fits_distribution(normal, [](double x) { return normal_cdf((x - 2.1) / 3); }));
  }
}

TEST(Randint, IsUniformOverAnyRange) {
  Generator generator(2);
  for (const std::int64_t cells : {2, 3, 7, 100, 257}) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(cells));
    const Tensor draws = randint(-5, cells - 5, {n}, generator);
    for (const std::int64_t i : draws.span<std::int64_t>()) {
      ++counts.at(static_cast<std::size_t>(i + 5));
    }
    const auto size = static_cast<std::size_t>(cells);
    EXPECT_TRUE(fits(counts, std::vector<double>(size, 1.0 / static_cast<double>(cells))));
  }
  // A remainder of 64 bits would favour the lower half of three quarters of the range: 2 to 1.
  const std::int64_t wide = std::int64_t{3} << 61;
  std::int64_t low = 0;
  const Tensor draws = randint(0, wide, {n}, generator);
  for (const std::int64_t i : draws.span<std::int64_t>()) {
    low += i < wide / 2 ? 1 : 0;
  }
  const std::vector<std::int64_t> halves{low, n - low};
  EXPECT_TRUE(fits(halves, std::vector<double>{0.5, 0.5}));
}

TEST(Randint, BrokenInputNamesTheRange) {
  EXPECT_ERROR(randint(3, 3, {2}), ValueError, "randint: [3, 3) is empty");
  constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
  EXPECT_ERROR(randint(least, 1, {2}), ValueError,
               "randint: [-9223372036854775808, 1) has more than 2^63 values");
}

TEST(Randperm, IsAPermutationForEverySize) {
  Generator generator(3);
  for (const std::int64_t size : {0, 1, 2, 3, 10, 1000, 65'536, 65'537, 1'000'000}) {
    const Tensor order = randperm(size, generator);
    std::vector<std::int64_t> sorted(order.span<std::int64_t>().begin(),
                                     order.span<std::int64_t>().end());
    std::sort(sorted.begin(), sorted.end());
    for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(sorted[static_cast<std::size_t>(i)], i);
  }
}

// Of an order that is made in buckets: the place of an element says nothing of the element, and
// neighbours are as far from each other as others.
TEST(Randperm, OfManyIsUniform) {
  constexpr std::int64_t size = 1'000'000, cells = 100, width = size / cells;
  Generator generator(5);
  const Tensor order = randperm(size, generator);
  const auto* p = order.data<std::int64_t>();
  std::vector<std::int64_t> pairs(cells * cells), distances(2);
  for (std::int64_t i = 0; i < size; ++i) {
    ++pairs[static_cast<std::size_t>(i / width * cells + p[i] / width)];
  }
  EXPECT_TRUE(fits(pairs, std::vector<double>(cells * cells, 1.0 / (cells * cells))));
  // Of two random places of [0, 1) each is at least 1 - sqrt(1/2) from the other half the time.
  const auto median = static_cast<std::int64_t>((1 - std::sqrt(0.5)) * static_cast<double>(size));
  for (std::int64_t i = 0; i + 1 < size; i += 2) {
    ++distances[std::abs(p[i + 1] - p[i]) < median ? 0 : 1];
  }
  EXPECT_TRUE(fits(distances, std::vector<double>{0.5, 0.5}));
  std::int64_t fixed = 0;
  for (std::int64_t i = 0; i < size; ++i) fixed += p[i] == i ? 1 : 0;
  EXPECT_LT(fixed, 10);  // Poisson with mean 1
}

TEST(Randperm, BrokenInputNamesN) { EXPECT_ERROR(randperm(-1), ValueError, "randperm: n is -1"); }

TEST(Randperm, GivesEveryOrderOfFourEquallyOften) {
  Generator generator(4);
  std::vector<std::int64_t> counts(24);
  for (int round = 0; round < 48'000; ++round) {
    const Tensor order = randperm(4, generator);
    const auto* p = order.data<std::int64_t>();
    std::int64_t rank = 0;  // of the permutation: Lehmer's code
    for (int i = 0; i < 4; ++i) {
      std::int64_t smaller = 0;
      for (int j = i + 1; j < 4; ++j) smaller += p[j] < p[i] ? 1 : 0;
      rank = rank * (4 - i) + smaller;
    }
    ++counts[static_cast<std::size_t>(rank)];
  }
  EXPECT_TRUE(fits(counts, std::vector<double>(24, 1.0 / 24)));
}

TEST(Bernoulli, OfANumberFitsInEveryDType) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
    for (const double p : {0.0, 0.3, 0.999, 1.0}) {
      Generator generator(5);
      const Tensor x = bernoulli(p, {n}, dtype, generator);
      EXPECT_EQ(x.dtype(), dtype);
      const auto values = values_of(x);
      const auto set = std::count(values.begin(), values.end(), 1.0);
      EXPECT_EQ(set + std::count(values.begin(), values.end(), 0.0), n);
      const std::vector<std::int64_t> counts{set, n - set};
      EXPECT_TRUE(fits(counts, std::vector<double>{p, 1 - p})) << p;
    }
  }
}

TEST(Bernoulli, OfATensorFitsElementByElement) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Generator generator(6);
    const std::vector<double> p{0, 0.25, 0.9, 1};
    std::vector<double> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(p[static_cast<std::size_t>(i % 4)]);
    const Tensor leaf = tensor(all, {n / 4, 4}).to(dtype).set_trainable(true);
    const Tensor x = bernoulli(leaf, generator);
    EXPECT_FALSE(x.requires_grad());
    EXPECT_EQ(x.dtype(), dtype);
    const auto values = values_of(x);
    for (std::size_t k = 0; k < 4; ++k) {
      std::int64_t set = 0;
      for (std::size_t i = k; i < values.size(); i += 4) set += values[i] == 1 ? 1 : 0;
      const std::vector<std::int64_t> counts{set, n / 4 - set};
      EXPECT_TRUE(fits(counts, std::vector<double>{p[k], 1 - p[k]})) << p[k];
    }
  }
}

TEST(Bernoulli, BrokenInputNamesTheElement) {
  EXPECT_ERROR(bernoulli(1.5, {2}), ValueError, "bernoulli: p is 1.5, it must be between 0 and 1");
  EXPECT_ERROR(bernoulli(not_a_number, {2}), ValueError,
               "bernoulli: p is nan, it must be between 0 and 1");
  EXPECT_ERROR(bernoulli(tensor({0.5, -0.5}, {2, 1})), ValueError,
               "bernoulli: p is -0.5 at element 1 of [2, 1], it must be between 0 and 1");
  EXPECT_ERROR(bernoulli(tensor({0.5, not_a_number})), ValueError,
               "bernoulli: p is nan at element 1 of [2], it must be between 0 and 1");
  EXPECT_ERROR(bernoulli(tensor({1})), DTypeError,
               "bernoulli: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_EQ(bernoulli(zeros({0, 3})).shape(), (Shape{0, 3}));
}

TEST(Multinomial, WithReplacementFitsTheWeightsOfEachRow) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    Generator generator(7);
    const Tensor weights = tensor({1.0, 0.0, 3.0, 4.0, 8.0, 0.0, 0.0, 0.25}, {2, 4}).to(dtype);
    const Tensor draws = multinomial(weights, n, true, generator);
    ASSERT_EQ(draws.shape(), (Shape{2, n}));
    std::vector<std::int64_t> first(4), second(4);
    for (std::int64_t i = 0; i < n; ++i) {
      ++first.at(static_cast<std::size_t>(draws.data<std::int64_t>()[i]));
      ++second.at(static_cast<std::size_t>(draws.data<std::int64_t>()[n + i]));
    }
    EXPECT_TRUE(fits(first, std::vector<double>{0.125, 0, 0.375, 0.5}));
    EXPECT_TRUE(fits(second, std::vector<double>{8 / 8.25, 0, 0, 0.25 / 8.25}));
    EXPECT_FALSE(fits(first, std::vector<double>{0.135, 0, 0.365, 0.5}));
  }
}

TEST(Multinomial, TakesManyWeightsAndWeightsFarApart) {
  Generator generator(8);
  std::vector<double> weights, probabilities;
  for (int i = 0; i < 1000; ++i) weights.push_back(i % 7 == 0 ? 0.0 : 1.0 / (1 + i % 50));
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (const double w : weights) probabilities.push_back(w / total);
  const Tensor draws = multinomial(tensor(weights), 5 * n, true, generator);
  EXPECT_TRUE(fits(counts_of(draws, 1000), probabilities));
  // The sum of these is infinite.
  const Tensor huge = tensor({1e308, 1e308, 1e308, 5e-324});
  EXPECT_TRUE(fits(counts_of(multinomial(huge, n, true, generator), 4),
                   std::vector<double>{1.0 / 3, 1.0 / 3, 1.0 / 3, 0}));
  const Tensor tiny = tensor({5e-324, 0.0, 5e-324});
  EXPECT_TRUE(
      fits(counts_of(multinomial(tiny, n, true, generator), 3), std::vector<double>{0.5, 0, 0.5}));
}

TEST(Multinomial, WithoutReplacementFitsTheChainOfDraws) {
  Generator generator(9);
  constexpr std::int64_t rows = 60'000;
  const std::vector<double> w{0.1, 0.2, 0, 0.7};
  std::vector<double> all;
  for (std::int64_t r = 0; r < rows; ++r) all.insert(all.end(), w.begin(), w.end());
  const Tensor draws = multinomial(tensor(all, {rows, 4}), 2, false, generator);
  ASSERT_EQ(draws.shape(), (Shape{rows, 2}));
  std::vector<std::int64_t> pairs(16);
  for (std::int64_t r = 0; r < rows; ++r) {
    const auto* row = draws.data<std::int64_t>() + 2 * r;
    ++pairs.at(static_cast<std::size_t>(4 * row[0] + row[1]));
  }
  std::vector<double> expected(16);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      if (i != j) expected[4 * i + j] = w[i] * w[j] / (1 - w[i]);
    }
  }
  EXPECT_TRUE(fits(pairs, expected));
}

TEST(Multinomial, WithoutReplacementCanTakeAllAboveZero) {
  Generator generator(10);
  const Tensor weights = tensor({1e-300, 0.0, 1.0, 1e300, 3.0});
  for (int round = 0; round < 50; ++round) {
    const Tensor draws = multinomial(weights, 4, false, generator);
    const auto values = draws.span<std::int64_t>();
    EXPECT_EQ((std::set<std::int64_t>(values.begin(), values.end())),
              (std::set<std::int64_t>{0, 2, 3, 4}));
    EXPECT_EQ(values[0], 3);
    EXPECT_EQ(values[3], 0);
  }
}

TEST(Multinomial, BrokenInputNamesRowAndWeight) {
  EXPECT_ERROR(multinomial(tensor({1.0, 2.0, 3.0, -0.5}, {2, 2}), 1), ValueError,
               "multinomial: weight -0.5 at [1, 1] must be finite and at least 0");
  EXPECT_ERROR(multinomial(tensor({not_a_number, 2.0}), 1, true), ValueError,
               "multinomial: weight nan at [0, 0] must be finite and at least 0");
  EXPECT_ERROR(multinomial(tensor({1.0, infinity}), 1), ValueError,
               "multinomial: weight inf at [0, 1] must be finite and at least 0");
  EXPECT_ERROR(multinomial(tensor({1.0, 1.0, 0.0, 0.0}, {2, 2}), 1, true), ValueError,
               "multinomial: none of the 2 weights of row 1 is above 0");
  EXPECT_ERROR(multinomial(zeros({0}), 1), ValueError,
               "multinomial: none of the 0 weights of row 0 is above 0");
  EXPECT_ERROR(multinomial(tensor({1.0, 0.0, 2.0}), 3), ValueError,
               "multinomial: 3 draws without replacement from row 0, which has 2 weights above 0");
  EXPECT_ERROR(multinomial(tensor({1.0}), 0), ValueError,
               "multinomial: count is 0, it must be at least 1");
  EXPECT_ERROR(multinomial(tensor({1}), 1), DTypeError,
               "multinomial: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_ERROR(multinomial(ones({1, 1, 1}), 1), ShapeError,
               "multinomial: weights are [1, 1, 1], they must be [n] or [R, n]");
  EXPECT_EQ(multinomial(zeros({0, 3}), 2).shape(), (Shape{0, 2}));
  EXPECT_EQ(multinomial(tensor({0.0, 2.0}), 1).item<std::int64_t>(), 1);
}

TEST(RandomOps, HaveOneResultForAnyNumberOfThreads) {
  const Tensor p = rand({3000});
  const Tensor weights = rand({30, 100});
  expect_one_result([&](Generator& g) { return bernoulli(p, g); });
  expect_one_result([&](Generator& g) { return bernoulli(0.3, {5000}, DType::boolean, g); });
  expect_one_result([&](Generator& g) { return multinomial(weights, 50, true, g); });
  expect_one_result([&](Generator& g) { return multinomial(weights, 50, false, g); });
  expect_one_result([&](Generator& g) { return multinomial(p, 3000, true, g); });
  expect_one_result([&](Generator& g) { return randint(0, 100, {3000}, g); });
  expect_one_result([&](Generator& g) { return randperm(3000, g); });
  expect_one_result([&](Generator& g) { return randperm(300'000, g); });
}

TEST(RandomOps, DrawAnewAtEachCall) {
  Generator generator(12);
  const Tensor p = full({100}, 0.5);
  EXPECT_NE(values_of(bernoulli(p, generator)), values_of(bernoulli(p, generator)));
  EXPECT_NE(values_of(multinomial(p, 50, true, generator)),
            values_of(multinomial(p, 50, true, generator)));
  EXPECT_NE(values_of(multinomial(p, 50, false, generator)),
            values_of(multinomial(p, 50, false, generator)));
}

}  // namespace
}  // namespace gradus
