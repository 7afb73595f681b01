#pragma once
// Tests of distributions with fixed seeds. Each bound is exceeded by a right generator with a
// probability of about one in a million.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// The sum over cells of (observed - expected)^2 / expected is below its quantile of 1 - 1e-6;
/// cells of probability 0 are empty. Source: Wilson and Hilferty 1931, "The distribution of
/// chi-square".
inline testing::AssertionResult fits(std::span<const std::int64_t> observed,
                                     std::span<const double> probabilities) {
  double n = 0, sum = 0, degrees = -1;
  for (const std::int64_t count : observed) n += static_cast<double>(count);
  for (std::size_t i = 0; i < observed.size(); ++i) {
    const double expected = n * probabilities[i], actual = static_cast<double>(observed[i]);
    if (expected == 0) {
      if (actual != 0) return testing::AssertionFailure() << "cell " << i << " is not empty";
      continue;
    }
    sum += (actual - expected) * (actual - expected) / expected;
    ++degrees;
  }
  if (degrees == 0) return testing::AssertionSuccess();  // all in the one cell that there is
  constexpr double z = 4.7534;                           // the normal quantile of 1 - 1e-6
  const double share = 2 / (9 * degrees);
  const double bound = degrees * std::pow(1 - share + z * std::sqrt(share), 3);
  if (sum < bound) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "chi-square is " << sum << " where " << bound
                                     << " is the bound for " << degrees << " degrees of freedom";
}

/// The largest distance between the empirical distribution function and `cdf` is below that which
/// n samples of `cdf` exceed with probability 1e-6. Source: Massart 1990, "The tight constant in
/// the Dvoretzky-Kiefer-Wolfowitz inequality".
template <class F>
testing::AssertionResult fits_distribution(std::vector<double> values, F&& cdf) {
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double p = cdf(values[i]), rank = static_cast<double>(i);
    distance = std::max({distance, p - rank / n, (rank + 1) / n - p});
  }
  const double bound = std::sqrt(std::log(2 / 1e-6) / (2 * n));
  if (distance < bound) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "the distance is " << distance << ", the bound " << bound;
}

inline double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

}  // namespace gradus
