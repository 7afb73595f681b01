#pragma once
#include <cstdint>

namespace gradus::kernels {

#ifdef GRADUS_ONEDNN
/// C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C by oneDNN on the calling thread, arguments
/// as in gemm(). oneDNN compiles its kernels for the processor that it finds, whatever gradus
/// itself is compiled for.
void onednn_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc);
#endif

}  // namespace gradus::kernels
