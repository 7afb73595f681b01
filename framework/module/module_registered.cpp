#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/module/module.h>

#include <unordered_set>

namespace gradus {

void check_registered(const Tensor& loss, const Module& model) {
  detail::check_defined("check_registered", "loss", loss);
  std::unordered_set<const detail::Body*> listed;
  for (const NamedParameter& p : model.parameters()) {
    listed.insert(&detail::Access::body(p.parameter));
  }
  std::vector<std::string> missing;
  for (const Tensor& leaf : detail::reachable_leaves(loss)) {
    if (listed.count(&detail::Access::body(leaf)) == 0) missing.push_back(leaf.shape().str());
  }
  if (!missing.empty()) {
    throw AutogradError(fmt::format(
        "check_registered: the loss depends on trainable leaves that model.parameters() lacks, of "
        "shapes {}: register layers with add(\"name\", layer), tensors and parameters of your own "
        "with add_parameter(\"name\", tensor)",
        fmt::join(missing, ", ")));
  }
}

}  // namespace gradus
