#pragma once
#include <gradus/framework/kernels/scratch.h>

#include <cstdint>

namespace gradus::kernels {

/// True if packed_gemm() is faster than oneDNN (float) or BLAS (double, or builds without oneDNN),
/// judged by the shape alone: for small products, where those spend much of their time on packing,
/// and for the weight gradients of many tokens.
template <class T>
bool packed_gemm_is_faster(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k);

/// C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C on the calling thread, for m, n, k > 0 and
/// arguments as in gemm(). Each element is a sum over k in pieces of up to 512, which are added in
/// order.
template <class T>
void packed_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                 int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

/// op(B) [k, n], packed once for many products with it. T is float or double.
template <class T>
class PackedMatrix {
 public:
  PackedMatrix(bool transposed, int64_t k, int64_t n, const T* b, int64_t ldb);

  /// C [m, n] = A [m, k] op(B) + beta C on the calling thread, for k > 0. The bits of a row of C
  /// depend on the same row of A (and of C), not on the others.
  void multiply(int64_t m, const T* a, int64_t lda, T beta, T* c, int64_t ldc) const;

 private:
  int64_t k_, n_;
  Scratch<T> panels_;
};

}  // namespace gradus::kernels
