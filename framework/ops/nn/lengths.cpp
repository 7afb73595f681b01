#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/nn/lengths.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/where.h>

#include <algorithm>

namespace gradus {

Tensor length_mask(const Tensor& lengths, std::int64_t T) {
  detail::check_defined("length_mask", "lengths", lengths);
  if (T < 0) throw ValueError(fmt::format("length_mask: T is {}, it cannot be negative", T));
  if (lengths.dim() != 1) {
    throw ShapeError(
        fmt::format("length_mask: lengths are {}, they must be [B]", lengths.shape().str()));
  }
  const std::int64_t B = lengths.size(0);
  Tensor mask = detail::empty_sized("length_mask", Shape{B, T}, DType::boolean);
  detail::check_lengths("length_mask", lengths, B, T, [T] { return fmt::format("T is {}", T); });
  bool* to = mask.mutable_data<bool>();
  const auto* length = lengths.data<std::int64_t>();
  for (std::int64_t b = 0; b < B; ++b, to += T) {
    std::fill_n(to, length[b], true);
    std::fill(to + length[b], to + T, false);
  }
  detail::note_op("length_mask");
  return mask;
}

Tensor zero_padding(const Tensor& x, const Tensor& lengths) {
  detail::check_defined("zero_padding", "x", x);
  if (!lengths.defined()) return x;
  if (x.dim() < 2) {
    throw ShapeError(
        fmt::format("zero_padding: x is {}, it must be [batch, time, ...]", x.shape().str()));
  }
  detail::check_lengths("zero_padding", lengths, x);
  Tensor mask = length_mask(lengths, x.size(1));
  for (int axis = 2; axis < x.dim(); ++axis) mask = unsqueeze(mask, axis);
  return where(mask, x, 0);
}

}  // namespace gradus
