#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/copy.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/repeat.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace gradus {

using detail::axis_view;
using detail::AxisView;
using detail::data;
using detail::raw;

namespace {

using Sizes = std::vector<std::int64_t>;

// size * count; throws if that overflows.
std::int64_t times(const char* operation, std::int64_t size, std::int64_t count) {
  std::int64_t product = 0;
  if (!__builtin_mul_overflow(size, count, &product)) return product;
  throw ShapeError(
      fmt::format("{}: an axis of {} times {} entries is too large", operation, size, count));
}

Sizes leading_ones(std::size_t count, std::span<const std::int64_t> sizes) {
  Sizes result(count, 1);
  result.insert(result.end(), sizes.begin(), sizes.end());
  return result;
}

// The strided views of the op: y [c0, n0, c1, n1, ...] of x [n0, n1, ...].
Tensor repeated(const char* operation, const Tensor& x, const Sizes& sizes, const Sizes& counts,
                const Shape& shape) {
  std::array<std::int64_t, 2 * Shape::max_rank> strides{}, view{};
  std::int64_t stride = 1;
  for (std::size_t i = sizes.size(); i-- > 0;) {
    view[2 * i] = counts[i];
    view[2 * i + 1] = sizes[i];
    strides[2 * i + 1] = stride;
    stride *= sizes[i];
  }
  Tensor y = detail::empty_sized(operation, shape, x.dtype());
  kernels::broadcast(data(x), raw(y), static_cast<int>(2 * sizes.size()), strides.data(),
                     view.data(), static_cast<std::size_t>(item_size(x.dtype())));
  return y;
}

Tensor sum_over(const Tensor& g, std::int64_t outer, std::int64_t n, std::int64_t inner) {
  Tensor sum = empty({outer * inner}, g.dtype());
  visit_float("repeat", g, [&]<class T>(T) {
    kernels::sum(g.data<T>(), sum.mutable_data<T>(), outer, n, inner);
  });
  return sum;
}

// The sum of g [c0, n0, c1, n1, ...] over all axes c, one by one.
Tensor sum_of_repeats(const Tensor& g, const Sizes& sizes, const Sizes& counts, const Shape& to) {
  Tensor sum = g;
  std::int64_t outer = 1, inner = 1;
  for (std::size_t i = 0; i < sizes.size(); ++i) inner *= counts[i] * sizes[i];
  if (inner == 0) return zeros(to, g.dtype());
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    inner /= counts[i];
    if (counts[i] != 1) sum = sum_over(sum, outer, counts[i], inner);
    outer *= sizes[i];
    inner /= sizes[i];
  }
  return detail::Access::view(sum, 0, to);
}

Tensor repeat(const char* operation, const Tensor& x, const Sizes& counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] >= 0) continue;
    throw ValueError(
        fmt::format("{}: count {} at position {} is negative", operation, counts[i], i));
  }
  if (counts.size() > Shape::max_rank) {
    throw ShapeError(fmt::format("{}: {} counts: a tensor has {} axes at most", operation,
                                 counts.size(), Shape::max_rank));
  }
  Sizes sizes = leading_ones(counts.size() - static_cast<std::size_t>(x.dim()), x.shape().sizes());
  Sizes result;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    result.push_back(times(operation, sizes[i], counts[i]));
  }
  const Tensor y = repeated(operation, x, sizes, counts, Shape(result));
  return record("repeat", y,
                vjp(x, [sizes = std::move(sizes), counts, shape = x.shape()](const Tensor& g) {
                  return sum_of_repeats(g, sizes, counts, shape);
                }));
}

}  // namespace

Tensor repeat(const Tensor& x, const std::vector<std::int64_t>& counts) {
  detail::check_defined("repeat", "x", x);
  if (counts.size() < static_cast<std::size_t>(x.dim())) {
    throw ShapeError(
        fmt::format("repeat: counts [{}] are too few for x {}: one is needed for each axis",
                    fmt::join(counts, ", "), x.shape().str()));
  }
  return repeat("repeat", x, counts);
}

Tensor tile(const Tensor& x, const std::vector<std::int64_t>& counts) {
  detail::check_defined("tile", "x", x);
  const auto rank = static_cast<std::size_t>(x.dim());
  return repeat("tile", x, leading_ones(rank - std::min(rank, counts.size()), counts));
}

Tensor repeat_interleave(const Tensor& x, std::int64_t count, std::int64_t axis) {
  const AxisView view = axis_view(x, axis, "repeat_interleave");
  if (count < 0) throw ValueError(fmt::format("repeat_interleave: count {} is negative", count));
  const std::int64_t size = times("repeat_interleave", view.n, count);
  const std::int64_t rows = view.outer * view.n;
  const std::array<std::int64_t, 3> strides{view.inner, 0, 1}, sizes{rows, count, view.inner};
  Tensor y = detail::empty_sized("repeat_interleave", fmt::format("count is {}", count),
                                 {rows, count, view.inner}, x.dtype());
  y = detail::Access::view(y, 0, detail::splice(x.shape(), view.axis, 1, {size}));
  kernels::broadcast(data(x), raw(y), 3, strides.data(), sizes.data(),
                     static_cast<std::size_t>(item_size(x.dtype())));
  const auto derivative = [=, inner = view.inner, shape = x.shape()](const Tensor& g) {
    return detail::Access::view(sum_over(g, rows, count, inner), 0, shape);
  };
  return record("repeat_interleave", y, vjp(x, derivative));
}
Tensor repeat_interleave(const Tensor& x, std::int64_t count) {
  detail::check_defined("repeat_interleave", "x", x);
  return repeat_interleave(flatten(x), count, 0);
}

namespace {

// Each position i, counts[i] times.
Tensor repeated_positions(const Tensor& counts, std::int64_t n) {
  detail::check_defined("repeat_interleave", "counts", counts);
  if (counts.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("repeat_interleave: counts are {}, int64 is needed", name(counts.dtype())));
  }
  if (counts.shape() != Shape{n}) {
    throw ShapeError(
        fmt::format("repeat_interleave: counts are {}, the axis has {} entries: one "
                    "is needed for each",
                    counts.shape().str(), n));
  }
  const auto* values = counts.data<std::int64_t>();
  std::int64_t total = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    if (values[i] < 0) {
      throw ValueError(
          fmt::format("repeat_interleave: count {} at position {} is negative", values[i], i));
    }
    total += std::min(values[i], std::numeric_limits<std::int64_t>::max() - total);
  }
  Tensor positions = detail::empty_sized(
      "repeat_interleave", fmt::format("the counts add up to {}", total), {total}, DType::int64);
  auto* out = positions.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) out = std::fill_n(out, values[i], i);
  return positions;
}

}  // namespace

Tensor repeat_interleave(const Tensor& x, const Tensor& counts, std::int64_t axis) {
  const AxisView view = axis_view(x, axis, "repeat_interleave");
  return index_select(x, view.axis, repeated_positions(counts, view.n));
}
Tensor repeat_interleave(const Tensor& x, const Tensor& counts) {
  detail::check_defined("repeat_interleave", "x", x);
  return repeat_interleave(flatten(x), counts, 0);
}

Tensor expand(const Tensor& x, std::span<const std::int64_t> sizes) {
  detail::check_defined("expand", "x", x);
  const auto rank = static_cast<std::size_t>(x.dim());
  const std::size_t extra = sizes.size() - std::min(rank, sizes.size());
  Sizes wanted(sizes.begin(), sizes.end());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] != -1) continue;
    if (i < extra) {
      throw ShapeError(
          fmt::format("expand: size -1 at position {} of [{}] is for a new axis: "
                      "x is {}",
                      i, fmt::join(sizes, ", "), x.shape().str()));
    }
    wanted[i] = x.shape()[static_cast<int>(i - extra)];
  }
  const Shape shape(wanted);
  if (sizes.size() < rank || !broadcasts_to(x.shape(), shape)) {
    throw ShapeError(
        fmt::format("expand: {} does not expand to [{}]", x.shape().str(), fmt::join(sizes, ", ")));
  }
  return broadcast_to(x, shape);
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& tensors, const std::string& indexing) {
  if (tensors.empty()) throw ValueError("meshgrid: the list of tensors is empty");
  if (indexing != "ij" && indexing != "xy") {
    throw ValueError(fmt::format("meshgrid: indexing is '{}': 'ij' or 'xy' is needed", indexing));
  }
  detail::check_all_defined("meshgrid", "tensor", tensors);
  Sizes sizes;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].dim() > 1) {
      throw ShapeError(fmt::format("meshgrid: tensor {} is {}: a vector is needed", i,
                                   tensors[i].shape().str()));
    }
    if (tensors[i].dtype() != tensors[0].dtype()) {
      throw DTypeError(fmt::format("meshgrid: dtypes differ: tensor 0 is {}, tensor {} is {}",
                                   name(tensors[0].dtype()), i, name(tensors[i].dtype())));
    }
    sizes.push_back(tensors[i].numel());
  }
  const bool exchanged = indexing == "xy" && tensors.size() > 1;
  if (exchanged) std::swap(sizes[0], sizes[1]);
  const Shape shape(sizes);
  std::vector<Tensor> grids;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    Sizes own(tensors.size(), 1);
    own[exchanged && i < 2 ? 1 - i : i] = tensors[i].numel();
    grids.push_back(broadcast_to(reshape(tensors[i], own), shape));
  }
  return grids;
}

}  // namespace gradus
