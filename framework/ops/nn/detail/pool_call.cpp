#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/nn/detail/pool_call.h>

#include <algorithm>

namespace gradus::detail {
namespace {

StridedWindows checked_windows(const char* operation, const kernels::PoolWindows& windows,
                               bool ceil_mode) {
  check_at_least(operation, "kernel_size", windows.size, 1);
  check_at_least(operation, "stride", windows.stride, 1);
  check_at_least(operation, "dilation", windows.dilation, 1);
  check_at_least(operation, "padding", windows.padding, 0);
  std::int64_t span = 0;
  if (__builtin_mul_overflow(windows.dilation, windows.size - 1, &span) || span >= largest_size) {
    throw ValueError(
        fmt::format("{}: a window of {} elements with dilation {} is too long for any sequence",
                    operation, windows.size, windows.dilation));
  }
  if (windows.padding > (span + 1) / 2) {
    throw ValueError(
        fmt::format("{}: padding is {}, it must be at most half of a window of {} elements",
                    operation, windows.padding, span + 1));
  }
  return {windows, ceil_mode};
}

std::shared_ptr<PoolCall> checked_input(const char* operation, const Tensor& x,
                                        const Tensor& lengths) {
  check_defined(operation, "x", x);
  if (!is_floating(x.dtype())) throw_not_floating(operation, x.dtype());
  check_sequences(operation, x);
  check_lengths(operation, lengths, x);
  auto call = std::make_shared<PoolCall>();
  call->from = call->to = {x.size(0), x.size(1), x.size(2)};
  return call;
}

}  // namespace

StridedWindows StridedWindows::checked(const char* operation, std::int64_t size,
                                       const MaxPool1dOptions& options) {
  return checked_windows(
      operation, {size, options.stride.value_or(size), options.padding, options.dilation, false, 0},
      options.ceil_mode);
}

StridedWindows StridedWindows::checked(const char* operation, std::int64_t size,
                                       const AvgPool1dOptions& options) {
  return checked_windows(
      operation,
      {size, options.stride.value_or(size), options.padding, 1, options.count_include_pad, 0},
      options.ceil_mode);
}

std::int64_t StridedWindows::count_on(std::int64_t elements) const {
  const auto& [size, stride, padding, dilation, counts_padding, parts] = windows;
  std::int64_t last = elements + 2 * padding - dilation * (size - 1) - 1;  // where the last starts
  if (ceil_mode) last += stride - 1;
  if (last < 0) return 0;
  const std::int64_t count = last / stride + 1;
  const bool starts_behind = (count - 1) * stride >= elements + padding;
  return ceil_mode && starts_behind ? count - 1 : count;
}

std::int64_t StridedWindows::length_after(std::int64_t length) const {
  return length == 0 ? 0 : count_on(length);
}

PoolCall::Ref PoolCall::checked(const char* operation, const Tensor& x,
                                const StridedWindows& windows, const Tensor& lengths) {
  const auto call = checked_input(operation, x, lengths);
  call->windows = windows.windows;
  call->to.T = windows.count_on(x.size(1));
  if (call->to.T == 0) {
    const auto& [size, stride, padding, dilation, counts_padding, parts] = windows.windows;
    throw ShapeError(fmt::format(
        "{}: x is {}: the window has {} elements, but a sequence has {}, with "
        "padding: pad() x",
        operation, x.shape().str(), dilation * (size - 1) + 1, x.size(1) + 2 * padding));
  }
  call->lengths.set(
      operation, lengths, [&](std::int64_t n) { return windows.length_after(n); }, call->from,
      call->to);
  return call;
}

PoolCall::Ref PoolCall::checked(const char* operation, const Tensor& x, std::int64_t parts,
                                const Tensor& lengths) {
  const auto call = checked_input(operation, x, lengths);
  check_at_least(operation, "output_size", parts, 1);
  call->windows.parts = call->to.T = parts;
  call->lengths.set(
      operation, lengths, [&](std::int64_t n) { return n == 0 ? 0 : parts; }, call->from, call->to);
  return call;
}

}  // namespace gradus::detail
