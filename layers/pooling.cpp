#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/nn/detail/pool_call.h>
#include <gradus/layers/pooling.h>

#include <string>

namespace gradus {
namespace {

template <class Options>
const Options& checked(const char* layer, std::int64_t kernel_size, const Options& options) {
  (void)detail::StridedWindows::checked(layer, kernel_size, options);
  if (!options.lengths.defined()) return options;
  throw ValueError(
      fmt::format("{}: lengths are those of a call: layer(x, {{.lengths = lengths}})", layer));
}

std::int64_t checked(const char* layer, std::int64_t output_size) {
  detail::check_at_least(layer, "output_size", output_size, 1);
  return output_size;
}

/// The same options with the lengths of a call.
template <class Options>
Options with(Options options, const SequenceInputs& inputs) {
  options.lengths = inputs.lengths;
  return options;
}

template <class Options>
std::string describe(const char* layer, std::int64_t kernel_size, const Options& options) {
  std::string text = fmt::format("{}(kernel_size={}", layer, kernel_size);
  if (options.stride) text += fmt::format(", stride={}", *options.stride);
  if (options.padding != 0) text += fmt::format(", padding={}", options.padding);
  if constexpr (requires { options.dilation; }) {
    if (options.dilation != 1) text += fmt::format(", dilation={}", options.dilation);
  } else {
    if (!options.count_include_pad) text += ", count_include_pad=false";
  }
  if (options.ceil_mode) text += ", ceil_mode=true";
  return text + ")";
}

}  // namespace

MaxPool1d::MaxPool1d(std::int64_t kernel_size, const MaxPool1dOptions& options)
    : kernel_size_(kernel_size), options_(checked("MaxPool1d", kernel_size, options)) {
  set_description([kernel_size, options] { return describe("MaxPool1d", kernel_size, options); });
}

Tensor MaxPool1d::operator()(const Tensor& x, const SequenceInputs& inputs) const {
  return max_pool1d(x, kernel_size_, with(options_, inputs));
}

Tensor MaxPool1d::output_lengths(const Tensor& lengths) const {
  return max_pool1d_lengths(lengths, kernel_size_, options_);
}

AvgPool1d::AvgPool1d(std::int64_t kernel_size, const AvgPool1dOptions& options)
    : kernel_size_(kernel_size), options_(checked("AvgPool1d", kernel_size, options)) {
  set_description([kernel_size, options] { return describe("AvgPool1d", kernel_size, options); });
}

Tensor AvgPool1d::operator()(const Tensor& x, const SequenceInputs& inputs) const {
  return avg_pool1d(x, kernel_size_, with(options_, inputs));
}

Tensor AvgPool1d::output_lengths(const Tensor& lengths) const {
  return avg_pool1d_lengths(lengths, kernel_size_, options_);
}

AdaptiveMaxPool1d::AdaptiveMaxPool1d(std::int64_t output_size)
    : output_size_(checked("AdaptiveMaxPool1d", output_size)) {
  set_description([=] { return fmt::format("AdaptiveMaxPool1d({})", output_size); });
}

Tensor AdaptiveMaxPool1d::operator()(const Tensor& x, const SequenceInputs& inputs) const {
  return adaptive_max_pool1d(x, output_size_, inputs);
}

AdaptiveAvgPool1d::AdaptiveAvgPool1d(std::int64_t output_size)
    : output_size_(checked("AdaptiveAvgPool1d", output_size)) {
  set_description([=] { return fmt::format("AdaptiveAvgPool1d({})", output_size); });
}

Tensor AdaptiveAvgPool1d::operator()(const Tensor& x, const SequenceInputs& inputs) const {
  return adaptive_avg_pool1d(x, output_size_, inputs);
}

}  // namespace gradus
