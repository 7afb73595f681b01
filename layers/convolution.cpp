#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/nn/detail/convolution_call.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/detail/weights.h>

#include <cmath>
#include <string>

namespace gradus {

/// The arguments of a constructor.
struct detail::ConvolutionLayer {
  const char* name;
  std::int64_t in_channels, out_channels, kernel_size, groups;
  bool bias;
  std::optional<DType> dtype;
  Shape weight;
  std::string options;  ///< those that are not by default
};

namespace {

using detail::ConvolutionLayer;

void check_channels(const char* name, std::int64_t in, std::int64_t out, std::int64_t groups) {
  if (in < 1 || out < 1 || groups < 1) {
    throw ValueError(fmt::format(
        "{}: in_channels is {}, out_channels is {}, groups is {}: each must be at least 1", name,
        in, out, groups));
  }
  if (in % groups == 0 && out % groups == 0) return;
  throw ValueError(
      fmt::format("{}: groups is {}, it must divide in_channels, {}, and out_channels, {}", name,
                  groups, in, out));
}

/// ", name=value" unless it is the usual one.
std::string named(const char* name, std::int64_t value, std::int64_t usual) {
  return value == usual ? "" : fmt::format(", {}={}", name, value);
}

std::string named(const std::variant<std::int64_t, Padding>& padding) {
  if (const auto* zeros = std::get_if<std::int64_t>(&padding)) return named("padding", *zeros, 0);
  return std::get<Padding>(padding) == Padding::same ? ", padding=same" : "";
}

template <class Options>
std::string rest_of(const Options& options) {
  return named("dilation", options.dilation, 1) + named("groups", options.groups, 1) +
         (options.bias ? "" : ", bias=false");
}

ConvolutionOptions op_options(const Conv1dOptions& options) {
  return {.stride = options.stride,
          .padding = options.padding,
          .dilation = options.dilation,
          .groups = options.groups};
}

ConvolutionTransposeOptions op_options(const ConvTranspose1dOptions& options) {
  return {.stride = options.stride,
          .padding = options.padding,
          .output_padding = options.output_padding,
          .dilation = options.dilation,
          .groups = options.groups};
}

ConvolutionLayer layer_of(std::int64_t in, std::int64_t out, std::int64_t K,
                          const Conv1dOptions& options) {
  check_channels("Conv1d", in, out, options.groups);
  (void)detail::ConvolutionWindows::checked("Conv1d", K, op_options(options));
  return {"Conv1d",
          in,
          out,
          K,
          options.groups,
          options.bias,
          options.dtype,
          {out, in / options.groups, K},
          named("stride", options.stride, 1) + named(options.padding) + rest_of(options)};
}

ConvolutionLayer layer_of(std::int64_t in, std::int64_t out, std::int64_t K,
                          const ConvTranspose1dOptions& options) {
  check_channels("ConvTranspose1d", in, out, options.groups);
  (void)detail::ConvolutionWindows::checked("ConvTranspose1d", K, op_options(options));
  return {"ConvTranspose1d",
          in,
          out,
          K,
          options.groups,
          options.bias,
          options.dtype,
          {in, out / options.groups, K},
          named("stride", options.stride, 1) + named("padding", options.padding, 0) +
              named("output_padding", options.output_padding, 0) + rest_of(options)};
}

Tensor uniform(const ConvolutionLayer& layer, const Shape& shape, Generator& generator) {
  const double inputs = static_cast<double>(layer.weight[1]) * static_cast<double>(layer.weight[2]);
  const double bound = 1 / std::sqrt(inputs);
  const DType dtype = detail::layer_dtype(layer.name, layer.dtype);
  return uniform_(detail::empty_sized(layer.name, shape, dtype), -bound, bound, generator);
}

/// The same options with what a call adds.
template <class Options>
Options with(Options options, const SequenceInputs& inputs) {
  options.lengths = inputs.lengths;
  return options;
}

}  // namespace

Convolution::Convolution(const ConvolutionLayer& layer, Generator& generator)
    : in_channels_(layer.in_channels),
      out_channels_(layer.out_channels),
      weight(add_parameter("weight", uniform(layer, layer.weight, generator))),
      bias(layer.bias ? add_parameter("bias", uniform(layer, {out_channels_}, generator))
                      : Parameter(Tensor())) {
  set_description(
      [text = fmt::format("{}({}, {}, kernel_size={}{})", layer.name, in_channels_, out_channels_,
                          layer.kernel_size, layer.options)] { return text; });
}

Conv1d::Conv1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
               const Conv1dOptions& options, Generator& generator)
    : Convolution(layer_of(in_channels, out_channels, kernel_size, options), generator),
      options_(op_options(options)) {}

Tensor Conv1d::operator()(const Tensor& x, const SequenceInputs& inputs) const {
  return conv1d(x, weight, bias, with(options_, inputs));
}

Tensor Conv1d::relu_max(const Tensor& x, const SequenceInputs& inputs) const {
  return conv1d_relu_max(x, weight, bias, with(options_, inputs));
}

Tensor Conv1d::output_lengths(const Tensor& lengths) const {
  return conv1d_lengths(lengths, kernel_size(), options_);
}

ConvTranspose1d::ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels,
                                 std::int64_t kernel_size, const ConvTranspose1dOptions& options,
                                 Generator& generator)
    : Convolution(layer_of(in_channels, out_channels, kernel_size, options), generator),
      options_(op_options(options)) {}

Tensor ConvTranspose1d::operator()(const Tensor& x, const SequenceInputs& inputs) const {
  return conv_transpose1d(x, weight, bias, with(options_, inputs));
}

Tensor ConvTranspose1d::output_lengths(const Tensor& lengths) const {
  return conv_transpose1d_lengths(lengths, kernel_size(), options_);
}

}  // namespace gradus
