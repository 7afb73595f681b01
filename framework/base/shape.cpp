#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/shape.h>

#include <algorithm>
#include <vector>

namespace gradus {

Shape::Shape(std::initializer_list<std::int64_t> sizes)
    : Shape(std::span<const std::int64_t>(sizes.begin(), sizes.size())) {}

Shape::Shape(std::span<const std::int64_t> sizes) {
  if (sizes.size() > max_rank) {
    throw ShapeError(fmt::format("shape: rank {} of [{}] is above {}", sizes.size(),
                                 fmt::join(sizes, ", "), max_rank));
  }
  constexpr std::int64_t limit = std::int64_t{1} << 62;
  bool empty = false;
  for (std::int64_t size : sizes) {
    if (size < 0) {
      throw ShapeError(
          fmt::format("shape: size {} in [{}] is negative", size, fmt::join(sizes, ", ")));
    }
    // Even if one size is 0, the others count: strides are products of them.
    if (size != 0 && numel_ > limit / size) {
      throw ShapeError(
          fmt::format("shape: [{}] has more than 2^62 elements", fmt::join(sizes, ", ")));
    }
    if (size == 0) empty = true;
    if (size != 0) numel_ *= size;
    sizes_[static_cast<std::size_t>(rank_++)] = size;
  }
  if (empty) numel_ = 0;
}

std::int64_t Shape::numel(int first, int last) const {
  std::int64_t product = 1;
  for (int i = first; i < last; ++i) product *= (*this)[i];
  return product;
}

std::string Shape::str() const { return fmt::format("[{}]", fmt::join(sizes(), ", ")); }

Axes::Axes(std::span<const std::int64_t> axes) : count_(axes.size()) {
  if (axes.size() > axes_.size()) {
    throw ValueError(
        fmt::format("axes: {} axes where a tensor has at most {}", axes.size(), Shape::max_rank));
  }
  std::copy(axes.begin(), axes.end(), axes_.begin());
}

int normalize_axis(std::int64_t axis, int rank, const char* operation) {
  if (axis < -rank || axis >= rank) {
    throw IndexError(fmt::format("{}: axis {} is outside [{}, {})", operation, axis, -rank, rank));
  }
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

namespace {

/// For shapes that do not broadcast: advice to append ones to the sizes of `shorter`, if that makes
/// it broadcast with `longer`; else empty.
std::string reshaped(const char* name, const Shape& shorter, const Shape& longer) {
  std::vector<std::int64_t> sizes(shorter.begin(), shorter.end());
  while (static_cast<int>(sizes.size()) < longer.rank()) {
    sizes.push_back(1);
    if (const Shape with_ones(sizes); broadcastable(with_ones, longer)) {
      return fmt::format(": axes align from the last one: reshape {} to {}", name, with_ones.str());
    }
  }
  return "";
}

}  // namespace

Shape broadcast_shapes(const Shape& a, const Shape& b, const char* operation) {
  std::array<std::int64_t, Shape::max_rank> sizes{};
  const int rank = std::max(a.rank(), b.rank());
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t sa = i <= a.rank() ? a[a.rank() - i] : 1;
    const std::int64_t sb = i <= b.rank() ? b[b.rank() - i] : 1;
    if (sa != sb && sa != 1 && sb != 1) {
      throw ShapeError(
          fmt::format("{}: shapes do not broadcast: a is {}, b is {}{}", operation, a.str(),
                      b.str(), a.rank() < b.rank() ? reshaped("a", a, b) : reshaped("b", b, a)));
    }
    sizes[static_cast<std::size_t>(rank - i)] = sa == 1 ? sb : sa;
  }
  return Shape(std::span<const std::int64_t>(sizes.data(), static_cast<std::size_t>(rank)));
}

bool broadcastable(const Shape& a, const Shape& b) {
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    const std::int64_t sa = a[a.rank() - i], sb = b[b.rank() - i];
    if (sa != sb && sa != 1 && sb != 1) return false;
  }
  return true;
}

bool broadcasts_to(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (int i = 1; i <= from.rank(); ++i) {
    const std::int64_t size = from[from.rank() - i];
    if (size != 1 && size != to[to.rank() - i]) return false;
  }
  return true;
}

Shape detail::with_rows(const Shape& shape, std::int64_t rows) {
  std::vector<std::int64_t> sizes(shape.begin(), shape.end());
  sizes[0] = rows;
  return Shape(sizes);
}

std::string detail::position(const Shape& shape, std::int64_t element) {
  std::array<std::int64_t, Shape::max_rank> index{};
  for (int axis = shape.rank(); axis-- > 0; element /= shape[axis]) {
    index[static_cast<std::size_t>(axis)] = element % shape[axis];
  }
  return fmt::format("[{}]", fmt::join(index.begin(), index.begin() + shape.rank(), ", "));
}

}  // namespace gradus
