#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

// When many floats are added one by one to many places, a place that gets many of them loses
// digits: a sum of ones stops growing at 2^24. Such places are found by counting and summed in
// double.
namespace gradus::kernels {

inline uint64_t target_hash(int64_t target) {
  return static_cast<uint64_t>(target) * 0x9E3779B97F4A7C15u;
}

/// Counts the additions to targets by a hash of the target. Which targets are frequent depends on
/// the targets alone, never on threads.
class FrequentTargets {
 public:
  /// How many additions to one target are made in float: their rounding errors mostly cancel, down
  /// to about sqrt(4096) half units. Looking for rarer targets would cost more time than it is
  /// worth.
  static constexpr int64_t limit = 4096;

  /// For about n additions.
  explicit FrequentTargets(int64_t n) {
    if (n <= limit) return;
    // A bucket gets some 64 additions on average, so few are frequent by chance.
    shift_ = 64 - static_cast<int>(std::bit_width(static_cast<uint64_t>(n) >> 6));
    counts_.resize(size_t{1} << (64 - shift_));
  }

  void count(int64_t target) {
    uint16_t& count = counts_[bucket(target)];
    if (count < limit + 1) ++count;
    most_ = most_ < count ? count : most_;
  }

  bool any() const { return most_ > limit; }
  /// True for each target with more than `limit` additions, and for a few others.
  bool has(int64_t target) const { return counts_[bucket(target)] > limit; }

  size_t bucket(int64_t target) const { return target_hash(target) >> shift_; }
  size_t buckets() const { return counts_.size(); }

 private:
  int shift_ = 63;
  uint16_t most_ = 0;
  std::vector<uint16_t> counts_;  // up to limit + 1
};

/// Sums, in double, of runs of `width` floats that start at y + target; finish() writes them there.
class WideSums {
 public:
  WideSums(int64_t width, float* y) : width_(width), y_(y), places_(64, -1) {}

  /// The sums of a target, which start with the values of y.
  double* at(int64_t target) {
    const size_t place = place_of(target);
    if (places_[place] >= 0) return sums_.data() + places_[place] * width_;
    places_[place] = static_cast<int64_t>(targets_.size());
    targets_.push_back(target);
    sums_.insert(sums_.end(), y_ + target, y_ + target + width_);
    if (2 * targets_.size() > places_.size()) spread();
    return sums_.data() + sums_.size() - width_;
  }

  void finish() const {
    const double* sum = sums_.data();
    for (const int64_t target : targets_) {
      for (int64_t i = 0; i < width_; ++i) y_[target + i] = static_cast<float>(*sum++);
    }
  }

 private:
  /// The place of the target's number, or where it would be.
  size_t place_of(int64_t target) const {
    size_t place = target_hash(target) >> 32;
    for (;; ++place) {
      place &= places_.size() - 1;
      const int64_t number = places_[place];
      if (number < 0 || targets_[static_cast<size_t>(number)] == target) return place;
    }
  }

  void spread() {
    places_.assign(4 * places_.size(), -1);
    for (size_t i = 0; i < targets_.size(); ++i) {
      places_[place_of(targets_[i])] = static_cast<int64_t>(i);
    }
  }

  int64_t width_;
  float* y_;
  std::vector<int64_t> places_;  // a hash table of the numbers of targets, -1 where empty
  std::vector<int64_t> targets_;
  std::vector<double> sums_;
};

}  // namespace gradus::kernels
