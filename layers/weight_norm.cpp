#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/module/detail/module_node.h>
#include <gradus/framework/ops/nn/weight_norm.h>
#include <gradus/layers/weight_norm.h>

#include <algorithm>
#include <vector>

namespace gradus::detail {
namespace {

using Parameters = std::vector<NamedParameter>;

/// The parameter of the layer itself, not of its submodules.
Parameters::iterator find(const Module& layer, const std::string& name) {
  Parameters& all = ModuleAccess::node(layer).parameters;
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const NamedParameter& p) { return p.path == name; });
  if (found != all.end()) return found;
  throw ValueError(fmt::format("WeightNorm: there is no parameter '{}' in {}", name, layer.str()));
}

}  // namespace

NormalizedWeight::NormalizedWeight(const Module& layer, const WeightNormOptions& options)
    : dim_(options.dim), weight_(find(layer, options.name)->parameter) {
  const NoGradGuard no_grad;
  g_ = norm_except_dim(weight_, dim_);
  v_ = weight_.detach();
  g_.set_trainable(weight_.trainable());
  v_.set_trainable(weight_.trainable());
  Parameters renamed;
  for (const NamedParameter& p : ModuleAccess::node(layer).parameters) {
    if (p.path != options.name) {
      renamed.push_back(p);
      continue;
    }
    renamed.push_back({options.name + "_g", Parameter(g_)});
    renamed.push_back({options.name + "_v", Parameter(v_)});
  }
  ModuleAccess::node(layer).parameters.swap(renamed);
  weight_.set_trainable(false);
  compute();
}

void NormalizedWeight::compute() const { Access::replace(weight_, weight_norm(v_, g_, dim_)); }

}  // namespace gradus::detail
