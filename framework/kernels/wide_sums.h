#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

// Many floats that are added one by one to many places lose digits where one place gets many of
// them: ones stop counting at 2^24. Such places are found by counting and summed in double.
namespace gradus::kernels {

/// Counts the additions to targets by a hash of them. What is frequent depends on the targets
/// alone, never on threads.
class FrequentTargets {
 public:
  /// Additions to one target that floats stand: their rounding errors stay within 64 half units.
  static constexpr int64_t limit = 64;

  /// For n additions or so.
  explicit FrequentTargets(int64_t n) {
    if (n <= limit) return;
    // One bucket gets 32 additions on average at most: with more of them all would be frequent.
    const auto width = [n](int shift) {
      return static_cast<int>(std::bit_width(static_cast<uint64_t>(n) >> shift));
    };
    shift_ = 64 - std::max(std::min(width(3), 18), width(5));
    counts_.resize(size_t{1} << (64 - shift_));
  }

  void count(int64_t target) {
    uint32_t& count = counts_[bucket(target)];
    if (count < limit + 1) ++count;
    most_ = most_ < count ? count : most_;
  }

  bool any() const { return most_ > limit; }
  /// True for each target with more than `limit` additions, and for a few others.
  bool has(int64_t target) const { return counts_[bucket(target)] > limit; }

  size_t bucket(int64_t target) const {
    return static_cast<uint64_t>(target) * 0x9E3779B97F4A7C15u >> shift_;
  }
  size_t buckets() const { return counts_.size(); }

 private:
  int shift_ = 63;
  uint32_t most_ = 0;
  std::vector<uint32_t> counts_;
};

/// Sums in double of runs of `width` floats that start at y + target; written there by finish().
class WideSums {
 public:
  WideSums(const FrequentTargets& frequent, int64_t width, float* y)
      : frequent_(frequent), width_(width), y_(y), first_(frequent.buckets(), -1) {}

  /// The sums of a target, which start at what y has.
  double* at(int64_t target) {
    int32_t& first = first_[frequent_.bucket(target)];
    for (int32_t i = first; i >= 0; i = entries_[static_cast<size_t>(i)].next) {
      if (entries_[static_cast<size_t>(i)].target == target) return sums(i);
    }
    const auto added = static_cast<int32_t>(entries_.size());
    entries_.push_back({target, first});
    first = added;
    sums_.insert(sums_.end(), y_ + target, y_ + target + width_);
    return sums(added);
  }

  void finish() const {
    const double* sum = sums_.data();
    for (const Entry& entry : entries_) {
      float* to = y_ + entry.target;
      for (int64_t i = 0; i < width_; ++i) to[i] = static_cast<float>(*sum++);
    }
  }

 private:
  struct Entry {
    int64_t target;
    int32_t next;  // of the same bucket, or -1
  };

  double* sums(int32_t i) { return sums_.data() + i * width_; }

  const FrequentTargets& frequent_;
  int64_t width_;
  float* y_;
  std::vector<int32_t> first_;
  std::vector<Entry> entries_;
  std::vector<double> sums_;
};

}  // namespace gradus::kernels
