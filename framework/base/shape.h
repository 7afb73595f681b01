#pragma once
#include <gradus/framework/base/export.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace gradus {

/// The sizes of a tensor's axes, rank 0 to 8, stored inline. A rank-0 shape has one element.
class GRADUS_API Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  /// Throws ShapeError for a rank above 8, a negative size, or an element count above 2^62.
  Shape(std::initializer_list<std::int64_t> sizes);
  explicit Shape(std::span<const std::int64_t> sizes);

  int rank() const { return rank_; }
  std::int64_t numel() const { return numel_; }

  /// Size of an axis, unchecked: 0 <= axis < rank().
  std::int64_t operator[](int axis) const { return sizes_[static_cast<std::size_t>(axis)]; }

  std::span<const std::int64_t> sizes() const {
    return {sizes_.data(), static_cast<std::size_t>(rank_)};
  }
  const std::int64_t* begin() const { return sizes_.data(); }
  const std::int64_t* end() const { return sizes_.data() + rank_; }

  /// Product of the sizes of axes [first, last).
  std::int64_t numel(int first, int last) const;

  /// "[2, 3]"; "[]" for rank 0.
  std::string str() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a[i] != b[i]) return false;
    }
    return true;
  }

 private:
  std::array<std::int64_t, max_rank> sizes_{};
  std::int64_t numel_ = 1;
  int rank_ = 0;
};

/// The axes that a reduction works on: one, `sum(x, 1)`, or several, `sum(x, {0, -1})`. Negative
/// ones count from the end.
class GRADUS_API Axes {
 public:
  Axes(std::integral auto axis) : axes_{static_cast<std::int64_t>(axis)}, count_(1) {}  // NOLINT
  Axes(std::initializer_list<std::int64_t> axes)  // NOLINT(google-explicit-constructor)
      : Axes(std::span<const std::int64_t>(axes.begin(), axes.size())) {}
  /// Throws ValueError for more axes than a tensor can have.
  explicit Axes(std::span<const std::int64_t> axes);
  Axes(bool) = delete;  // sum(x, true) does not mean axis 1

  const std::int64_t* begin() const { return axes_.data(); }
  const std::int64_t* end() const { return axes_.data() + count_; }

 private:
  std::array<std::int64_t, Shape::max_rank> axes_{};
  std::size_t count_ = 0;
};

/// Turns an axis counted from the end into one counted from the front.
/// Throws IndexError, naming `operation`, unless -rank <= axis < rank.
GRADUS_API int normalize_axis(std::int64_t axis, int rank, const char* operation);

/// The shape of a and b broadcast together, by NumPy's rules. Throws ShapeError naming `operation`.
GRADUS_API Shape broadcast_shapes(const Shape& a, const Shape& b, const char* operation);

/// True if broadcast_shapes(a, b) has a result.
GRADUS_API bool broadcastable(const Shape& a, const Shape& b);

/// True if a tensor of shape `from` broadcasts to exactly `to`.
GRADUS_API bool broadcasts_to(const Shape& from, const Shape& to);

namespace detail {

/// `shape`, a table's, with `rows` rows.
GRADUS_API Shape with_rows(const Shape& shape, std::int64_t rows);

/// Where an element in row-major order is, for messages: "[1, 3]".
GRADUS_API std::string position(const Shape& shape, std::int64_t element);

}  // namespace detail
}  // namespace gradus
