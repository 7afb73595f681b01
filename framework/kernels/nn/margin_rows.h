#pragma once
#include <cstdint>

namespace gradus::kernels {

// Losses with a margin between the class scores in the rows of x [R, C]. T: float, double. Sums
// accumulate in double. scale_r is row_scale[r * scale_stride], scale_stride 0 or 1; where it is 0
// the derivative is 0.

template <class T>
struct Margins {
  const int64_t* labels;  ///< [R], in [0, C)
  const T* weight;        ///< [C], or null: ones
  double margin;
  int p;  ///< 1 or 2
};

/// row_loss [R] = weight_label / C sum over c != label of max(0, margin - x_label + x_c)^p; 0 where
/// the weight is 0.
template <class T>
void multi_margin(const T* x, const Margins<T>& margins, T* row_loss, int64_t R, int64_t C);
template <class T>
void multi_margin_vjp(const T* x, const Margins<T>& margins, const T* row_scale,
                      int64_t scale_stride, T* dx, int64_t R, int64_t C);

/// row_loss [R] = 1 / C sum over the labels j and the other classes c of max(0, 1 - x_j + x_c).
/// labels [R, C]: ids in [0, C), then -1.
template <class T>
void multilabel_margin(const T* x, const int64_t* labels, T* row_loss, int64_t R, int64_t C);
template <class T>
void multilabel_margin_vjp(const T* x, const int64_t* labels, const T* row_scale,
                           int64_t scale_stride, T* dx, int64_t R, int64_t C);

}  // namespace gradus::kernels
