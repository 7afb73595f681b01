#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/optim/detail/check_parameters.h>

#include <set>
#include <string>
#include <unordered_map>

namespace gradus::detail {
namespace {

void check_parameter(const char* optimizer, const NamedParameter& target) {
  const auto& [path, parameter] = target;
  if (!parameter.defined()) throw_undefined(optimizer, "parameter " + path);
  if (!is_floating(parameter.dtype())) {
    throw DTypeError(fmt::format("{}: parameter {} is {}, only float32 and float64 are trained",
                                 optimizer, path, name(parameter.dtype())));
  }
  if (!parameter.is_leaf()) {
    throw AutogradError(
        fmt::format("{}: parameter {} {} was made by an op: only leaves are trained: detach() it",
                    optimizer, path, parameter.shape().str()));
  }
}

}  // namespace

void check_parameters(const char* optimizer, const std::vector<NamedParameter>& parameters) {
  std::unordered_map<const void*, std::string> path_of;
  std::set<std::string> paths;
  for (const NamedParameter& target : parameters) {
    const auto& [path, parameter] = target;
    check_parameter(optimizer, target);
    const auto [seen, is_new] = path_of.emplace(&Access::body(parameter), path);
    if (!is_new) {
      throw ValueError(
          fmt::format("{}: one parameter is listed twice, as {} and as {}: list it once", optimizer,
                      seen->second, path));
    }
    if (!paths.insert(path).second) {
      throw ValueError(
          fmt::format("{}: two parameters are called {}: rename one, since state is kept by path",
                      optimizer, path));
    }
  }
}

}  // namespace gradus::detail
