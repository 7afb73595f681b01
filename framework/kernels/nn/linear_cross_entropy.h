#pragma once
#include <gradus/framework/kernels/nn/cross_entropy.h>

#include <cstdint>

namespace gradus::kernels {

/// A projection to class scores, x weight^T + bias, and what the scores are compared with.
template <class T>
struct LinearClasses {
  const T* x;       ///< [.., D]
  const T* weight;  ///< [C, D]
  const T* bias;    ///< [C], or null: zeros
  int64_t D, C;
  ClassLabels<T> labels;  ///< as many as x has rows
};

/// The derivatives by x [.., D], weight [C, D] and bias [C]. Each may be null.
template <class T>
struct LinearGradients {
  T *x = nullptr, *weight = nullptr, *bias = nullptr;
};

/// The cross-entropies of rows[0], ..., rows[n - 1], which are distinct: loss[row] unless it is
/// null, and the derivatives of the sum of row_scale[row * scale_stride] loss[row]. What belongs to
/// other rows is not written. The scores are computed in chunks of rows, whose size depends on n, D
/// and C alone; they take 100 MiB, or 128 rows if that is more.
template <class T>
void linear_cross_entropy(const LinearClasses<T>& classes, const int64_t* rows, int64_t n,
                          const T* row_scale, int64_t scale_stride, T* loss,
                          const LinearGradients<T>& gradients);

}  // namespace gradus::kernels
