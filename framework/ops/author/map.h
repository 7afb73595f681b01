#pragma once
// For authors of ops: applies kernels to whole tensors. Nothing here is recorded in a graph.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::detail {

/// y = kernel(x), element by element. `operation` names the op in errors.
/// Like all of these, throws DTypeError for an element type that the kernel does not have and Error
/// for an undefined tensor, which the message calls x, or a and b.
GRADUS_API Tensor map(const char* operation, const Tensor& x, const kernels::UnaryKernel& kernel);

/// y = kernel(a, b) with NumPy broadcasting; neither input is materialised.
/// Throws ShapeError if the shapes do not broadcast, DTypeError if the dtypes differ.
GRADUS_API Tensor map(const char* operation, const Tensor& a, const Tensor& b,
                      const kernels::BinaryKernel& kernel);

/// The same, but written over the temporary `a` if nobody else holds it, its values may change and
/// it has the shape and dtype of the result. The caller ensures that backward does not need the
/// values of `a`.
GRADUS_API Tensor map_over(const char* operation, const Tensor& a, const Tensor& b,
                           const kernels::BinaryKernel& kernel);

/// y = kernel(a, scalar); the scalar takes the dtype of a. Throws DTypeError for a scalar that this
/// dtype cannot hold (see to_element).
GRADUS_API Tensor map(const char* operation, const Tensor& a, Number scalar,
                      const kernels::BinaryKernel& kernel);
/// y = kernel(scalar, b).
GRADUS_API Tensor map(const char* operation, Number scalar, const Tensor& b,
                      const kernels::BinaryKernel& kernel);

/// y = kernel(a, b, c); all three broadcast to the shape of `a`.
GRADUS_API Tensor map(const char* operation, const Tensor& a, const Tensor& b, const Tensor& c,
                      const kernels::TernaryKernel& kernel);

/// boolean y = kernel(a, b) with NumPy broadcasting.
GRADUS_API Tensor map(const char* operation, const Tensor& a, const Tensor& b,
                      const kernels::CompareKernel& kernel);
GRADUS_API Tensor map(const char* operation, const Tensor& a, Number scalar,
                      const kernels::CompareKernel& kernel);

/// The vjps of such maps: g -> kernel(g, x), or kernel(g, a, b), with what they keep.
inline auto map_vjp(const char* operation, const Tensor& x, const kernels::BinaryKernel& kernel) {
  return
      [operation, x = Saved(x), &kernel](const Tensor& g) { return map(operation, g, *x, kernel); };
}
inline auto map_vjp(const char* operation, const Tensor& a, const Tensor& b,
                    const kernels::TernaryKernel& kernel) {
  return [operation, a = Saved(a), b = Saved(b), &kernel](const Tensor& g) {
    return map(operation, g, *a, *b, kernel);
  };
}
// They refer to the kernel, which is not a temporary.
void map_vjp(const char*, const Tensor&, kernels::BinaryKernel&&) = delete;
void map_vjp(const char*, const Tensor&, const Tensor&, kernels::TernaryKernel&&) = delete;

/// A number as a tensor [] of the dtype of x.
GRADUS_API Tensor number_like(const char* operation, Number value, const Tensor& x);

/// Throws DTypeError, naming both, unless a and b have the same dtype; Error if one is undefined.
GRADUS_API void check_same_dtype(const char* operation, const Tensor& a, const Tensor& b);

/// The tensor, which is defined and boolean: throws DTypeError unless it is.
GRADUS_API const Tensor& check_boolean(const char* operation, const char* argument,
                                       const Tensor& tensor);

}  // namespace gradus::detail
