#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/gradient.h>
#include <gradus/framework/module/detail/named_parameters.h>
#include <gradus/optim/detail/finite.h>
#include <gradus/optim/training/check_finite.h>

namespace gradus {

void check_finite(const Tensor& loss, const std::vector<NamedParameter>& parameters) {
  detail::check_defined("check_finite", "loss", loss);
  detail::check_defined("check_finite", parameters);
  if (const std::int64_t bad = detail::first_not_finite(loss); bad >= 0) {
    throw ValueError(fmt::format("check_finite: the loss is {}", detail::element(loss, bad)));
  }
  for (const auto& [path, parameter] : parameters) {
    const Gradient& gradient = parameter.grad();
    if (!parameter.trainable() || gradient.empty()) continue;
    const bool sparse = gradient.is_sparse();
    const Tensor values = sparse ? gradient.sparse().values() : gradient.dense();
    const std::int64_t bad = detail::first_not_finite(values);
    if (bad < 0) continue;
    const std::string where =
        sparse
            ? fmt::format(
                  "row {}",
                  gradient.sparse().ids().data<std::int64_t>()[bad / gradient.sparse().row_size()])
            : fmt::format("element {}", bad);
    throw ValueError(fmt::format("check_finite: the gradient of {} {} is {} in {}", path,
                                 parameter.shape().str(), detail::element(values, bad), where));
  }
}

}  // namespace gradus
