#pragma once
// For authors of ops: loops over operands that broadcast.
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/base/shape.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace gradus::detail {

/// The runs of a broadcast result: run() consecutive elements each, in which operand k starts at
/// offsets(index)[k] and advances by run_strides()[k], 0 or 1, per element.
template <std::size_t N>
class Broadcast {
 public:
  Broadcast(const Shape& result, const std::array<const Shape*, N>& shapes) {
    for (int axis = 0; axis < result.rank(); ++axis) {
      const std::int64_t size = result[axis];
      if (size == 1) continue;
      AxisRun group{size, {}};
      for (std::size_t k = 0; k < N; ++k) {
        const int own = axis - (result.rank() - shapes[k]->rank());
        group.moves[k] = own >= 0 && (*shapes[k])[own] != 1;
      }
      if (count_ > 0 && groups_[count_ - 1].moves == group.moves) {
        groups_[count_ - 1].size *= size;
      } else {
        groups_[count_++] = group;
      }
    }
    if (count_ == 0) groups_[count_++] = {1, {}};
    std::array<std::int64_t, N> stride;
    stride.fill(1);
    for (std::size_t g = count_; g-- > 0;) {
      for (std::size_t k = 0; k < N; ++k) {
        strides_[g][k] = groups_[g].moves[k] ? stride[k] : 0;
        if (groups_[g].moves[k]) stride[k] *= groups_[g].size;
      }
    }
  }

  std::int64_t run() const { return groups_[count_ - 1].size; }  ///< elements of a run
  std::array<std::int64_t, N> run_strides() const { return strides_[count_ - 1]; }

  /// Offsets of the operands at the start of run `index`.
  std::array<std::int64_t, N> offsets(std::int64_t index) const {
    std::array<std::int64_t, N> result{};
    for (std::size_t g = count_ - 1; g-- > 0;) {
      const std::int64_t i = index % groups_[g].size;
      index /= groups_[g].size;
      for (std::size_t k = 0; k < N; ++k) result[k] += i * strides_[g][k];
    }
    return result;
  }

 private:
  struct AxisRun {  // adjacent axes along which the same operands move
    std::int64_t size = 1;
    std::array<bool, N> moves{};
  };
  std::array<AxisRun, Shape::max_rank> groups_;
  std::array<std::array<std::int64_t, N>, Shape::max_rank> strides_{};
  std::size_t count_ = 0;
};

/// Calls f(offsets, begin, n) in parallel for parts of the runs, which have `numel` elements in
/// all: n elements from `begin` on, with operand k starting at offsets[k]. `cost` is the work per
/// element.
template <std::size_t N, class F>
void for_each_run(const Broadcast<N>& loop, std::int64_t numel, std::int64_t cost, const F& f) {
  if (numel == 0) return;
  const std::int64_t n = loop.run();
  if (n == numel) {
    const std::array<std::int64_t, N> strides = loop.run_strides();
    return parallel_for(n, cost, [&](std::int64_t begin, std::int64_t end) {
      std::array<std::int64_t, N> at = strides;
      for (std::int64_t& offset : at) offset *= begin;
      f(at, begin, end - begin);
    });
  }
  parallel_for_each(numel / n, n * cost, [&](std::int64_t i) { f(loop.offsets(i), i * n, n); });
}

}  // namespace gradus::detail
