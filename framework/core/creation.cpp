#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/distribution.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/random.h>

#include <algorithm>
#include <limits>
#include <numeric>

namespace gradus {

using detail::raw;

Tensor empty(const Shape& shape, DType dtype) {
  // Half the range leaves room for what the pool adds.
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  if (shape.numel() > most / item_size(dtype)) {
    throw ShapeError(fmt::format("empty: {} of {} has more bytes than can be addressed",
                                 shape.str(), name(dtype)));
  }
  return detail::Access::make(detail::Storage::allocate(shape.numel() * item_size(dtype)), 0, shape,
                              dtype);
}

namespace {

Tensor created(const char* by, Tensor result) {
  detail::note_creation(by, result.numel() * item_size(result.dtype()));
  return result;
}

Tensor filled(const char* by, const Shape& shape, const Number& value, DType dtype) {
  return detail::dispatch(dtype, [&]<class T>(T) {
    const T element = detail::to_element<T>(by, value);
    Tensor result = detail::empty_sized(by, shape, dtype);
    kernels::fill(static_cast<T*>(raw(result)), element, shape.numel());
    return created(by, std::move(result));
  });
}

}  // namespace

Tensor full(const Shape& shape, Number value, DType dtype) {
  return filled("full", shape, value, dtype);
}
Tensor zeros(const Shape& shape, DType dtype) { return filled("zeros", shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return filled("ones", shape, 1, dtype); }

Tensor empty_like(const Tensor& other) {
  detail::check_defined("empty_like", "other", other);
  return empty(other.shape(), other.dtype());
}
Tensor zeros_like(const Tensor& other) {
  detail::check_defined("zeros_like", "other", other);
  return zeros(other.shape(), other.dtype());
}
Tensor ones_like(const Tensor& other) {
  detail::check_defined("ones_like", "other", other);
  return ones(other.shape(), other.dtype());
}
Tensor full_like(const Tensor& other, Number value) {
  detail::check_defined("full_like", "other", other);
  return filled("full_like", other.shape(), value, other.dtype());
}

Tensor arange(std::int64_t n) { return arange(0, n); }

Tensor arange(std::int64_t start, std::int64_t end) {
  if (end < start) throw ValueError(fmt::format("arange: end {} is below start {}", end, start));
  std::int64_t count;
  if (__builtin_sub_overflow(end, start, &count)) {
    throw ValueError(fmt::format("arange: {} to {} is too many values", start, end));
  }
  Tensor result =
      detail::empty_sized("arange", fmt::format("{} values", count), {count}, DType::int64);
  auto* out = static_cast<std::int64_t*>(raw(result));
  std::iota(out, out + count, start);
  return created("arange", result);
}

Tensor eye(std::int64_t n, DType dtype) {
  Tensor result = filled("eye", {n, n}, 0, dtype);
  detail::dispatch(dtype, [&]<class T>(T) {
    for (std::int64_t i = 0; i < n; ++i) static_cast<T*>(raw(result))[i * n + i] = T{1};
  });
  return result;
}

Tensor rand(const Shape& shape, double low, double high, DType dtype, Generator& generator) {
  return detail::dispatch_float("rand", dtype, [&]<class T>(T) {
    detail::check_uniform("rand", low, high, dtype);
    Tensor result = detail::empty_sized("rand", shape, dtype);
    kernels::random_uniform(
        generator.seed(), generator.advance(static_cast<std::uint64_t>(shape.numel())),
        static_cast<T*>(raw(result)), shape.numel(), static_cast<T>(low), static_cast<T>(high));
    return created("rand", result);
  });
}

Tensor randn(const Shape& shape, double mean, double std, DType dtype, Generator& generator) {
  return detail::dispatch_float("randn", dtype, [&]<class T>(T) {
    detail::check_normal("randn", mean, std, dtype);
    Tensor result = detail::empty_sized("randn", shape, dtype);
    kernels::random_normal(
        generator.seed(), generator.advance(static_cast<std::uint64_t>(shape.numel())),
        static_cast<T*>(raw(result)), shape.numel(), static_cast<T>(mean), static_cast<T>(std));
    return created("randn", result);
  });
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator) {
  if (high <= low) throw ValueError(fmt::format("randint: [{}, {}) is empty", low, high));
  std::int64_t width;
  if (__builtin_sub_overflow(high, low, &width)) {
    throw ValueError(fmt::format("randint: [{}, {}) has more than 2^63 values", low, high));
  }
  Tensor result = detail::empty_sized("randint", shape, DType::int64);
  auto* out = static_cast<std::int64_t*>(raw(result));
  for (std::int64_t i = 0; i < shape.numel(); ++i) out[i] = low + generator.below(width);
  return created("randint", result);
}

Tensor randperm(std::int64_t n, Generator& generator) {
  if (n < 0) throw ValueError(fmt::format("randperm: n is {}", n));
  Tensor result = detail::empty_sized("randperm", fmt::format("n is {}", n), {n}, DType::int64);
  kernels::random_permutation(generator.seed(), generator.advance(kernels::permutation_offsets(n)),
                              static_cast<std::int64_t*>(raw(result)), n);
  return created("randperm", result);
}

namespace detail {

void throw_beyond_int64(std::uint64_t value) {
  throw ValueError(fmt::format("tensor: {} is above 2^63 - 1, the largest int64", value));
}

void check_value_count(std::size_t count, const Shape& shape) {
  if (static_cast<std::int64_t>(count) != shape.numel()) {
    throw ShapeError(fmt::format("tensor: {} values for the shape {}, which has {} elements", count,
                                 shape.str(), shape.numel()));
  }
}

NestedShape::NestedShape(int rank) : sizes_(static_cast<std::size_t>(rank), -1) {}

void NestedShape::begin(std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  std::int64_t& expected = sizes_[place_.size()];
  if (expected >= 0 && expected != count) {
    throw ShapeError(fmt::format(
        "tensor: the list at [{}] has {} values or lists, but those before it have {}: all "
        "lists of one depth must have the same length",
        fmt::join(place_, ", "), count, expected));
  }
  expected = count;
  place_.push_back(0);
}

Shape NestedShape::shape() const {
  std::vector<std::int64_t> sizes;
  for (const std::int64_t size : sizes_) sizes.push_back(std::max<std::int64_t>(size, 0));
  return Shape(sizes);
}

}  // namespace detail
}  // namespace gradus
