// How the golden cases call convolutional layers, whose weights they load by name.
#include <gradus/layers/convolution.h>
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

}  // namespace

void add_convolution(Runners& all) {
  all["conv1d"] = [](Case& c) -> Results { return {conv1d_layer(c)(c.inputs[0])}; };
  all["conv1d_relu_max"] = [](Case& c) -> Results {
    return {conv1d_layer(c).relu_max(c.inputs[0])};
  };
  all["conv_transpose1d"] = run_transposed;
}

}  // namespace gradus::golden
