#include <gradus/framework/kernels/select.h>

#include <algorithm>

namespace gradus::kernels {

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
  // Both are read before one is chosen, so that the loops have no branch.
  if (stride_a != 0 && stride_b != 0) {
    for (int64_t i = 0; i < n; ++i) {
      const T left = a[i], right = b[i];
      y[i] = mask[i] ? left : right;
    }
  } else if (stride_a != 0) {
    for (int64_t i = 0; i < n; ++i) {
      const T left = a[i];
      y[i] = mask[i] ? left : first_b;
    }
  } else if (stride_b != 0) {
    for (int64_t i = 0; i < n; ++i) {
      const T right = b[i];
      y[i] = mask[i] ? first_a : right;
    }
  } else {
    for (int64_t i = 0; i < n; ++i) y[i] = mask[i] ? first_a : first_b;
  }
}

int64_t count_true(const bool* mask, int64_t n) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; ++i) count += int64_t{mask[i]};
  return count;
}

void true_positions(const bool* mask, int64_t n, int64_t* out) {
  for (int64_t i = 0; i < n; ++i) {
    if (mask[i]) *out++ = i;
  }
}

#define GRADUS_SELECT(T) \
  template void select(const bool*, int64_t, const T*, int64_t, const T*, int64_t, T*, int64_t);
GRADUS_SELECT(float)
GRADUS_SELECT(double)
GRADUS_SELECT(int64_t)
GRADUS_SELECT(bool)
#undef GRADUS_SELECT

}  // namespace gradus::kernels
