#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/copy.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace gradus::kernels {
namespace {

constexpr int kMostAxes = 16;
constexpr int64_t kBlock = 64;  // rows and columns that are transposed together

struct Bytes16 {
  uint64_t low, high;
};

/// Calls f with a value of an unsigned type of `size` bytes: 1, 2, 4, 8 or 16.
template <class F>
void with_element(int64_t size, F&& f) {
  if (size == 1) return f(uint8_t{});
  if (size == 2) return f(uint16_t{});
  if (size == 4) return f(uint32_t{});
  if (size == 8) return f(uint64_t{});
  f(Bytes16{});
}

bool is_element_size(int64_t size) {
  return size == 1 || size == 2 || size == 4 || size == 8 || size == 16;
}

template <class U>
U load(const char* p) {
  U value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

template <class U>
void store(char* p, U value) {
  std::memcpy(p, &value, sizeof value);
}

/// Calls f(row, begin, end) for ranges that cover [0, length) of every row in [0, rows); long rows
/// are split. `unit` items of a row are about as much work as one addition.
template <class F>
void for_pieces(int64_t rows, int64_t length, int64_t unit, F&& f) {
  const int64_t most = detail::default_parallel_grain * unit;
  const int64_t pieces = (length + most - 1) / most;
  parallel_for(rows * pieces, std::min(length, most) / unit + 4, [&](int64_t begin, int64_t end) {
    if (pieces == 1) {
      for (int64_t row = begin; row < end; ++row) f(row, int64_t{0}, length);
      return;
    }
    for (int64_t i = begin; i < end; ++i) {
      const int64_t first = i % pieces * most;
      f(i / pieces, first, std::min(first + most, length));
    }
  });
}

/// A strided view of x, with the axes of a contiguous y.
struct View {
  int rank = 0;
  int64_t element = 0;  // bytes
  int64_t size[kMostAxes] = {};
  int64_t stride[kMostAxes] = {};  // bytes of x

  /// Appends an axis, but drops one of size 1 and merges one that continues the axis before it.
  void push(int64_t axis_size, int64_t axis_stride) {
    if (axis_size == 1) return;
    if (rank > 0 && stride[rank - 1] == axis_size * axis_stride) {
      size[rank - 1] *= axis_size;
      stride[rank - 1] = axis_stride;
      return;
    }
    size[rank] = axis_size;
    stride[rank++] = axis_stride;
  }

  /// Merges a short last axis whose elements are adjacent in x into one larger element.
  void widen() {
    if (rank == 0 || stride[rank - 1] != element) return;
    const int64_t bytes = element * size[rank - 1];
    if (!is_element_size(bytes)) return;
    element = bytes;
    --rank;
  }

  void remove(int axis) {
    --rank;
    std::copy(size + axis + 1, size + rank + 1, size + axis);
    std::copy(stride + axis + 1, stride + rank + 1, stride + axis);
  }

  int64_t elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= size[i];
    return n;
  }
};

/// Walks the index of a View in row-major order and tracks the offset in x.
class Walk {
 public:
  Walk(const View& view, int64_t start) : view_(view) {
    for (int i = view.rank - 1; i >= 0; --i) {
      index_[i] = start % view.size[i];
      offset_ += index_[i] * view.stride[i];
      start /= view.size[i];
    }
  }

  int64_t offset() const { return offset_; }

  void next() {
    for (int i = view_.rank - 1; i >= 0; --i) {
      offset_ += view_.stride[i];
      if (++index_[i] < view_.size[i]) return;
      offset_ -= index_[i] * view_.stride[i];
      index_[i] = 0;
    }
  }

 private:
  const View& view_;
  int64_t index_[kMostAxes] = {};
  int64_t offset_ = 0;
};

/// Writes one element n times, a cache line at a time.
template <class U>
void repeat(U value, char* y, int64_t n) {
  constexpr int64_t kSize = sizeof(U), kLine = 64;
  alignas(kLine) char line[kLine];
  for (int64_t i = 0; i < kLine; i += kSize) store(line + i, value);
  int64_t i = 0;
  for (; i + kLine <= n * kSize; i += kLine) std::memcpy(y + i, line, kLine);
  std::memcpy(y + i, line, static_cast<size_t>(n * kSize - i));
}

/// Copies row by row of y: runs, one repeated element, or strided elements.
void copy_rows(const char* x, char* y, View view) {
  const int64_t n = view.size[view.rank - 1], stride = view.stride[view.rank - 1];
  const int64_t element = view.element;
  --view.rank;
  with_element(element, [&](auto kind) {
    using U = decltype(kind);
    constexpr int64_t kSize = sizeof(U);
    parallel_for(view.elements(), n * element / 4 + 4, [&](int64_t begin, int64_t end) {
      Walk walk(view, begin);
      for (int64_t row = begin; row < end; ++row, walk.next()) {
        const char* from = x + walk.offset();
        char* to = y + row * n * element;
        if (stride == element) {
          std::memcpy(to, from, static_cast<size_t>(n * element));
        } else if (stride == 0) {
          repeat(load<U>(from), to, n);
        } else {
          for (int64_t i = 0; i < n; ++i) store(to + i * kSize, load<U>(from + i * stride));
        }
      }
    });
  });
}

using Four = uint64_t __attribute__((vector_size(32)));
using Eight = uint32_t __attribute__((vector_size(32)));

/// y[j, i] = x[i, j] for a tile of 8 x 8 elements; strides in bytes.
void transpose_tile(const char* x, int64_t x_stride, char* y, int64_t y_stride, uint32_t) {
  Eight a[8], b[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) std::memcpy(&a[i], x + i * x_stride, sizeof a[i]);
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {  // pairs of rows: 2 x 2 blocks
    b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4) {  // a[i + c]: columns c and c + 4 of rows i to i + 3
    a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 1] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    a[i + 2] = __builtin_shufflevector(b[i + 1], b[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
    a[i + 3] = __builtin_shufflevector(b[i + 1], b[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    b[i] = __builtin_shufflevector(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    b[i + 4] = __builtin_shufflevector(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) std::memcpy(y + i * y_stride, &b[i], sizeof b[i]);
}

/// The same for 4 x 4 elements of 8 bytes, four times.
void transpose_tile(const char* x, int64_t x_stride, char* y, int64_t y_stride, uint64_t) {
  for (int part = 0; part < 4; ++part) {
    const char* from = x + (part / 2) * 4 * x_stride + (part % 2) * 32;
    char* to = y + (part % 2) * 4 * y_stride + (part / 2) * 32;
    Four a[4], b[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) std::memcpy(&a[i], from + i * x_stride, sizeof a[i]);
#pragma GCC unroll 2
    for (int i = 0; i < 4; i += 2) {
      b[i] = __builtin_shufflevector(a[i], a[i + 1], 0, 4, 2, 6);
      b[i + 1] = __builtin_shufflevector(a[i], a[i + 1], 1, 5, 3, 7);
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      a[i] = __builtin_shufflevector(b[i], b[i + 2], 0, 1, 4, 5);
      a[i + 2] = __builtin_shufflevector(b[i], b[i + 2], 2, 3, 6, 7);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) std::memcpy(to + i * y_stride, &a[i], sizeof a[i]);
  }
}

template <class U>
void transpose_tile(const char* x, int64_t x_stride, char* y, int64_t y_stride, U) {
  for (int j = 0; j < 8; ++j) {
    for (int i = 0; i < 8; ++i) {
      store(y + j * y_stride + i * int64_t{sizeof(U)},
            load<U>(x + i * x_stride + j * int64_t{sizeof(U)}));
    }
  }
}

/// y[j, i] = x[i, j] for i < rows and j < columns; strides in bytes.
template <class U>
void transpose(const char* x, int64_t x_stride, char* y, int64_t y_stride, int64_t rows,
               int64_t columns) {
  constexpr int64_t kTile = 8, kSize = sizeof(U);
  const int64_t whole_rows = rows / kTile * kTile, whole_columns = columns / kTile * kTile;
  for (int64_t i = 0; i < whole_rows; i += kTile) {
    for (int64_t j = 0; j < whole_columns; j += kTile) {
      transpose_tile(x + i * x_stride + j * kSize, x_stride, y + j * y_stride + i * kSize, y_stride,
                     U{});
    }
  }
  const auto move = [&](int64_t i, int64_t j) {
    store(y + j * y_stride + i * kSize, load<U>(x + i * x_stride + j * kSize));
  };
  for (int64_t i = 0; i < whole_rows; ++i) {
    for (int64_t j = whole_columns; j < columns; ++j) move(i, j);
  }
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t i = whole_rows; i < rows; ++i) move(i, j);
  }
}

/// The same through a buffer, for rows of y whose distance makes them compete for the same cache
/// lines.
template <class U>
void transpose_apart(const char* x, int64_t x_stride, char* y, int64_t y_stride, int64_t rows,
                     int64_t columns) {
  alignas(64) char buffer[kBlock * (kBlock + 8) * sizeof(U)];
  constexpr int64_t kStride = (kBlock + 8) * sizeof(U);
  transpose<U>(x, x_stride, buffer, kStride, rows, columns);
  for (int64_t j = 0; j < columns; ++j) {
    std::memcpy(y + j * y_stride, buffer + j * kStride, static_cast<size_t>(rows) * sizeof(U));
  }
}

/// For a last axis of y that is strided in x, and an `axis` of y whose elements are adjacent in x:
/// transposes in blocks that fit in the first-level cache.
void transpose_blocks(const char* x, char* y, View view, int axis) {
  const int64_t element = view.element;
  const int64_t rows = view.size[view.rank - 1], x_stride = view.stride[view.rank - 1];
  const int64_t columns = view.size[axis];
  View y_view = view;  // the strides of y
  int64_t y_stride = element;
  for (int i = view.rank - 1; i >= 0; --i) {
    y_view.stride[i] = y_stride;
    y_stride *= view.size[i];
  }
  y_stride = y_view.stride[axis];
  for (View* v : {&view, &y_view}) {
    --v->rank;
    v->remove(axis);
  }
  const int64_t row_blocks = (rows + kBlock - 1) / kBlock;
  const int64_t column_blocks = (columns + kBlock - 1) / kBlock;
  const int64_t cost = std::min(rows, kBlock) * std::min(columns, kBlock) + 16;
  const bool apart = y_stride % 1024 == 0 && y_stride >= 2048;
  with_element(element, [&](auto kind) {
    parallel_for(
        view.elements() * row_blocks * column_blocks, cost, [&](int64_t begin, int64_t end) {
          const int64_t blocks = row_blocks * column_blocks;
          Walk from(view, begin / blocks), to(y_view, begin / blocks);
          int64_t block = begin % blocks;
          for (int64_t item = begin; item < end; ++item) {
            const int64_t i = block % row_blocks * kBlock, j = block / row_blocks * kBlock;
            const auto move = apart ? transpose_apart<decltype(kind)> : transpose<decltype(kind)>;
            move(x + from.offset() + i * x_stride + j * element, x_stride,
                 y + to.offset() + j * y_stride + i * element, y_stride, std::min(kBlock, rows - i),
                 std::min(kBlock, columns - j));
            if (++block == blocks) {
              block = 0;
              from.next();
              to.next();
            }
          }
        });
  });
}

void copy_view(const void* x, void* y, View view) {
  const auto* from = static_cast<const char*>(x);
  auto* to = static_cast<char*>(y);
  if (view.elements() == 0) return;
  view.widen();
  if (view.rank == 0) {
    std::memcpy(to, from, static_cast<size_t>(view.element));
    return;
  }
  const int last = view.rank - 1;
  if (view.rank == 1 && view.stride[last] == view.element) {
    return copy_blocks(x, 0, y, 0, view.size[last] * view.element, 1);
  }
  if (view.rank == 1 && view.stride[last] == 0) {
    with_element(view.element, [&](auto kind) {
      using U = decltype(kind);
      parallel_for(view.size[last], 1, [=](int64_t begin, int64_t end) {
        repeat(load<U>(from), to + begin * int64_t{sizeof(U)}, end - begin);
      });
    });
    return;
  }
  if (view.stride[last] != view.element && view.stride[last] != 0) {
    for (int i = 0; i < last; ++i) {
      if (view.stride[i] == view.element) return transpose_blocks(from, to, view, i);
    }
  }
  copy_rows(from, to, view);
}

}  // namespace

void copy_blocks(const void* src, int64_t src_stride, void* dst, int64_t dst_stride, int64_t block,
                 int64_t count) {
  if (block == 0) return;
  if (src_stride == block && dst_stride == block) {
    block *= count;
    count = 1;
  }
  const auto* from = static_cast<const char*>(src);
  auto* to = static_cast<char*>(dst);
  if (!is_element_size(block)) {
    return for_pieces(count, block, 4, [=](int64_t row, int64_t begin, int64_t end) {
      std::memcpy(to + row * dst_stride + begin, from + row * src_stride + begin,
                  static_cast<size_t>(end - begin));
    });
  }
  with_element(block, [=](auto kind) {
    parallel_for_each(count, 2, [=](int64_t row) {
      store(to + row * dst_stride, load<decltype(kind)>(from + row * src_stride));
    });
  });
}

template <class T>
void add_blocks(const T* src, int64_t src_stride, T* dst, int64_t dst_stride, int64_t block,
                int64_t count) {
  if (block == 0) return;
  if (src_stride == block && dst_stride == block) {
    block *= count;
    count = 1;
  }
  for_pieces(count, block, 1, [=](int64_t row, int64_t begin, int64_t end) {
    const T* __restrict from = src + row * src_stride;
    T* __restrict to = dst + row * dst_stride;
    for (int64_t i = begin; i < end; ++i) to[i] += from[i];
  });
}

template <class T>
void copy_strided(const T* src, T* dst, int64_t outer, int64_t n, int64_t inner, int64_t start,
                  int64_t step, int64_t count) {
  if (outer * count * inner == 0) return;
  constexpr int64_t kSize = sizeof(T);
  View view;
  view.element = kSize;
  view.push(outer, n * inner * kSize);
  view.push(count, step * inner * kSize);
  view.push(inner, kSize);
  copy_view(src + start * inner, dst, view);
}

template <class T>
void add_strided(const T* src, T* dst, int64_t outer, int64_t n, int64_t inner, int64_t start,
                 int64_t step, int64_t count) {
  if (inner == 0 || count == 0) return;
  parallel_for(outer * count, inner + 2, [=](int64_t begin, int64_t end) {
    int64_t o = begin / count, i = begin % count;
    for (int64_t row = begin; row < end; ++row) {
      const T* __restrict from = src + row * inner;
      T* __restrict to = dst + (o * n + start + i * step) * inner;
      for (int64_t j = 0; j < inner; ++j) to[j] += from[j];
      if (++i == count) {
        i = 0;
        ++o;
      }
    }
  });
}

void permute(const void* x, void* y, int rank, const int64_t* shape, const int64_t* axes,
             size_t element_size) {
  View view;
  view.element = static_cast<int64_t>(element_size);
  int64_t strides[kMostAxes];
  int64_t stride = view.element;
  for (int i = rank - 1; i >= 0; --i) {
    strides[i] = stride;
    stride *= shape[i];
  }
  if (stride == 0) return;
  for (int i = 0; i < rank; ++i) view.push(shape[axes[i]], strides[axes[i]]);
  copy_view(x, y, view);
}

void broadcast(const void* x, void* y, int rank, const int64_t* x_strides, const int64_t* y_shape,
               size_t element_size) {
  View view;
  view.element = static_cast<int64_t>(element_size);
  for (int i = 0; i < rank; ++i) view.push(y_shape[i], x_strides[i] * view.element);
  copy_view(x, y, view);
}

template <class T>
void transpose_block(const T* x, int64_t x_stride, T* y, int64_t y_stride, int64_t rows,
                     int64_t columns) {
  using U = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  constexpr int64_t kSize = sizeof(T);
  transpose<U>(reinterpret_cast<const char*>(x), x_stride * kSize, reinterpret_cast<char*>(y),
               y_stride * kSize, rows, columns);
}

GRADUS_INSTANTIATE_ALL(copy_strided)
GRADUS_INSTANTIATE_FLOATS(add_blocks)
GRADUS_INSTANTIATE_FLOATS(add_strided)
GRADUS_INSTANTIATE_FLOATS(transpose_block)

}  // namespace gradus::kernels
