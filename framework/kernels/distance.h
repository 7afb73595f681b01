#pragma once
#include <cstdint>

namespace gradus::kernels {

// Distances and angles between contiguous rows. T: float, double. Large and small values neither
// overflow nor underflow; NaN gives NaN. Nothing depends on the number of threads.

/// y [batch, P, R] = the p-norm of a [batch, P, M] - b [batch, R, M], row by row; p in [0, inf].
template <class T>
void cdist(const T* a, const T* b, T* y, int64_t batch, int64_t P, int64_t R, int64_t M, double p);

/// da [batch, P, M] = the gradient of a for the cotangent g of y = cdist(a, b). g and y are stored
/// with these strides for the rows of a and of b, P * R elements per batch; swap a and b for the
/// gradient of b. 0 for a distance of 0 and where the values are equal; ties share evenly if p is
/// infinity.
template <class T>
void cdist_vjp(const T* g, const T* y, int64_t stride_a, int64_t stride_b, const T* a, const T* b,
               T* da, int64_t batch, int64_t P, int64_t R, int64_t M, double p);

/// What backward needs to know about a pair of rows.
struct CosineMoments {
  double norm_a, norm_b, cosine;
};

/// y [R] = a b / (max(|a|, eps) max(|b|, eps)) for the rows of a and b [R, C]; 0 where a divisor is
/// 0. `moments` [R] is for the derivative.
template <class T>
void cosine_similarity(const T* a, const T* b, double eps, T* y, CosineMoments* moments, int64_t R,
                       int64_t C);

/// da = g_r (b / (|a| |b|) - cosine a / |a|^2) with norms raised to at least eps, without the
/// second term where |a| < eps; 0 where g_r or a divisor is 0. For the gradient of b, swap a and b
/// and set `swapped`: norm_a of the moments is then that of b.
template <class T>
void cosine_similarity_vjp(const T* g, const T* a, const T* b, double eps,
                           const CosineMoments* moments, bool swapped, T* da, int64_t R, int64_t C);

}  // namespace gradus::kernels
