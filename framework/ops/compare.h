#pragma once
#include <gradus/framework/core/tensor.h>

namespace gradus {

// Comparisons of float or int64 tensors, element by element, give a boolean tensor and carry no
// gradient. Shapes broadcast as in NumPy; dtypes must be equal; a C++ number takes the dtype of the
// tensor. A comparison with NaN is false, except for not_equal.
// Each throws ShapeError if shapes do not broadcast, DTypeError for mixed or boolean dtypes.

/// a == b.
GRADUS_API Tensor equal(const Tensor& a, const Tensor& b);
GRADUS_API Tensor equal(const Tensor& a, Number b);
/// a != b.
GRADUS_API Tensor not_equal(const Tensor& a, const Tensor& b);
GRADUS_API Tensor not_equal(const Tensor& a, Number b);
/// a < b.
GRADUS_API Tensor less(const Tensor& a, const Tensor& b);
GRADUS_API Tensor less(const Tensor& a, Number b);
/// a <= b.
GRADUS_API Tensor less_equal(const Tensor& a, const Tensor& b);
GRADUS_API Tensor less_equal(const Tensor& a, Number b);
/// a > b.
GRADUS_API Tensor greater(const Tensor& a, const Tensor& b);
GRADUS_API Tensor greater(const Tensor& a, Number b);
/// a >= b.
GRADUS_API Tensor greater_equal(const Tensor& a, const Tensor& b);
GRADUS_API Tensor greater_equal(const Tensor& a, Number b);

// The same as operators. There is no == and no !=, which would be taken for equality of two whole
// tensors: write equal(a, b), not_equal(a, b).

inline Tensor operator<(const Tensor& a, const Tensor& b) { return less(a, b); }
inline Tensor operator<=(const Tensor& a, const Tensor& b) { return less_equal(a, b); }
inline Tensor operator>(const Tensor& a, const Tensor& b) { return greater(a, b); }
inline Tensor operator>=(const Tensor& a, const Tensor& b) { return greater_equal(a, b); }

inline Tensor operator<(const Tensor& a, Number b) { return less(a, b); }
inline Tensor operator<=(const Tensor& a, Number b) { return less_equal(a, b); }
inline Tensor operator>(const Tensor& a, Number b) { return greater(a, b); }
inline Tensor operator>=(const Tensor& a, Number b) { return greater_equal(a, b); }
inline Tensor operator<(Number a, const Tensor& b) { return greater(b, a); }
inline Tensor operator<=(Number a, const Tensor& b) { return greater_equal(b, a); }
inline Tensor operator>(Number a, const Tensor& b) { return less(b, a); }
inline Tensor operator>=(Number a, const Tensor& b) { return less_equal(b, a); }

/// True where x, a float tensor, is NaN. Throws DTypeError.
GRADUS_API Tensor isnan(const Tensor& x);

// Of boolean tensors; shapes broadcast. Each throws ShapeError, DTypeError.

GRADUS_API Tensor logical_not(const Tensor& x);
GRADUS_API Tensor logical_and(const Tensor& a, const Tensor& b);
GRADUS_API Tensor logical_or(const Tensor& a, const Tensor& b);
GRADUS_API Tensor logical_xor(const Tensor& a, const Tensor& b);

}  // namespace gradus
