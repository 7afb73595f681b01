#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace gradus::kernels {
namespace {

constexpr int64_t group = 64;  // words that random_words() makes at once

/// The words of one sequence, one after another.
class Words {
 public:
  Words(uint64_t seed, uint64_t offset) : seed_(seed), offset_(offset) {}

  /// An unbiased integer in [0, n). Source: Lemire 2019, "Fast random integer generation in an
  /// interval".
  int64_t below(uint32_t n) {
    uint64_t product = uint64_t{next()} * n;
    if (static_cast<uint32_t>(product) < n) {
      const uint32_t reject = (0 - n) % n;
      while (static_cast<uint32_t>(product) < reject) product = uint64_t{next()} * n;
    }
    return static_cast<int64_t>(product >> 32);
  }

 private:
  uint32_t next() {
    if (used_ == group) {
      random_words(seed_, offset_, groups_++, words_, group);
      used_ = 0;
    }
    return words_[used_++];
  }

  uint64_t seed_, offset_;
  int64_t groups_ = 0, used_ = group;
  uint32_t words_[group];
};

/// Buckets of about 32768 elements, which fit in the second-level cache; at most 2^11 buckets.
int bucket_bits(int64_t n) {
  if (n <= 65536) return 0;
  return std::min(static_cast<int>(std::bit_width(static_cast<uint64_t>(n - 1) / 32768)), 11);
}

/// Distributes 0, ..., n - 1 over buckets, each number to any bucket with the same probability;
/// start [buckets + 1] = where in y each bucket begins.
void fill_buckets(uint64_t seed, uint64_t offset, int64_t* y, int64_t n, int bits, int64_t* start) {
  const int64_t buckets = int64_t{1} << bits;
  const int64_t chunks = std::clamp<int64_t>(n / 65536, 1, 64);
  const int64_t length = ((n - 1) / chunks / group + 1) * group;
  const Scratch<uint16_t> bucket(n);
  const Scratch<int64_t> counts(chunks * buckets);  // later: where the next element goes
  const auto for_chunks = [=](const auto& f) {
    parallel_for_each(chunks, 4 * length, [&](int64_t c) {
      f(c * buckets, std::min(n, c * length), std::min(n, (c + 1) * length));
    });
  };
  for_chunks([&](int64_t row, int64_t begin, int64_t end) {
    int64_t* count = counts.data() + row;
    std::fill_n(count, buckets, int64_t{0});
    uint32_t words[group];
    for (int64_t i = begin; i < end; i += group) {
      const int64_t some = std::min(group, end - i);
      random_words(seed, offset, i / group, words, some);
      for (int64_t k = 0; k < some; ++k) {
        bucket[i + k] = static_cast<uint16_t>(words[k] >> (32 - bits));
        ++count[bucket[i + k]];
      }
    }
  });
  int64_t next = 0;
  for (int64_t b = 0; b < buckets; ++b) {
    start[b] = next;
    for (int64_t c = 0; c < chunks; ++c) next += std::exchange(counts[c * buckets + b], next);
  }
  start[buckets] = n;
  for_chunks([&](int64_t row, int64_t begin, int64_t end) {
    int64_t* place = counts.data() + row;
    for (int64_t i = begin; i < end; ++i) y[place[bucket[i]]++] = i;
  });
}

void shuffle(Words words, int64_t* y, int64_t n) {
  for (int64_t i = n - 1; i > 0; --i) std::swap(y[i], y[words.below(static_cast<uint32_t>(i + 1))]);
}

}  // namespace

uint64_t permutation_offsets(int64_t n) { return 1 + (uint64_t{1} << bucket_bits(n)); }

void random_permutation(uint64_t seed, uint64_t offset, int64_t* y, int64_t n) {
  const int bits = bucket_bits(n);
  const int64_t buckets = int64_t{1} << bits;
  if (bits == 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = i;
    return shuffle({seed, offset + 1}, y, n);
  }
  const Scratch<int64_t> start(buckets + 1);
  fill_buckets(seed, offset, y, n, bits, start.data());
  parallel_for_each(buckets, 8 * (n / buckets), [&](int64_t b) {
    shuffle({seed, offset + 1 + static_cast<uint64_t>(b)}, y + start[b], start[b + 1] - start[b]);
  });
}

}  // namespace gradus::kernels
