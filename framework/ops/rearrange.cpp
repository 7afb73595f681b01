#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/remap.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/rearrange.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <utility>

namespace gradus {

using kernels::Runs;

namespace {

// x with its entries rearranged: the runs of each axis contain each of its entries once.
Tensor remapped(const Tensor& x, const std::vector<Runs>& axes) {
  Tensor y = empty_like(x);
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    kernels::remap(x.data<T>(), y.mutable_data<T>(), x.dim(), x.shape().begin(), axes.data(), T{});
  });
  return y;
}

// A cyclic axis of n entries that begins with entry `first`.
Runs cycle(std::int64_t n, std::int64_t first) {
  Runs runs;
  if (first < n) runs.push_back({n - first, first, 1});
  if (first > 0) runs.push_back({first, 0, 1});
  return runs;
}

}  // namespace

Tensor flip(const Tensor& x, const Axes& axes) {
  detail::check_defined("flip", "x", x);
  std::vector<Runs> runs;
  for (const std::int64_t n : x.shape()) runs.push_back(cycle(n, 0));
  for (const std::int64_t axis : axes) {
    const int a = normalize_axis(axis, x.dim(), "flip");
    const std::int64_t n = x.shape()[a];
    Runs& own = runs[static_cast<std::size_t>(a)];
    if (n > 0 && own[0].step < 0) {
      throw ValueError(fmt::format("flip: axis {} is given twice for a tensor of shape {}", axis,
                                   x.shape().str()));
    }
    if (n > 0) own = {{n, n - 1, -1}};
  }
  const Tensor y = remapped(x, runs);
  return record("flip", y,
                vjp(x, [runs = std::move(runs)](const Tensor& g) { return remapped(g, runs); }));
}

Tensor roll(const Tensor& x, const std::vector<std::int64_t>& shifts,
            const std::vector<std::int64_t>& axes) {
  detail::check_defined("roll", "x", x);
  if (shifts.size() != axes.size()) {
    throw ValueError(fmt::format("roll: {} shifts for {} axes", shifts.size(), axes.size()));
  }
  std::vector<std::int64_t> moves(static_cast<std::size_t>(x.dim()));
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = normalize_axis(axes[i], x.dim(), "roll");
    const std::int64_t n = std::max<std::int64_t>(x.shape()[axis], 1);
    std::int64_t& move = moves[static_cast<std::size_t>(axis)];
    move = (move + shifts[i] % n + n) % n;
  }
  std::vector<Runs> forward, backward;
  for (int axis = 0; axis < x.dim(); ++axis) {
    const std::int64_t n = x.shape()[axis], move = moves[static_cast<std::size_t>(axis)];
    forward.push_back(cycle(n, move == 0 ? 0 : n - move));
    backward.push_back(cycle(n, move));
  }
  return record(
      "roll", remapped(x, forward),
      vjp(x, [backward = std::move(backward)](const Tensor& g) { return remapped(g, backward); }));
}
Tensor roll(const Tensor& x, std::int64_t shift, std::int64_t axis) {
  return roll(x, std::vector<std::int64_t>{shift}, std::vector<std::int64_t>{axis});
}
Tensor roll(const Tensor& x, std::int64_t shift) {
  detail::check_defined("roll", "x", x);
  return reshape(roll(flatten(x), shift, 0), x.shape());
}

namespace {

// The axes of the list, counted from the start; throws if one appears twice.
std::vector<std::int64_t> distinct(const Tensor& x, const std::vector<std::int64_t>& axes) {
  std::vector<std::int64_t> result;
  for (const std::int64_t axis : axes) {
    const std::int64_t a = normalize_axis(axis, x.dim(), "movedim");
    if (std::find(result.begin(), result.end(), a) != result.end()) {
      throw ValueError(
          fmt::format("movedim: axis {} appears twice in [{}] for a tensor of shape {}", a,
                      fmt::join(axes, ", "), x.shape().str()));
    }
    result.push_back(a);
  }
  return result;
}

}  // namespace

Tensor movedim(const Tensor& x, const std::vector<std::int64_t>& source,
               const std::vector<std::int64_t>& destination) {
  detail::check_defined("movedim", "x", x);
  if (source.size() != destination.size()) {
    throw ValueError(
        fmt::format("movedim: {} axes to {} places", source.size(), destination.size()));
  }
  const std::vector<std::int64_t> from = distinct(x, source), to = distinct(x, destination);
  std::vector<std::int64_t> order(static_cast<std::size_t>(x.dim()), -1);
  for (std::size_t i = 0; i < from.size(); ++i) order[static_cast<std::size_t>(to[i])] = from[i];
  std::int64_t next = 0;
  for (std::int64_t& axis : order) {
    if (axis >= 0) continue;
    while (std::find(from.begin(), from.end(), next) != from.end()) ++next;
    axis = next++;
  }
  return permute(x, order);
}
Tensor movedim(const Tensor& x, std::int64_t source, std::int64_t destination) {
  return movedim(x, std::vector<std::int64_t>{source}, std::vector<std::int64_t>{destination});
}

Tensor unfold(const Tensor& x, std::int64_t axis, std::int64_t size, std::int64_t step) {
  const auto [a, outer, n, inner] = detail::axis_view(x, axis, "unfold");
  if (size < 1 || step < 1) {
    throw ValueError(
        fmt::format("unfold: size is {}, step is {}: both must be at least 1", size, step));
  }
  if (size > n) {
    throw ShapeError(fmt::format("unfold: x is {}: axis {} has {} entries, a window has {}",
                                 x.shape().str(), a, n, size));
  }
  const std::int64_t windows = (n - size) / step + 1;
  Tensor ids = detail::empty_sized("unfold", {windows, size}, DType::int64);
  auto* id = ids.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < windows; ++i) {
    for (std::int64_t k = 0; k < size; ++k) *id++ = i * step + k;
  }
  const Tensor y = index_select(x, a, flatten(ids));
  return movedim(reshape(y, detail::splice(x.shape(), a, 1, {windows, size})), a + 1, -1);
}

}  // namespace gradus
