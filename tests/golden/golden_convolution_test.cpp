// How the golden cases call convolutional layers, whose weights they load by name, and
// pooling.
#include <gradus/framework/ops/rearrange.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/pooling.h>
#include <gradus/tests/golden/golden_case.h>

namespace gradus::golden {
namespace {

template <class Options>
Options common_options(const Case& c) {
  Options options;
  if (c.has("stride")) options.stride = c.integer("stride");
  options.dilation = c.integer("dilation");
  options.groups = c.integer("groups");
  options.bias = c.flag("bias");
  options.dtype = c.dtype();
  return options;
}

Conv1d conv1d_layer(Case& c) {
  auto options = common_options<Conv1dOptions>(c);
  const std::string& padding = c.word("padding");
  if (padding == "same") {
    options.padding = Padding::same;
  } else if (padding == "valid") {
    options.padding = Padding::valid;
  } else {
    options.padding = c.integer("padding");
  }
  Conv1d layer(c.inputs[0].size(2), c.integer("outputs"), c.integer("kernel"), options);
  c.load_parameters(layer, 1);
  return layer;
}

Results run_transposed(Case& c) {
  auto options = common_options<ConvTranspose1dOptions>(c);
  options.padding = c.integer("padding");
  options.output_padding = c.integer("output_padding");
  const ConvTranspose1d layer(c.inputs[0].size(2), c.integer("outputs"), c.integer("kernel"),
                              options);
  c.load_parameters(layer, 1);
  return {layer(c.inputs[0])};
}

template <class Options>
Options pool_options(const Case& c) {
  Options options;
  if (c.has("stride")) options.stride = c.integer("stride");
  options.padding = c.integer("padding");
  options.ceil_mode = c.flag("ceil");
  return options;
}

Results run_max_pool(Case& c) {
  auto options = pool_options<MaxPool1dOptions>(c);
  options.dilation = c.integer("dilation");
  return {MaxPool1d(c.integer("kernel"), options)(c.inputs[0])};
}

Results run_avg_pool(Case& c) {
  auto options = pool_options<AvgPool1dOptions>(c);
  options.count_include_pad = c.flag("counted");
  return {AvgPool1d(c.integer("kernel"), options)(c.inputs[0])};
}

template <class Layer>
Results run_adaptive(Case& c) {
  return {Layer(c.integer("output"))(c.inputs[0])};
}

}  // namespace

void add_convolution(Runners& all) {
  all["conv1d"] = [](Case& c) -> Results { return {conv1d_layer(c)(c.inputs[0])}; };
  all["conv1d_relu_max"] = [](Case& c) -> Results {
    return {conv1d_layer(c).relu_max(c.inputs[0])};
  };
  all["conv_transpose1d"] = run_transposed;
  all["max_pool1d"] = run_max_pool;
  all["avg_pool1d"] = run_avg_pool;
  all["adaptive_max_pool1d"] = run_adaptive<AdaptiveMaxPool1d>;
  all["adaptive_avg_pool1d"] = run_adaptive<AdaptiveAvgPool1d>;
  all["unfold"] = [](Case& c) -> Results {
    return {unfold(c.inputs[0], c.integer("axis"), c.integer("size"), c.integer("step"))};
  };
}

}  // namespace gradus::golden
