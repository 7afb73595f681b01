#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/ops/author/lengths.h>

#include <algorithm>

namespace gradus::detail {
namespace {

void check_integers(const char* operation, const Tensor& lengths) {
  if (lengths.dtype() == DType::int64) return;
  throw DTypeError(
      fmt::format("{}: lengths are {}, int64 is needed: convert them with to(DType::int64)",
                  operation, name(lengths.dtype())));
}

}  // namespace

void check_lengths(const char* operation, const Tensor& lengths, std::int64_t B, std::int64_t T,
                   const std::function<std::string()>& reason) {
  if (!lengths.defined()) return;
  check_integers(operation, lengths);
  if (lengths.shape() != Shape{B}) {
    throw ShapeError(fmt::format("{}: lengths are {}, {}: one length per sequence is needed, [{}]",
                                 operation, lengths.shape().str(), reason(), B));
  }
  const auto* values = lengths.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(values, B, 0, T + 1);
  if (bad < 0) return;
  throw IndexError(fmt::format("{}: length {} at position [{}] is outside [0, {}]: {}", operation,
                               values[bad], bad, T, reason()));
}

void check_lengths(const char* operation, const Tensor& lengths, const Tensor& x,
                   const char* x_is) {
  if (!lengths.defined()) return;
  check_lengths(operation, lengths, x.size(0), x.size(1),
                [&] { return fmt::format("{} {}", x_is, x.shape().str()); });
}

Tensor map_lengths(const char* operation, const Tensor& lengths,
                   const std::function<std::int64_t(std::int64_t)>& f) {
  check_defined(operation, "lengths", lengths);
  check_integers(operation, lengths);
  if (lengths.dim() != 1) {
    throw ShapeError(fmt::format("{}: lengths are {}, one length per sequence is needed, [B]",
                                 operation, lengths.shape().str()));
  }
  const auto* values = lengths.data<std::int64_t>();
  for (std::int64_t b = 0; b < lengths.numel(); ++b) {
    if (values[b] >= 0 && values[b] <= std::int64_t{1} << 58) continue;
    throw IndexError(fmt::format("{}: length {} at position [{}] is outside [0, 2^58]", operation,
                                 values[b], b));
  }
  Tensor result = empty_like(lengths);
  auto* to = result.mutable_data<std::int64_t>();
  std::transform(values, values + lengths.numel(), to, f);
  note_op(operation);
  return result;
}

}  // namespace gradus::detail
