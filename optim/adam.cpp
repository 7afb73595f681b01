#include <gradus/optim/adam.h>
#include <gradus/optim/detail/adam_kin.h>

#include <type_traits>

namespace gradus {
namespace {

constexpr std::size_t greatest = 2;  // the buffer of amsgrad

template <class Options>
OptimizerInfo info_of(const char* name, Options& options) {
  return {name,
          {"exp_avg", "exp_avg_sq", "max_exp_avg_sq"},
          detail::adam_fields(options, {{"amsgrad", options.amsgrad},
                                        {"lazy", options.lazy},
                                        {"maximize", options.maximize}})};
}

}  // namespace

OptimizerInfo optimizer_info(AdamOptions& options) { return info_of("Adam", options); }
OptimizerInfo optimizer_info(AdamWOptions& options) { return info_of("AdamW", options); }

namespace detail {

template <class Options>
bool AdamFamily<Options>::uses_buffer(std::size_t buffer, std::int64_t group) const {
  return buffer != greatest || this->options(group).amsgrad;
}

template <class Options>
void AdamFamily<Options>::check_gradient(const Slot& slot) const {
  const Options& options = this->options_of(slot);
  if (slot.gradient().is_sparse() && !options.lazy) {
    this->throw_sparse(slot, ".lazy is false",
                       "set .lazy = true to update its rows only, or make the gradient dense with "
                       ".sparse = false");
  }
  this->require_no_sparse_decay(slot, options.weight_decay);
}

template <class Options>
void AdamFamily<Options>::update(Slot& slot) {
  adam_step(this->options_of(slot), std::is_same_v<Options, AdamWOptions>, slot, order_);
}

template class AdamFamily<AdamOptions>;
template class AdamFamily<AdamWOptions>;

}  // namespace detail
}  // namespace gradus
