#pragma once
#include <cstdint>

namespace gradus::kernels {

/// y = alpha op(A) x + beta y on the calling thread, where op(A) is the stored matrix [rows,
/// columns], with `lda` elements from one row to the next, or its transpose. Elements of x and y
/// are `step_x` and `step_y` apart. beta == 0 overwrites y without reading it, alpha == 0 reads
/// neither A nor x. T is float or double.
template <class T>
void gemv(bool transposed, int64_t rows, int64_t columns, T alpha, const T* a, int64_t lda,
          const T* x, int64_t step_x, T beta, T* y, int64_t step_y);

}  // namespace gradus::kernels
