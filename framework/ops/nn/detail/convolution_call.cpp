#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/nn/detail/convolution_call.h>

#include <algorithm>

namespace gradus::detail {
namespace {

/// The elements of x under one window.
template <class Options>
std::int64_t checked_span(const char* operation, std::int64_t K, const Options& options) {
  check_at_least(operation, "kernel_size", K, 1);
  check_at_least(operation, "stride", options.stride, 1);
  check_at_least(operation, "dilation", options.dilation, 1);
  std::int64_t span = 0;
  if (!__builtin_mul_overflow(options.dilation, K - 1, &span) && span < largest_size)
    return span + 1;
  throw ValueError(
      fmt::format("{}: a window of {} elements with dilation {} is too long for any sequence",
                  operation, K, options.dilation));
}

void check_dtypes(const char* operation, const Tensor& x, const Tensor& weight,
                  const Tensor& bias) {
  if (!is_floating(x.dtype())) throw_not_floating(operation, x.dtype());
  check_same_dtype(operation, "x", x, "weight", weight);
  if (bias.defined()) check_same_dtype(operation, "x", x, "bias", bias);
}

void check_shapes(const char* operation, const Tensor& x, const Tensor& weight, std::int64_t groups,
                  const char* weight_shape) {
  if (weight.dim() != 3 || weight.numel() == 0) {
    throw ShapeError(fmt::format("{}: weight is {}, it must be {}, none of them 0", operation,
                                 weight.shape().str(), weight_shape));
  }
  check_sequences(operation, x);
  check_at_least(operation, "groups", groups, 1);
  if (weight.size(0) % groups == 0) return;
  throw ShapeError(fmt::format("{}: weight is {}: groups is {}, which does not divide {} channels",
                               operation, weight.shape().str(), groups, weight.size(0)));
}

void check_channels(const char* operation, const Tensor& x, const Tensor& weight,
                    std::int64_t groups, std::int64_t channels) {
  if (x.size(2) == channels) return;
  throw ShapeError(
      fmt::format("{}: x is {}, its last axis must be {}, as weight is {} and groups is {}: "
                  "transpose() x if its channels come before time",
                  operation, x.shape().str(), channels, weight.shape().str(), groups));
}

void check_bias(const char* operation, const Tensor& bias, std::int64_t channels) {
  if (!bias.defined() || bias.shape() == Shape{channels}) return;
  throw ShapeError(
      fmt::format("{}: bias is {}, it must be [{}]: one number for each channel of "
                  "the result",
                  operation, bias.shape().str(), channels));
}

}  // namespace

ConvolutionWindows ConvolutionWindows::checked(const char* operation, std::int64_t K,
                                               const ConvolutionOptions& options) {
  const std::int64_t span = checked_span(operation, K, options);
  if (const auto* padding = std::get_if<std::int64_t>(&options.padding)) {
    check_at_least(operation, "padding", *padding, 0);
    return {options.stride, options.dilation, span, *padding, *padding};
  }
  if (std::get<Padding>(options.padding) == Padding::valid) {
    return {options.stride, options.dilation, span, 0, 0};
  }
  if (options.stride != 1) {
    throw ValueError(fmt::format("{}: stride is {}, but padding `same` needs a stride of 1",
                                 operation, options.stride));
  }
  return {1, options.dilation, span, (span - 1) / 2, span - 1 - (span - 1) / 2};
}

ConvolutionWindows ConvolutionWindows::checked(const char* operation, std::int64_t K,
                                               const ConvolutionTransposeOptions& options) {
  const std::int64_t span = checked_span(operation, K, options);
  check_at_least(operation, "padding", options.padding, 0);
  check_at_least(operation, "output_padding", options.output_padding, 0);
  if (options.output_padding >= std::max(options.stride, options.dilation)) {
    throw ValueError(
        fmt::format("{}: output_padding is {}, it must be less than the stride, {}, or the "
                    "dilation, {}",
                    operation, options.output_padding, options.stride, options.dilation));
  }
  return {options.stride, options.dilation, span, options.padding,
          options.padding - options.output_padding};
}

std::int64_t ConvolutionWindows::count_on(std::int64_t length) const {
  const std::int64_t last = length + before + after - span;  // where the last window starts
  return length == 0 || last < 0 ? 0 : last / stride + 1;
}

std::int64_t ConvolutionWindows::length_under(const char* operation, std::int64_t windows) const {
  if (windows == 0) return 0;
  std::int64_t all = 0;
  if (__builtin_mul_overflow(windows - 1, stride, &all) || all > largest_size) {
    throw ShapeError(fmt::format("{}: {} elements with a stride of {} make too long a sequence",
                                 operation, windows, stride));
  }
  return std::max<std::int64_t>(all + span - before - after, 0);
}

ConvolutionCall::Ref ConvolutionCall::checked(const char* operation, const Tensor& x,
                                              const Tensor& weight, const Tensor& bias,
                                              const ConvolutionOptions& options) {
  check_defined(operation, {{"x", x}, {"weight", weight}});
  check_dtypes(operation, x, weight, bias);
  check_shapes(operation, x, weight, options.groups, "[out, channels / groups, kernel_size]");
  check_channels(operation, x, weight, options.groups, weight.size(1) * options.groups);
  check_bias(operation, bias, weight.size(0));
  const auto windows = ConvolutionWindows::checked(operation, weight.size(2), options);
  check_lengths(operation, options.lengths, x);
  const std::int64_t B = x.size(0), T = x.size(1), padding = windows.before + windows.after;
  if (T + padding < windows.span) {
    throw ShapeError(
        fmt::format("{}: x is {}: the window has {} elements, but a sequence has {}, "
                    "with padding: pad() x",
                    operation, x.shape().str(), windows.span, T + padding));
  }
  const auto call = std::make_shared<ConvolutionCall>();
  call->operation = operation;
  call->dtype = x.dtype();
  call->shape = {.x = {B, T, x.size(2)},
                 .y = {B, (T + padding - windows.span) / windows.stride + 1, weight.size(0)},
                 .K = weight.size(2),
                 .stride = windows.stride,
                 .padding = windows.before,
                 .dilation = windows.dilation,
                 .groups = options.groups};
  call->lengths.set(
      operation, options.lengths, [&](std::int64_t n) { return windows.count_on(n); },
      call->shape.x, call->shape.y);
  return call;
}

ConvolutionCall::Ref ConvolutionCall::checked(const char* operation, const Tensor& x,
                                              const Tensor& weight, const Tensor& bias,
                                              const ConvolutionTransposeOptions& options) {
  check_defined(operation, {{"x", x}, {"weight", weight}});
  check_dtypes(operation, x, weight, bias);
  check_shapes(operation, x, weight, options.groups, "[channels, out / groups, kernel_size]");
  check_channels(operation, x, weight, options.groups, weight.size(0));
  const std::int64_t out = weight.size(1) * options.groups;
  check_bias(operation, bias, out);
  const auto windows = ConvolutionWindows::checked(operation, weight.size(2), options);
  check_lengths(operation, options.lengths, x);
  const std::int64_t B = x.size(0), T = x.size(1);
  const auto length_of = [&](std::int64_t n) { return windows.length_under(operation, n); };
  if (T > 0 && length_of(T) == 0) {
    throw ShapeError(
        fmt::format("{}: x is {}: padding cuts {} elements off both sides, which leaves nothing",
                    operation, x.shape().str(), windows.before));
  }
  const auto call = std::make_shared<ConvolutionCall>();
  call->operation = operation;
  call->dtype = x.dtype();
  call->shape = {.x = {B, length_of(T), out},
                 .y = {B, T, x.size(2)},
                 .K = weight.size(2),
                 .stride = windows.stride,
                 .padding = windows.before,
                 .dilation = windows.dilation,
                 .groups = options.groups};
  call->lengths.set(operation, options.lengths, length_of, call->shape.y, call->shape.x);
  return call;
}

Tensor ConvolutionCall::empty(const kernels::Sequences& side) const {
  return empty_sized(operation, {side.B, side.T, side.C}, dtype);
}

}  // namespace gradus::detail
