#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/batch_sampler.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

void require(bool right, const char* sampler, const char* name, std::int64_t value,
             const char* cure) {
  if (!right) throw ValueError(fmt::format("{}: {} is {}, it must {}", sampler, name, value, cure));
}

void require_lengths(const char* sampler, const Ids& lengths) {
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] >= 0) continue;
    throw ValueError(fmt::format("{}: the length of sample {} is {}", sampler, i, lengths[i]));
  }
}

Ids first_order(std::int64_t n, bool shuffle, Generator& generator) {
  Ids order(at(n));
  if (!shuffle) {
    std::iota(order.begin(), order.end(), 0);
    return order;
  }
  const Tensor drawn = randperm(n, generator);
  std::copy(drawn.span<std::int64_t>().begin(), drawn.span<std::int64_t>().end(), order.begin());
  return order;
}

/// Consecutive samples of `order` in batches of one size.
Batches cut(const Ids& order, const BatchOptions& options) {
  Batches batches;
  const std::span<const std::int64_t> all = order;
  const std::size_t size = at(options.batch_size);
  for (std::size_t begin = 0; begin < all.size(); begin += size) {
    const std::size_t rest = all.size() - begin;
    if (rest < size && options.drop_last) break;
    batches.add(all.subspan(begin, std::min(size, rest)));
  }
  return batches;
}

Batches shuffled(const Batches& batches, Generator& generator) {
  Batches result;
  for (const std::int64_t k : first_order(batches.size(), true, generator)) result.add(batches[k]);
  return result;
}

/// A random order, sorted by length within pools of `pool` samples.
Ids order_by_length(const Ids& lengths, std::int64_t pool, bool shuffle, Generator& generator) {
  Ids order = first_order(std::ssize(lengths), shuffle, generator);
  const auto shorter = [&](std::int64_t a, std::int64_t b) {
    return lengths[at(a)] < lengths[at(b)];
  };
  const auto n = std::ssize(order);
  for (std::int64_t begin = 0; begin < n; begin += std::min(pool, n - begin)) {
    std::stable_sort(order.begin() + begin, order.begin() + begin + std::min(pool, n - begin),
                     shorter);
  }
  return order;
}

/// a * b, or the largest number.
std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? std::numeric_limits<std::int64_t>::max() : result;
}

}  // namespace

std::span<const std::int64_t> Batches::operator[](std::int64_t k) const {
  if (k < 0 || k >= size()) {
    throw IndexError(fmt::format("Batches: there is no batch {}, there are {}", k, size()));
  }
  const std::int64_t begin = k == 0 ? 0 : ends_[at(k - 1)];
  return std::span(samples_).subspan(at(begin), at(ends_[at(k)] - begin));
}

void Batches::add(std::span<const std::int64_t> samples) {
  samples_.insert(samples_.end(), samples.begin(), samples.end());
  ends_.push_back(std::ssize(samples_));
}

BatchSampler batches_by_count(std::int64_t samples, const BatchOptions& options) {
  require(samples >= 0, "batches_by_count", "samples", samples, "not be negative");
  require(options.batch_size > 0, "batches_by_count", "batch_size", options.batch_size,
          "be above 0");
  return [=](Generator& generator) {
    return cut(first_order(samples, options.shuffle, generator), options);
  };
}

BatchSampler batches_by_length(std::vector<std::int64_t> lengths, const BatchOptions& options,
                               std::int64_t pool) {
  require(options.batch_size > 0, "batches_by_length", "batch_size", options.batch_size,
          "be above 0");
  require(pool > 0, "batches_by_length", "pool", pool, "be above 0");
  require_lengths("batches_by_length", lengths);
  return [lengths = std::move(lengths), options, pool](Generator& generator) {
    const std::int64_t samples = product(pool, options.batch_size);
    const Batches batches =
        cut(order_by_length(lengths, samples, options.shuffle, generator), options);
    return options.shuffle ? shuffled(batches, generator) : batches;
  };
}

BatchSampler batches_by_tokens(std::vector<std::int64_t> lengths, std::int64_t max_tokens,
                               const BatchOptions& options, std::int64_t pool) {
  require(max_tokens > 0, "batches_by_tokens", "max_tokens", max_tokens, "be above 0");
  require(options.batch_size >= 0, "batches_by_tokens", "batch_size", options.batch_size,
          "not be negative");
  require(pool > 0, "batches_by_tokens", "pool", pool, "be above 0");
  require_lengths("batches_by_tokens", lengths);
  return [lengths = std::move(lengths), max_tokens, options, pool](Generator& generator) {
    const std::int64_t total = std::reduce(lengths.begin(), lengths.end());
    const std::int64_t mean = total / std::max<std::int64_t>(std::ssize(lengths), 1);
    const std::int64_t typical =
        max_tokens / std::max<std::int64_t>(mean, 1);  // samples in a batch
    const Ids order = order_by_length(lengths, product(pool, std::max<std::int64_t>(typical, 1)),
                                      options.shuffle, generator);
    Batches batches;
    Ids open;
    std::int64_t longest = 0;
    for (const std::int64_t i : order) {
      const std::int64_t length = std::max(longest, lengths[at(i)]), count = std::ssize(open) + 1;
      const bool full = product(length, count) > max_tokens ||
                        (options.batch_size > 0 && count > options.batch_size);
      if (full && !open.empty()) {
        batches.add(open);
        open.clear();
      }
      longest = open.empty() ? lengths[at(i)] : length;
      open.push_back(i);
    }
    if (!open.empty() && !options.drop_last) batches.add(open);
    return options.shuffle ? shuffled(batches, generator) : batches;
  };
}

BatchSampler weighted_batches(std::vector<double> weights, std::int64_t draws,
                              const BatchOptions& options) {
  require(draws >= 0, "weighted_batches", "draws", draws, "not be negative");
  require(options.batch_size > 0, "weighted_batches", "batch_size", options.batch_size,
          "be above 0");
  double total = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (!(std::isfinite(weights[i]) && weights[i] >= 0)) {
      throw ValueError(
          fmt::format("weighted_batches: the weight of sample {} is {}", i, weights[i]));
    }
    weights[i] = total += weights[i];
  }
  if (draws > 0 && !(total > 0 && std::isfinite(total))) {
    throw ValueError(fmt::format("weighted_batches: the weights sum up to {}", total));
  }
  return [sums = std::move(weights), draws, options](Generator& generator) {
    Ids order(at(draws));
    for (std::int64_t& i : order) {
      const double drawn = generator.uniform() * sums.back();
      const auto place = std::upper_bound(sums.begin(), sums.end(), drawn);
      i = std::min(place - sums.begin(), std::ssize(sums) - 1);
    }
    return cut(order, options);
  };
}

std::vector<double> balanced_weights(std::span<const std::int64_t> labels) {
  std::map<std::int64_t, double> counts;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0) {
      throw IndexError(fmt::format("balanced_weights: the label of sample {} is {}", i, labels[i]));
    }
    ++counts[labels[i]];
  }
  std::vector<double> weights;
  weights.reserve(labels.size());
  for (const std::int64_t label : labels) weights.push_back(1 / counts[label]);
  return weights;
}

namespace {

/// Fills batches with samples of distinct keys, in order; the others wait by key.
class DistinctBatches {
 public:
  DistinctBatches(const Ids& keys, std::int64_t batch_size)
      : keys_(keys), batch_size_(batch_size) {}

  Batches run(const Ids& order, bool drop_last) {
    std::size_t next = 0;
    Batches batches;
    while (next < order.size() || !ready_.empty()) {
      std::unordered_set<std::int64_t> taken;
      Ids batch, again;  // and the keys that still have waiting samples after it
      while (!ready_.empty() && std::ssize(batch) < batch_size_) {
        const std::int64_t key = ready_.front();
        std::deque<std::int64_t>& samples = waiting_[key];
        batch.push_back(samples.front());
        taken.insert(key);
        samples.pop_front();
        ready_.pop_front();
        if (!samples.empty()) again.push_back(key);
      }
      for (; next < order.size() && std::ssize(batch) < batch_size_; ++next) {
        const std::int64_t key = keys_[at(order[next])];
        if (taken.insert(key).second) {
          batch.push_back(order[next]);
        } else {
          if (waiting_[key].empty()) again.push_back(key);
          waiting_[key].push_back(order[next]);
        }
      }
      ready_.insert(ready_.end(), again.begin(), again.end());
      if (std::ssize(batch) == batch_size_ || !drop_last) batches.add(batch);
    }
    return batches;
  }

 private:
  const Ids& keys_;
  std::int64_t batch_size_;
  std::unordered_map<std::int64_t, std::deque<std::int64_t>> waiting_;
  std::deque<std::int64_t> ready_;  // keys with waiting samples, each once
};

}  // namespace

BatchSampler distinct_batches(std::vector<std::int64_t> keys, const BatchOptions& options) {
  require(options.batch_size > 0, "distinct_batches", "batch_size", options.batch_size,
          "be above 0");
  return [keys = std::move(keys), options](Generator& generator) {
    const Ids order = first_order(std::ssize(keys), options.shuffle, generator);
    return DistinctBatches(keys, options.batch_size).run(order, options.drop_last);
  };
}

}  // namespace gradus
