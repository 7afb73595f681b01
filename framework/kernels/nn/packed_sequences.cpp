#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/packed_sequences.h>
#include <gradus/framework/kernels/rows.h>

#include <algorithm>
#include <numeric>

namespace gradus::kernels {
namespace {

std::vector<int64_t> all_lengths(const int64_t* lengths, int64_t B, int64_t T) {
  if (lengths) return {lengths, lengths + B};
  return std::vector<int64_t>(static_cast<size_t>(B), T);
}

/// The places of the lengths, the greatest first.
std::vector<int64_t> longest_first(const std::vector<int64_t>& lengths) {
  std::vector<int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  });
  return order;
}

}  // namespace

PackedSequences::PackedSequences(const int64_t* lengths, int64_t B, int64_t T, bool reverse,
                                 int64_t block_size)
    : T_(T),
      lengths_(all_lengths(lengths, B, T)),
      order_(longest_first(lengths_)),
      places_(std::accumulate(lengths_.begin(), lengths_.end(), int64_t{0})) {
  const int64_t blocks = (B + block_size - 1) / block_size;
  const int64_t rows = std::accumulate(lengths_.begin(), lengths_.end(), int64_t{0});
  int64_t taken = 0;  // rows
  auto begin = order_.begin();
  for (int64_t i = 1; i <= blocks; ++i) {
    auto end = begin;
    for (; end != order_.end(); ++end) {
      const int64_t length = lengths_[static_cast<size_t>(*end)];
      if (i < blocks && taken + length / 2 >= rows * i / blocks) break;
      taken += length;
    }
    if (begin != end) add_block(std::span<const int64_t>(begin, end), reverse);
    begin = end;
  }
}

int64_t PackedSequences::block_size(int64_t B, int64_t T, int64_t weight_bytes) {
  constexpr int64_t few = 12, many = 48, cached = int64_t{8} << 20;
  if (T <= 1) return std::max<int64_t>(B, 1);
  return weight_bytes <= cached ? few : std::clamp((B + 1) / 2, few, many);
}

void PackedSequences::add_block(std::span<const int64_t> order, bool reverse) {
  const auto length = [&](size_t i) { return lengths_[static_cast<size_t>(order[i])]; };
  Block block{order, {rows_}};
  size_t active = order.size();
  for (int64_t step = 0;; ++step) {
    while (active > 0 && length(active - 1) <= step) --active;
    if (active == 0) break;
    for (size_t i = 0; i < active; ++i) {
      places_[rows_++] = order[i] * T_ + (reverse ? length(i) - 1 - step : step);
    }
    block.rows.push_back(rows_);
  }
  blocks_.push_back(std::move(block));
}

template <class T>
void PackedSequences::pack(const T* x, int64_t C, T* packed) const {
  gather_rows(x, places(), rows(), C, packed);
}

template <class T>
void PackedSequences::unpack(const T* packed, int64_t C, T* y) const {
  parallel_for_each(rows(), C / 4 + 8, [=, to = places()](int64_t row) {
    std::copy_n(packed + row * C, C, y + to[row] * C);
  });
}

template <class T>
void PackedSequences::clear_padding(T* y, int64_t C) const {
  if (rows() == batch() * T_) return;
  parallel_for_each(batch(), T_ * C / 8 + 8, [&](int64_t b) {
    const int64_t length = lengths_[static_cast<size_t>(b)];
    std::fill_n(y + (b * T_ + length) * C, (T_ - length) * C, T{0});
  });
}

#define GRADUS_PACKED_SEQUENCES(T)                                       \
  template void PackedSequences::pack<T>(const T*, int64_t, T*) const;   \
  template void PackedSequences::unpack<T>(const T*, int64_t, T*) const; \
  template void PackedSequences::clear_padding<T>(T*, int64_t) const;
GRADUS_PACKED_SEQUENCES(float)
GRADUS_PACKED_SEQUENCES(double)
#undef GRADUS_PACKED_SEQUENCES

}  // namespace gradus::kernels
