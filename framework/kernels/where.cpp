#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/kernels/where.h>

#include <algorithm>
#include <bit>
#include <type_traits>

namespace gradus::kernels {
namespace {

/// mask ? a : b without a branch, which would be mispredicted for the masks of dropout and
/// attention.
template <class T>
T pick(bool mask, T a, T b) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint8_t>>;
  const auto keep = static_cast<Bits>(0 - Bits{mask});  // all ones or none
  const auto other = static_cast<Bits>(~keep);
  return std::bit_cast<T>(
      static_cast<Bits>((std::bit_cast<Bits>(a) & keep) | (std::bit_cast<Bits>(b) & other)));
}

}  // namespace

template <class T>
void select(const bool* mask, int64_t stride_mask, const T* a, int64_t stride_a, const T* b,
            int64_t stride_b, T* y, int64_t n) {
  if (n <= 0) return;
  if (stride_mask == 0) {
    const T* from = *mask ? a : b;
    (*mask ? stride_a : stride_b) != 0 ? std::copy_n(from, n, y) : std::fill_n(y, n, *from);
    return;
  }
  const T first_a = *a, first_b = *b;
  if (stride_a != 0 && stride_b != 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = pick(mask[i], a[i], b[i]);
  } else if (stride_a != 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = pick(mask[i], a[i], first_b);
  } else if (stride_b != 0) {
    for (int64_t i = 0; i < n; ++i) y[i] = pick(mask[i], first_a, b[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = pick(mask[i], first_a, first_b);
  }
}

int64_t count_true(const bool* mask, int64_t n) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += int64_t{mask[i]};
  return count;
}

void true_positions(const bool* mask, int64_t count, int64_t* out) {
  for (int64_t i = 0, k = 0; k < count; ++i) {  // without a branch on the mask
    out[k] = i;
    k += int64_t{mask[i]};
  }
}

GRADUS_INSTANTIATE_ALL(select)

}  // namespace gradus::kernels
