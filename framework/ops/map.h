#pragma once
// For authors of ops: applies kernels to whole tensors. Part of no graph.
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/tensor.h>

#include <cstdint>

namespace gradus::detail {

/// y = kernel(x), element by element. `operation` names the op in errors.
/// Throws DTypeError for an element type that the kernel does not have.
GRADUS_API Tensor map(const char* operation, const Tensor& x, const kernels::UnaryKernel& kernel);

/// y = kernel(a, b) with NumPy broadcasting; neither input is materialised.
/// Throws ShapeError if the shapes do not broadcast, DTypeError if the dtypes differ.
GRADUS_API Tensor map(const char* operation, const Tensor& a, const Tensor& b,
                      const kernels::BinaryKernel& kernel);

/// The same written over `a`, a temporary, if nobody else holds it and it has the shape and dtype
/// of the result. The caller sees to it that backward does not need the values of `a`.
GRADUS_API Tensor map_over(const char* operation, const Tensor& a, const Tensor& b,
                           const kernels::BinaryKernel& kernel);

/// y = kernel(x, scalar); the scalar takes the dtype of x. Throws DTypeError for a fraction and an
/// integer tensor.
GRADUS_API Tensor map(const char* operation, const Tensor& x, double scalar,
                      const kernels::BinaryKernel& kernel);
/// y = kernel(scalar, x).
GRADUS_API Tensor map(const char* operation, double scalar, const Tensor& x,
                      const kernels::BinaryKernel& kernel);

/// y = kernel(a, b, c); all three broadcast to the shape of `a`.
GRADUS_API Tensor map(const char* operation, const Tensor& a, const Tensor& b, const Tensor& c,
                      const kernels::TernaryKernel& kernel);

/// boolean y = kernel(a, b) with NumPy broadcasting.
GRADUS_API Tensor map(const char* operation, const Tensor& a, const Tensor& b,
                      const kernels::CompareKernel& kernel);
GRADUS_API Tensor map(const char* operation, const Tensor& x, double scalar,
                      const kernels::CompareKernel& kernel);

/// A number for an int64 tensor. Throws DTypeError for a fraction and what int64 does not hold.
GRADUS_API std::int64_t integer(const char* operation, double value);

/// Throws DTypeError, naming both, unless a and b have the same dtype.
GRADUS_API void check_same_dtype(const char* operation, const Tensor& a, const Tensor& b);

}  // namespace gradus::detail
