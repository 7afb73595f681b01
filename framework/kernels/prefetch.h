#pragma once
#include <algorithm>
#include <cstdint>

namespace gradus::kernels {

inline constexpr int64_t kLine = 64;      // bytes of a cache line
inline constexpr int64_t kMissCost = 24;  // a row's cache misses, in additions

/// Prefetches rows some way ahead of their use: about 8 KiB ahead, and at most 2 KiB of each row,
/// since the hardware follows longer runs by itself.
template <bool kForWriting>
class Prefetcher {
 public:
  Prefetcher(const void* table, int64_t row_bytes)
      : table_(static_cast<const char*>(table)),
        row_bytes_(row_bytes),
        ahead_(std::clamp<int64_t>(8192 / std::max<int64_t>(row_bytes, 1), 2, 32)),
        bytes_(std::min<int64_t>(row_bytes, 2048)) {}

  int64_t ahead() const { return ahead_; }

  void operator()(int64_t id) const {
    const char* row = table_ + id * row_bytes_;
    for (int64_t i = 0; i < bytes_; i += kLine) __builtin_prefetch(row + i, kForWriting ? 1 : 0);
    if (bytes_ > 0) __builtin_prefetch(row + bytes_ - 1, kForWriting ? 1 : 0);
  }

 private:
  const char* table_;
  int64_t row_bytes_, ahead_, bytes_;
};

}  // namespace gradus::kernels
