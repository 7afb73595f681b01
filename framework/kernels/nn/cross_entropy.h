#pragma once
#include <cstdint>

namespace gradus::kernels {

// Cross-entropies of the rows of class scores x [R, C] against q [R, C],
//
//   loss_r = sum over c of q_c (lse - x_c),  lse = log(sum(exp(x)))
//
// where q has no need to add up to 1. T: float, double. A NaN or +infinity in a row makes the row
// NaN. Where q_c is 0, x_c counts for lse alone: not even -infinity makes its term NaN.

/// q = weight ((1 - smoothing) onehot(label) + smoothing / C).
template <class T>
struct ClassLabels {
  const int64_t* labels;  ///< [R], in [0, C) or ignore_index, which makes q 0
  int64_t ignore_index;
  const T* weight = nullptr;  ///< [C], or null: ones
  double smoothing = 0;
  double total_weight = 0;  ///< the sum of the weights; read if smoothing > 0
};

/// row_loss [R] and row_lse [R], in double: a float of 1e4 has only 3 decimals left, and the
/// derivative needs more.
template <class T>
void cross_entropy(const T* x, const ClassLabels<T>& labels, T* row_loss, double* row_lse,
                   int64_t R, int64_t C);

/// dx = scale_r (sum(q) softmax(x) - q); 0 where scale_r or all of q is 0. scale_r is
/// row_scale[r * scale_stride], scale_stride 0 or 1.
template <class T>
void cross_entropy_vjp(const T* x, const ClassLabels<T>& labels, const double* row_lse,
                       const T* row_scale, int64_t scale_stride, T* dx, int64_t R, int64_t C);

/// The same for the scores x + bias, in one go, while a row is in the cache: row_loss and, unless
/// row_scale is null, dx written over x. `bias` [C] may be null.
template <class T>
void cross_entropy_in_place(T* x, const T* bias, const ClassLabels<T>& labels, const T* row_scale,
                            T* row_loss, int64_t R, int64_t C);

/// q = weight ((1 - smoothing) target + smoothing / C).
template <class T>
struct ClassProbabilities {
  const T* target;            ///< [R, C]
  const T* weight = nullptr;  ///< [C], or null: ones
  double smoothing = 0;
  double total_weight = 0;  ///< the sum of the weights; read if smoothing > 0
};

template <class T>
void cross_entropy(const T* x, const ClassProbabilities<T>& probabilities, T* row_loss,
                   double* row_lse, int64_t R, int64_t C);

/// dx = scale_r (sum(q) softmax(x) - q) and dt = scale_r (1 - smoothing) weight (lse - x), the
/// derivative by the target; both 0 where scale_r is 0, dx also where all of q is. Each may be
/// null.
template <class T>
void cross_entropy_vjp(const T* x, const ClassProbabilities<T>& probabilities,
                       const double* row_lse, const T* row_scale, int64_t scale_stride, T* dx,
                       T* dt, int64_t R, int64_t C);

/// row_loss [R] = -weight_label x_label, 0 where the label is ignored or weighs 0.
template <class T>
void nll(const T* x, const ClassLabels<T>& labels, T* row_loss, int64_t R, int64_t C);

/// sum [R, C] -= scale_r weight at each label that is not ignored.
template <class T>
void nll_vjp(const ClassLabels<T>& labels, const T* row_scale, int64_t scale_stride, T* sum,
             int64_t R, int64_t C);

}  // namespace gradus::kernels
