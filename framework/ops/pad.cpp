#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/remap.h>
#include <gradus/framework/ops/pad.h>

#include <algorithm>
#include <utility>

namespace gradus {

using kernels::Runs;

namespace {

const char* name_of(PadMode mode) {
  return mode == PadMode::constant    ? "constant"
         : mode == PadMode::reflect   ? "reflect"
         : mode == PadMode::replicate ? "replicate"
                                      : "circular";
}

constexpr std::int64_t far = std::int64_t{1} << 60;  // more entries than any tensor has

// How many entries are added before and after an axis.
struct Sides {
  std::int64_t before = 0, behind = 0;
};

std::vector<Sides> sides_of(const Tensor& x, const std::vector<std::int64_t>& padding) {
  if (padding.size() % 2 != 0) {
    throw ValueError(
        fmt::format("pad: padding [{}] has an odd length: two numbers for each axis, "
                    "the last axis first, are needed",
                    fmt::join(padding, ", ")));
  }
  if (padding.size() / 2 > static_cast<std::size_t>(x.dim())) {
    throw ShapeError(fmt::format("pad: padding [{}] is for {} axes, x is {}",
                                 fmt::join(padding, ", "), padding.size() / 2, x.shape().str()));
  }
  std::vector<Sides> sides(static_cast<std::size_t>(x.dim()));
  for (std::size_t i = 0; i < padding.size(); i += 2) {
    sides[sides.size() - 1 - i / 2] = {padding[i], padding[i + 1]};
  }
  return sides;
}

[[noreturn]] void throw_unfit(const Tensor& x, int axis, const Sides& sides, const char* problem) {
  throw ShapeError(fmt::format("pad: {} before and {} after axis {} of {}: {}", sides.before,
                               sides.behind, axis, x.shape().str(), problem));
}

// The size of the padded axis; throws if the mode has no entries for it.
std::int64_t padded_size(const Tensor& x, int axis, const Sides& sides, PadMode mode) {
  const std::int64_t n = x.shape()[axis];
  const std::int64_t most = std::max(sides.before, sides.behind);
  const auto is_huge = [](std::int64_t k) { return k > far || k < -far; };
  if (is_huge(sides.before) || is_huge(sides.behind)) {
    throw_unfit(x, axis, sides, "no tensor is that large");
  }
  const std::int64_t size = sides.before + n + sides.behind;
  if (size < 0) throw_unfit(x, axis, sides, "more is cut off than there is");
  if (most > 0 && mode == PadMode::reflect && most >= n) {
    throw_unfit(x, axis, sides, "mode reflect takes fewer than the axis has");
  }
  if (most > 0 && mode == PadMode::circular && most > n) {
    throw_unfit(x, axis, sides, "circular mode cannot pad by more than the size of the axis");
  }
  if (most > 0 && mode == PadMode::replicate && n == 0) {
    throw_unfit(x, axis, sides, "mode replicate needs an entry");
  }
  return size;
}

// Positions [begin, end) of the padded axis. The first one is entry `first` of the axis, or padding
// if that is < 0.
struct Stretch {
  std::int64_t begin, end, first, step;
};

std::vector<Stretch> stretches_of(std::int64_t n, PadMode mode) {
  const Stretch inside{0, n, 0, 1};
  switch (mode) {
    case PadMode::reflect:
      return {{1 - n, 0, n - 1, -1}, inside, {n, 2 * n - 1, n - 2, -1}};
    case PadMode::replicate:
      return {{-far, 0, 0, 0}, inside, {n, far, n - 1, 0}};
    case PadMode::circular:
      return {{-n, 0, 0, 1}, inside, {n, 2 * n, 0, 1}};
    case PadMode::constant:
      break;
  }
  return {{-far, 0, -1, 0}, inside, {n, far, -1, 0}};
}

Runs runs_of(std::int64_t n, const Sides& sides, PadMode mode) {
  Runs runs;
  for (const Stretch& part : stretches_of(n, mode)) {
    const std::int64_t begin = std::max(part.begin, -sides.before);
    const std::int64_t end = std::min(part.end, n + sides.behind);
    if (begin >= end) continue;
    const std::int64_t skipped = part.step * (begin - part.begin);
    runs.push_back({end - begin, part.first + skipped, part.step});
  }
  return runs;
}

Tensor padded(const Tensor& x, const Shape& shape, const std::vector<Runs>& axes,
              const Number& value) {
  return detail::dispatch(x.dtype(), [&]<class T>(T) {
    const T outside = detail::to_element<T>("pad", value);
    Tensor y = detail::empty_sized("pad", shape, x.dtype());
    kernels::remap(x.data<T>(), y.mutable_data<T>(), x.dim(), x.shape().begin(), axes.data(),
                   outside);
    return y;
  });
}

// The gradient of mode constant: g cut to the shape of x, with zeros where x was cut off.
Tensor cut(const Tensor& g, const Shape& shape, const std::vector<Sides>& sides) {
  std::vector<Runs> axes;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const Sides& own = sides[static_cast<std::size_t>(axis)];
    axes.push_back(runs_of(g.shape()[axis], {-own.before, -own.behind}, PadMode::constant));
  }
  return padded(g, shape, axes, 0);
}

// The gradient of the other modes: for each entry of x the sum of the entries of g that repeat it,
// axis by axis.
Tensor folded(const Tensor& g, const Shape& shape, const std::vector<Runs>& axes) {
  if (g.numel() == 0) return zeros(shape, g.dtype());
  Tensor sum = g;
  std::int64_t outer = 1, inner = g.numel();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t n = shape[axis];
    const Runs& runs = axes[static_cast<std::size_t>(axis)];
    inner /= g.shape()[axis];
    if (runs.size() > 1 || runs[0].length != n || runs[0].first != 0 || runs[0].step != 1) {
      Tensor dx = empty({outer * n * inner}, g.dtype());
      visit_float("pad", g, [&]<class T>(T) {
        kernels::remap_vjp(sum.data<T>(), dx.mutable_data<T>(), outer, n, inner, runs);
      });
      sum = std::move(dx);
    }
    outer *= n;
  }
  return detail::Access::view(sum, 0, shape);
}

}  // namespace

Tensor pad(const Tensor& x, const std::vector<std::int64_t>& padding, const PadOptions& options) {
  detail::check_defined("pad", "x", x);
  const auto [mode, value] = options;
  std::vector<Sides> sides = sides_of(x, padding);
  if (mode != PadMode::constant && value.real() != 0) {
    throw ValueError(fmt::format("pad: a value, {}, for mode {}: only constant has one",
                                 value.real(), name_of(mode)));
  }
  std::vector<std::int64_t> sizes;
  sizes.reserve(sides.size());
  for (int axis = 0; axis < x.dim(); ++axis) {
    sizes.push_back(padded_size(x, axis, sides[static_cast<std::size_t>(axis)], mode));
  }
  const Shape result(sizes);
  std::vector<Runs> axes;
  axes.reserve(sides.size());
  for (int axis = 0; axis < x.dim(); ++axis) {
    axes.push_back(runs_of(x.shape()[axis], sides[static_cast<std::size_t>(axis)], mode));
  }
  const Tensor y = padded(x, result, axes, value);
  return record("pad", y,
                vjp(x, [sides = std::move(sides), axes = std::move(axes), shape = x.shape(),
                        is_constant = mode == PadMode::constant](const Tensor& g) {
                  return is_constant ? cut(g, shape, sides) : folded(g, shape, axes);
                }));
}

}  // namespace gradus
