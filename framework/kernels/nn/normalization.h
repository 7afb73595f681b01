#pragma once
#include <cstdint>

namespace gradus::kernels {

// Functions of the contiguous rows of [R, C]. T: float, double. `weight` and `bias` [C] may be
// null, which means ones and zeros. Sums are computed in T in runs of at most 1024 values (64 rows
// for the gradients of weight and bias), and the runs are added in double. Outputs must not overlap
// inputs. Nothing depends on the number of threads.

/// How a row was normalized: ((unit x - mean) - rest) scale. `mean` is close to the mean of the row
/// and `rest` is the remainder; both are 0 for rms_norm. `unit` is 1, or the power of 2 that brings
/// a row at the ends of the range of double close to 1.
struct RowMoments {
  double mean, rest, scale, unit;
};

/// y = (x - mean) / sqrt(variance + eps) weight + bias; 0 weight + bias in a row of equal values,
/// even if eps = 0. `moments` [R] is for the derivative.
template <class T>
void layer_norm(const T* x, const T* weight, const T* bias, double eps, T* y, RowMoments* moments,
                int64_t R, int64_t C);

/// y = x / sqrt(mean(x^2) + eps) weight.
template <class T>
void rms_norm(const T* x, const T* weight, double eps, T* y, RowMoments* moments, int64_t R,
              int64_t C);

/// The gradients of x, weight [C] and bias [C] for the cotangent g [R, C]; a null one is left out.
/// 0 in rows where g is 0.
template <class T>
void layer_norm_vjp(const T* g, const T* x, const T* weight, const RowMoments* moments, T* dx,
                    T* dweight, T* dbias, int64_t R, int64_t C);
template <class T>
void rms_norm_vjp(const T* g, const T* x, const T* weight, const RowMoments* moments, T* dx,
                  T* dweight, int64_t R, int64_t C);

}  // namespace gradus::kernels
