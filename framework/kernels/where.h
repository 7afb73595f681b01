#pragma once
#include <cstdint>

namespace gradus::kernels {

/// y = mask ? a : b, bit for bit, on the calling thread. A stride is 1, or 0 for one value
/// repeated. T: float, double, int64_t, bool.
template <class T>
void select(const bool* mask, int64_t stride_mask, const T* a, int64_t stride_a, const T* b,
            int64_t stride_b, T* y, int64_t n);

int64_t count_true(const bool* mask, int64_t n);

/// out = the first `count` positions where mask is true, in order; there must be at least that
/// many.
void true_positions(const bool* mask, int64_t count, int64_t* out);

}  // namespace gradus::kernels
