#pragma once
#include <cstdint>

namespace gradus::kernels {

/// True if packed_gemm() is faster than oneDNN (float) or BLAS (double, or builds without oneDNN),
/// judged by the shape alone: for small products, where those spend much of their time on packing.
template <class T>
bool packed_gemm_is_faster(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k);

/// C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C on the calling thread, for m, n, k > 0 and
/// arguments as in gemm(). Each element is one sum over k, in order: meant for k up to a thousand.
template <class T>
void packed_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                 int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

}  // namespace gradus::kernels
