#pragma once
#include <gradus/framework/core/profile.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <vector>

namespace gradus {

namespace detail {
/// A vector, span or array of contiguous values: std::ranges::contiguous_range without the cost of
/// <ranges>, half a second per file.
template <class Values>
concept Contiguous = requires(const Values& values) {
  std::span(std::data(values), std::size(values));
};
}  // namespace detail

/// A tensor with uninitialised values.
GRADUS_API Tensor empty(const Shape& shape, DType dtype = DType::float32);
GRADUS_API Tensor zeros(const Shape& shape, DType dtype = DType::float32);
GRADUS_API Tensor ones(const Shape& shape, DType dtype = DType::float32);
/// Throws DTypeError for a number that the dtype cannot hold: a fraction, NaN or a number outside
/// the range of int64; anything but 0 and 1 for boolean.
GRADUS_API Tensor full(const Shape& shape, Number value, DType dtype = DType::float32);

/// The same with the shape and dtype of another tensor; no gradient flows to it.
GRADUS_API Tensor empty_like(const Tensor& other);
GRADUS_API Tensor zeros_like(const Tensor& other);
GRADUS_API Tensor ones_like(const Tensor& other);
GRADUS_API Tensor full_like(const Tensor& other, Number value);

/// 0, 1, ..., n - 1 as int64 [n].
GRADUS_API Tensor arange(std::int64_t n);
/// start, start + 1, ..., end - 1 as int64 [end - start]. Throws ValueError if end < start.
GRADUS_API Tensor arange(std::int64_t start, std::int64_t end);
/// The identity matrix [n, n].
GRADUS_API Tensor eye(std::int64_t n, DType dtype = DType::float32);

/// Values drawn from U[low, high), excluding high, in float32 or float64; all are low if the two
/// are equal in that dtype. Throws ValueError unless low <= high and both are finite in that dtype.
GRADUS_API Tensor rand(const Shape& shape, double low = 0.0, double high = 1.0,
                       DType dtype = DType::float32, Generator& generator = default_generator());
/// Values drawn from N(mean, std^2), as float32 or float64. Throws ValueError unless std >= 0 and
/// both are finite in that dtype.
GRADUS_API Tensor randn(const Shape& shape, double mean = 0.0, double std = 1.0,
                        DType dtype = DType::float32, Generator& generator = default_generator());
/// The same from U[0, 1) and N(0, 1): `randn({2, 3}, DType::float64)`, `randn({2, 3}, generator)`.
inline Tensor rand(const Shape& shape, DType dtype, Generator& generator = default_generator()) {
  return rand(shape, 0.0, 1.0, dtype, generator);
}
inline Tensor rand(const Shape& shape, Generator& generator) {
  return rand(shape, DType::float32, generator);
}
inline Tensor randn(const Shape& shape, DType dtype, Generator& generator = default_generator()) {
  return randn(shape, 0.0, 1.0, dtype, generator);
}
inline Tensor randn(const Shape& shape, Generator& generator) {
  return randn(shape, DType::float32, generator);
}
/// Integers drawn from {low, ..., high - 1} as int64; low is 0 if it is left out.
/// Throws ValueError unless low < high.
GRADUS_API Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape,
                          Generator& generator = default_generator());
inline Tensor randint(std::int64_t high, const Shape& shape,
                      Generator& generator = default_generator()) {
  return randint(0, high, shape, generator);
}
/// A random permutation of 0, ..., n - 1 as int64 [n].
GRADUS_API Tensor randperm(std::int64_t n, Generator& generator = default_generator());

namespace detail {
template <class T>
using element_for =
    std::conditional_t<std::is_floating_point_v<T>, T,
                       std::conditional_t<std::is_same_v<T, bool>, bool, std::int64_t>>;
GRADUS_API void check_value_count(std::size_t count, const Shape& shape);
[[noreturn]] GRADUS_API void throw_beyond_int64(std::uint64_t value);

/// Finds the shape of nested lists. All lists of one depth must have the same length.
class GRADUS_API NestedShape {
 public:
  explicit NestedShape(int rank);
  /// Begins a list of `size` entries, inside the list that began last. Throws ShapeError, naming
  /// its place, if another list of that depth has a different length.
  void begin(std::size_t size);
  void next() { ++place_.back(); }
  void end() { place_.pop_back(); }
  Shape shape() const;

 private:
  std::vector<std::int64_t> sizes_;  // -1: no list of that depth yet
  std::vector<std::int64_t> place_;
};

/// The depth of nested lists of numbers, and the type of the numbers.
template <class T>
struct Nested {
  using Number = T;
  static constexpr int rank = 0;
};
template <class T>
struct Nested<std::vector<T>> {
  using Number = typename Nested<T>::Number;
  static constexpr int rank = 1 + Nested<T>::rank;
};
template <class T>
struct Nested<std::initializer_list<T>> : Nested<std::vector<T>> {};

template <class List>
void measure(const List& list, NestedShape& shape) {
  shape.begin(list.size());
  if constexpr (Nested<List>::rank > 1) {
    for (const auto& inner : list) {
      measure(inner, shape);
      shape.next();
    }
  }
  shape.end();
}

template <class List, class E>
void copy_nested(const List& list, E*& out) {
  for (const auto& entry : list) {
    if constexpr (Nested<List>::rank > 1) {
      copy_nested(entry, out);
    } else {
      const auto element = static_cast<E>(entry);
      using Number = typename Nested<List>::Number;
      if constexpr (std::is_unsigned_v<Number> && sizeof(Number) == sizeof(std::int64_t)) {
        if (element < 0) throw_beyond_int64(entry);
      }
      *out++ = element;
    }
  }
}

/// A tensor with the values of a list of numbers, or of nested lists.
template <class List>
Tensor tensor_of(const List& list, const Shape& shape) {
  using Number = typename Nested<List>::Number;
  static_assert(std::is_arithmetic_v<Number>, "tensor: values are numbers, or lists of numbers");
  using E = element_for<Number>;
  Tensor result = empty(shape, dtype_of<E>);
  E* out = result.mutable_data<E>();
  copy_nested(list, out);
  note_creation("tensor", shape.numel() * item_size(dtype_of<E>));
  return result;
}
template <class List>
Tensor nested_tensor(const List& list) {
  NestedShape shape(Nested<List>::rank);
  measure(list, shape);
  return tensor_of(list, shape.shape());
}
}  // namespace detail

/// A tensor with a copy of `values` in row-major order: float becomes float32, double float64, bool
/// boolean, and every other integer type int64. Throws ShapeError if the number of values does not
/// fit the shape, ValueError for an integer above 2^63 - 1.
template <Arithmetic T>
Tensor tensor(std::span<const T> values, const Shape& shape) {
  using E = detail::element_for<T>;
  detail::check_value_count(values.size(), shape);
  if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(E) && !std::is_same_v<T, E>) {
    for (const T value : values) {
      if (static_cast<E>(value) < 0) detail::throw_beyond_int64(value);
    }
  }
  Tensor result = empty(shape, dtype_of<E>);
  E* out = result.mutable_data<E>();
  for (std::size_t i = 0; i < values.size(); ++i) out[i] = static_cast<E>(values[i]);
  detail::note_creation("tensor", shape.numel() * item_size(dtype_of<E>));
  return result;
}
template <Arithmetic T>
Tensor tensor(const std::vector<T>& values, const Shape& shape) {
  detail::check_value_count(values.size(), shape);
  return detail::tensor_of(values, shape);
}
template <class T>
Tensor tensor(const std::vector<T>& values) {
  return detail::nested_tensor(values);
}
/// `tensor({1.0f, 2.0f})`: [2]; with a shape: `tensor({1.0f, 2.0f, 3.0f, 4.0f}, {2, 2})`.
template <class T>
Tensor tensor(std::initializer_list<T> values) {
  return tensor(std::span<const T>(values.begin(), values.size()),
                Shape{static_cast<std::int64_t>(values.size())});
}
template <class T>
Tensor tensor(std::initializer_list<T> values, const Shape& shape) {
  return tensor(std::span<const T>(values.begin(), values.size()), shape);
}
/// `tensor({{1.0f, 2.0f}, {3.0f, 4.0f}})`: [2, 2]; up to four deep, vectors of vectors up to eight.
/// Throws ShapeError naming the first list that is shorter or longer than those before it.
// Spelled out: clang 14 cannot deduce T through an alias.
template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<T>> values) {
  return detail::nested_tensor(values);
}
template <class T>
Tensor tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> values) {
  return detail::nested_tensor(values);
}
template <class T>
Tensor tensor(
    std::initializer_list<std::initializer_list<std::initializer_list<std::initializer_list<T>>>>
        values) {
  return detail::nested_tensor(values);
}
/// A tensor of rank 0.
template <Arithmetic T>
Tensor scalar(T value) {
  return tensor(std::span<const T>(&value, 1), Shape{});
}

}  // namespace gradus
