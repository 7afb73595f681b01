#pragma once
#include <cstddef>
#include <cstdint>

/// Copies between row-major arrays. Sources and destinations do not overlap.
namespace gradus::kernels {

/// Copies `count` blocks of `block` bytes, `src_stride` and `dst_stride` bytes apart:
/// concatenation, splitting and slicing on any axis.
void copy_blocks(const void* src, int64_t src_stride, void* dst, int64_t dst_stride, int64_t block,
                 int64_t count);

/// Adds `count` blocks of `block` elements, `src_stride` and `dst_stride` elements apart, to dst:
/// the derivative of `copy_blocks`. T is float or double.
template <class T>
void add_blocks(const T* src, int64_t src_stride, T* dst, int64_t dst_stride, int64_t block,
                int64_t count);

/// dst[o, i, :] = src[o, start + i * step, :] for i < count; src is [outer, n, inner], dst
/// [outer, count, inner]. The step may be negative. T is any of the four dtypes.
template <class T>
void copy_strided(const T* src, T* dst, int64_t outer, int64_t n, int64_t inner, int64_t start,
                  int64_t step, int64_t count);

/// dst[o, start + i * step, :] += src[o, i, :] for i < count; dst is [outer, n, inner], src
/// [outer, count, inner]; step is not 0: the derivative of `copy_strided`. T is float or double.
template <class T>
void add_strided(const T* src, T* dst, int64_t outer, int64_t n, int64_t inner, int64_t start,
                 int64_t step, int64_t count);

/// y = x with its axes reordered: axis i of y is axis axes[i] of x, whose shape is shape[0:rank].
/// rank is at most 8; element_size is 1, 2, 4, 8 or 16.
void permute(const void* x, void* y, int rank, const int64_t* shape, const int64_t* axes,
             size_t element_size);

/// y[j, i] = x[i, j] for i < rows and j < columns, on the calling thread; strides are in elements,
/// from one row to the next. T is float or double.
template <class T>
void transpose_block(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                     int64_t columns);

/// y[i0, i1, ...] = x[i0 * x_strides[0] + i1 * x_strides[1] + ...]; strides are in elements; a
/// stride of 0 repeats. rank is at most 16; element_size is 1, 2, 4, 8 or 16.
void broadcast(const void* x, void* y, int rank, const int64_t* x_strides, const int64_t* y_shape,
               size_t element_size);

}  // namespace gradus::kernels
