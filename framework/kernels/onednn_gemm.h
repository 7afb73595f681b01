#pragma once
#include <cstdint>

namespace gradus::kernels {

/// True if products of float can go to oneDNN. The first call looks for the library at run time,
/// and warns if it is not there; gradus does not link it (docs/decisions/0012).
bool has_onednn();

/// C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C by oneDNN on the calling thread, for
/// alpha != 0 and arguments as in gemm(). Needs has_onednn(). oneDNN compiles its kernels for the
/// processor it finds, whatever gradus itself is compiled for.
void onednn_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc);

}  // namespace gradus::kernels
