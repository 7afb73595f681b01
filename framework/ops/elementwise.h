#pragma once
#include <gradus/framework/core/tensor.h>

#include <utility>

namespace gradus {

// Two tensors broadcast as in NumPy. Dtypes must be equal; a C++ number takes the dtype of the
// tensor; a fraction with an integer tensor is an error. Integer tensors are supported by add, sub,
// mul and neg. Each throws ShapeError if shapes do not broadcast, DTypeError
// for mixed or unsupported dtypes.

// Where the first argument of add, sub or mul is a temporary that nobody else holds and backward
// does not need its values, the result is written over it: `sum(table(ids) * weights)` allocates
// one buffer less. Callers cannot see the difference.

/// a + b.
GRADUS_API Tensor add(const Tensor& a, const Tensor& b);
GRADUS_API Tensor add(Tensor&& a, const Tensor& b);
GRADUS_API Tensor add(const Tensor& a, Number b);
/// a - b.
GRADUS_API Tensor sub(const Tensor& a, const Tensor& b);
GRADUS_API Tensor sub(Tensor&& a, const Tensor& b);
GRADUS_API Tensor sub(const Tensor& a, Number b);
GRADUS_API Tensor sub(Number a, const Tensor& b);
/// a * b.
GRADUS_API Tensor mul(const Tensor& a, const Tensor& b);
GRADUS_API Tensor mul(Tensor&& a, const Tensor& b);
GRADUS_API Tensor mul(const Tensor& a, Number b);
/// a / b, for float types. Where the cotangent is 0 both gradients are 0, whatever b is.
GRADUS_API Tensor div(const Tensor& a, const Tensor& b);
GRADUS_API Tensor div(const Tensor& a, double b);
GRADUS_API Tensor div(double a, const Tensor& b);
/// -x.
GRADUS_API Tensor neg(const Tensor& x);

// Elementwise, for float tensors. Where the cotangent is exactly 0 the gradient is 0, even
// if the derivative is infinite or NaN there. NaN in gives NaN out.

GRADUS_API Tensor exp(const Tensor& x);
/// Natural logarithm; -inf at 0, NaN below.
GRADUS_API Tensor log(const Tensor& x);
/// Square root; NaN below 0.
GRADUS_API Tensor sqrt(const Tensor& x);
GRADUS_API Tensor tanh(const Tensor& x);
/// 1 / (1 + exp(-x)).
GRADUS_API Tensor sigmoid(const Tensor& x);
/// max(x, 0); the gradient at 0 is 0.
GRADUS_API Tensor relu(const Tensor& x);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator+(Tensor&& a, const Tensor& b) { return add(std::move(a), b); }
inline Tensor operator+(const Tensor& a, Number b) { return add(a, b); }
inline Tensor operator+(Number a, const Tensor& b) { return add(b, a); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return sub(a, b); }
inline Tensor operator-(Tensor&& a, const Tensor& b) { return sub(std::move(a), b); }
inline Tensor operator-(const Tensor& a, Number b) { return sub(a, b); }
inline Tensor operator-(Number a, const Tensor& b) { return sub(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return mul(a, b); }
inline Tensor operator*(Tensor&& a, const Tensor& b) { return mul(std::move(a), b); }
inline Tensor operator*(const Tensor& a, Number b) { return mul(a, b); }
inline Tensor operator*(Number a, const Tensor& b) { return mul(b, a); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return div(a, b); }
inline Tensor operator/(const Tensor& a, double b) { return div(a, b); }
inline Tensor operator/(double a, const Tensor& b) { return div(a, b); }
inline Tensor operator-(const Tensor& x) { return neg(x); }

}  // namespace gradus
