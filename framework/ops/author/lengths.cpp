#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/ops/author/lengths.h>

namespace gradus::detail {

void check_lengths(const char* operation, const Tensor& lengths, const Tensor& x,
                   const char* x_is) {
  if (!lengths.defined()) return;
  if (lengths.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: lengths are {}, int64 is needed: convert them with to(DType::int64)",
                    operation, name(lengths.dtype())));
  }
  if (lengths.shape() != Shape{x.size(0)}) {
    throw ShapeError(
        fmt::format("{}: lengths are {}, {} {}: one length per sequence is needed, [{}]", operation,
                    lengths.shape().str(), x_is, x.shape().str(), x.size(0)));
  }
  const auto* values = lengths.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(values, lengths.numel(), 0, x.size(1) + 1);
  if (bad < 0) return;
  throw IndexError(fmt::format("{}: length {} at position [{}] is outside [0, {}]: {} {}",
                               operation, values[bad], bad, x.size(1), x_is, x.shape().str()));
}

}  // namespace gradus::detail
