#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus::kernels {

/// Draws from a finite distribution in constant time: each slot holds the probability 1 / n, part
/// of it from its own entry and the rest from one other entry. An entry of weight 0 is never drawn.
/// Source: Vose 1991, "A linear algorithm for generating random numbers with a given distribution".
class GRADUS_API AliasTable {
 public:
  AliasTable() = default;
  /// Weights are finite, not negative, and not all 0; they need not add up to 1.
  explicit AliasTable(std::span<const double> weights);

  int64_t size() const { return static_cast<int64_t>(slots_.size()); }

  /// The high word of bits * n is the slot, the low word a fraction that is independent of it.
  int64_t draw(uint64_t bits) const {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(bits) * slots_.size();
    const auto slot = static_cast<size_t>(product >> 64);
    return static_cast<uint64_t>(product) < slots_[slot].keep ? static_cast<int64_t>(slot)
                                                              : slots_[slot].other;
  }

 private:
  struct Slot {
    uint64_t keep;  // of 2^64
    int64_t other;
  };
  std::vector<Slot> slots_;
};

}  // namespace gradus::kernels
