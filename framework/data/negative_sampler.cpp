#include <fmt/format.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/kernels/alias.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/ops/author/rows.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace gradus {
namespace {

constexpr std::uint64_t kAttempts = 8;  // draws before one that cannot hit the context
constexpr std::int64_t kDrawCost = 64;

// The least count above 0. Throws for negative counts, and unless there are two above 0.
std::int64_t checked_least(std::span<const std::int64_t> counts) {
  std::int64_t least = std::numeric_limits<std::int64_t>::max(), counted = 0;
  for (std::size_t w = 0; w < counts.size(); ++w) {
    if (counts[w] < 0) {
      throw ValueError(
          fmt::format("NegativeSampler: the count {} of word {} is negative", counts[w], w));
    }
    if (counts[w] == 0) continue;
    ++counted;
    least = std::min(least, counts[w]);
  }
  if (counted < 2) {
    throw ValueError(
        fmt::format("NegativeSampler: {} of {} words have a count above 0, but at least two must: "
                    "a word is not its own negative",
                    counted, counts.size()));
  }
  return least;
}

// counts^power, divided by their mean.
std::vector<double> weights_of(std::span<const std::int64_t> counts, double power) {
  if (!std::isfinite(power)) {
    throw ValueError(fmt::format("NegativeSampler: power is {}, it must be finite", power));
  }
  const std::int64_t least = checked_least(counts);
  // With a negative power the rarest word has the largest weight, 1, so that not all vanish.
  const double unit = power < 0 ? static_cast<double>(least) : 1.0;
  std::vector<double> weights;
  weights.reserve(counts.size());
  for (const std::int64_t count : counts) {
    weights.push_back(count > 0 ? std::pow(static_cast<double>(count) / unit, power) : 0.0);
  }
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto drawn = std::count_if(weights.begin(), weights.end(), [](double w) { return w > 0; });
  if (!std::isfinite(sum) || drawn < 2) {
    throw ValueError(
        fmt::format("NegativeSampler: power is {}: counts to that power are out of range of "
                    "double: use one nearer to 0",
                    power));
  }
  const double mean = sum / static_cast<double>(weights.size());
  for (double& weight : weights) weight /= mean;
  return weights;
}

}  // namespace

NegativeSampler::NegativeSampler(std::span<const std::int64_t> counts, double power)
    : weights_(weights_of(counts, power)) {
  table_ = std::make_shared<const kernels::AliasTable>(weights_);
}

std::int64_t NegativeSampler::draw_without(std::int64_t word, std::uint64_t bits) const {
  const double total = static_cast<double>(size()) - weights_[static_cast<std::size_t>(word)];
  double left = static_cast<double>(bits >> 11) * 0x1p-53 * total;
  std::int64_t last = -1;  // also drawn if rounding leaves a remainder
  for (std::int64_t w = 0; w < size() && left >= 0; ++w) {
    const double weight = weights_[static_cast<std::size_t>(w)];
    if (w == word || weight == 0) continue;
    left -= weight;
    last = w;
  }
  return last;
}

Tensor NegativeSampler::operator()(const Tensor& contexts, std::int64_t K,
                                   Generator& generator) const {
  if (!table_) detail::throw_moved_from("NegativeSampler");
  detail::check_defined("NegativeSampler", "contexts", contexts);
  if (contexts.dim() != 1) {
    throw ShapeError(
        fmt::format("NegativeSampler: contexts are {}, they must be [B]", contexts.shape().str()));
  }
  if (K < 0) throw ValueError(fmt::format("NegativeSampler: K is {}, it cannot be negative", K));
  detail::check_ids("NegativeSampler", contexts, size());
  Tensor result = detail::empty_sized("NegativeSampler", fmt::format("K is {}", K),
                                      {contexts.numel(), K}, DType::int64);
  const auto* context = contexts.data<std::int64_t>();
  auto* out = result.mutable_data<std::int64_t>();
  const kernels::AliasTable& table = *table_;
  const std::uint64_t seed = generator.seed(), offset = generator.advance(kAttempts + 1);
  parallel_for_each(result.numel(), kDrawCost, [&](std::int64_t i) {
    const std::int64_t word = context[i / K];
    const auto place = static_cast<std::uint64_t>(i);
    out[i] = word;
    for (std::uint64_t a = 0; a < kAttempts && out[i] == word; ++a) {
      out[i] = table.draw(kernels::random_bits(seed, offset + a, place));
    }
    if (out[i] == word) {
      out[i] = draw_without(word, kernels::random_bits(seed, offset + kAttempts, place));
    }
  });
  return result;
}

}  // namespace gradus
