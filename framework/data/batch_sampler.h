#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/random.h>

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace gradus {

/// The batches of an epoch: which samples each holds, by position in the data set.
class GRADUS_API Batches {
 public:
  std::int64_t size() const { return static_cast<std::int64_t>(ends_.size()); }
  /// The samples of batch k. Throws IndexError.
  std::span<const std::int64_t> operator[](std::int64_t k) const;
  /// Appends a batch.
  void add(std::span<const std::int64_t> samples);

 private:
  std::vector<std::int64_t> samples_;
  std::vector<std::int64_t> ends_;  // of each batch in samples_
};

/// Chooses the batches of an epoch. All randomness comes from the generator, which is a new one for
/// each epoch.
using BatchSampler = std::function<Batches(Generator& generator)>;

struct BatchOptions {
  std::int64_t batch_size = 0;  ///< samples in a batch
  bool shuffle = false;         ///< a new order in each epoch
  bool drop_last = false;       ///< leave out a last batch that is smaller
};

/// All of `samples` samples, batch_size at a time. Throws ValueError for a count out of range.
GRADUS_API BatchSampler batches_by_count(std::int64_t samples, const BatchOptions& options);

/// Samples of similar length share a batch, so that there is little padding: the order (a random
/// one with `shuffle`) is cut into pools of `pool` batches, each pool is sorted by length, and with
/// `shuffle` the batches are put into random order. lengths: of each sample. Throws ValueError for
/// a negative length or a count out of range.
GRADUS_API BatchSampler batches_by_length(std::vector<std::int64_t> lengths,
                                          const BatchOptions& options, std::int64_t pool = 50);

/// As batches_by_length(), with as many samples in a batch as keep its padded size, the number of
/// samples times the greatest length, at most max_tokens. A sample that is longer than max_tokens
/// has a batch of its own. options.batch_size limits the number of samples too, unless it is 0.
GRADUS_API BatchSampler batches_by_tokens(std::vector<std::int64_t> lengths,
                                          std::int64_t max_tokens, const BatchOptions& options = {},
                                          std::int64_t pool = 50);

/// Draws `draws` samples an epoch with replacement, each with a probability proportional to
/// weights[i]; options.shuffle has no meaning. Throws ValueError unless all weights are finite and
/// not negative, and one is above 0.
GRADUS_API BatchSampler weighted_batches(std::vector<double> weights, std::int64_t draws,
                                         const BatchOptions& options);

/// A weight for each sample that makes all classes equally frequent: 1 / (samples of its class).
/// labels: the class of each sample. Throws IndexError for a negative label.
GRADUS_API std::vector<double> balanced_weights(std::span<const std::int64_t> labels);

/// No two samples with the same key share a batch, as losses with in-batch negatives need. A sample
/// that finds its key taken waits for a later batch; batches near the end may be smaller.
/// keys: of each sample.
/// Source: the NoDuplicatesBatchSampler of Sentence Transformers.
GRADUS_API BatchSampler distinct_batches(std::vector<std::int64_t> keys,
                                         const BatchOptions& options);

}  // namespace gradus
