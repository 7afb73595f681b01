#pragma once
#include <cstdint>

namespace gradus::kernels {

// Distances and angles between rows, contiguous. T: float, double. Large and small values neither
// overflow nor vanish; NaN gives NaN. Nothing depends on the number of threads.

/// y [batch, P, R] = the p-norm of a [batch, P, M] - b [batch, R, M], row by row; p in [0, inf].
template <class T>
void cdist(const T* a, const T* b, T* y, int64_t batch, int64_t P, int64_t R, int64_t M, double p);

/// da [batch, P, M], the gradient of a for the cotangent g of y = cdist(a, b), both stored with
/// these strides of the rows of a and of b, P * R elements a batch; swap a and b for the gradient
/// of b. 0 from a distance of 0 and where the values are equal; ties share evenly for p = infinity.
template <class T>
void cdist_vjp(const T* g, const T* y, int64_t stride_a, int64_t stride_b, const T* a, const T* b,
               T* da, int64_t batch, int64_t P, int64_t R, int64_t M, double p);

/// What backward needs of a pair of rows.
struct CosineMoments {
  double norm_a, norm_b, cosine;
};

/// y [R] = a b / (max(|a|, eps) max(|b|, eps)) for the rows of a and b [R, C]; 0 where a divisor is
/// 0. `moments` [R] is for the derivative.
template <class T>
void cosine_similarity(const T* a, const T* b, double eps, T* y, CosineMoments* moments, int64_t R,
                       int64_t C);

/// da = g_r (b / (|a| |b|) - cosine a / |a|^2) with norms of at least eps, without the second term
/// where |a| < eps; 0 where g_r or a divisor is 0. With `swapped` moments, whose norm_a is that of
/// b, this is the gradient of b for a and b swapped.
template <class T>
void cosine_similarity_vjp(const T* g, const T* a, const T* b, double eps,
                           const CosineMoments* moments, bool swapped, T* da, int64_t R, int64_t C);

}  // namespace gradus::kernels
