#pragma once
#include <cstdint>

/// Matrix products, row-major. T is float or double. `ld` is the number of elements from one row of
/// the stored matrix to the next; op(X) is X, or its transpose if the flag is set. beta == 0
/// overwrites C without reading it. The work is split by shape only: the bits do not depend on the
/// number of threads.
namespace gradus::kernels {

/// C [m, n] = alpha op(A) [m, k] op(B) [k, n] + beta C.
template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc);

/// The matrices of a batch [outer, inner]: matrix (o, i) starts at
/// data + o * outer_stride + i * inner_stride. A stride of 0 shares an operand.
template <class T>
struct Matrices {
  T* data;
  int64_t ld;
  int64_t outer_stride;
  int64_t inner_stride;
};

/// `gemm` for every (o, i) of a batch [outer, inner], such as the heads of attention read in place
/// from [batch, time, heads * size]. The matrices of C do not overlap.
template <class T>
void gemm_batched(bool trans_a, bool trans_b, int64_t outer, int64_t inner, int64_t m, int64_t n,
                  int64_t k, T alpha, Matrices<const T> a, Matrices<const T> b, T beta,
                  Matrices<T> c);

/// The same for a batch of contiguous matrices, `stride` elements apart.
template <class T>
void gemm_batched(bool trans_a, bool trans_b, int64_t batch, int64_t m, int64_t n, int64_t k,
                  T alpha, const T* a, int64_t stride_a, const T* b, int64_t stride_b, T beta, T* c,
                  int64_t stride_c);

/// y [rows, out] = x [rows, in] W^T + bias for a contiguous W [out, in]; bias may be null. It is
/// added to each block of y while that is in a cache.
template <class T>
void linear(const T* x, const T* weight, const T* bias, T* y, int64_t rows, int64_t in,
            int64_t out);

}  // namespace gradus::kernels
