#pragma once
#include <gradus/framework/module/module.h>

#include <vector>

namespace gradus {

/// Parameters in two lists, for groups with and without weight decay.
struct DecaySplit {
  std::vector<NamedParameter> decayed;  ///< matrices and tables: two axes or more
  std::vector<NamedParameter> exempt;   ///< biases, and gains of normalisations
};

/// Splits parameters by their number of axes, in order:
///   auto [decayed, exempt] = split_for_decay(model.parameters());
///   AdamW optimizer({{decayed, {.weight_decay = 0.1}}, {exempt, {.weight_decay = 0}}});
/// That needs parameters in both lists; a model without biases has one group.
inline DecaySplit split_for_decay(const std::vector<NamedParameter>& parameters) {
  DecaySplit split;
  for (const NamedParameter& target : parameters) {
    (target.parameter.dim() >= 2 ? split.decayed : split.exempt).push_back(target);
  }
  return split;
}

}  // namespace gradus
