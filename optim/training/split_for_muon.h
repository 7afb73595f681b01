#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/optim/training/freeze.h>

#include <string>
#include <vector>

namespace gradus {

/// Parameters in two lists, for the groups of Muon.
struct MuonSplit {
  std::vector<NamedParameter> matrices;  ///< the weights of hidden layers
  std::vector<NamedParameter> rest;      ///< for AdamW: all else
};

/// Splits parameters, in order: those with two axes are matrices unless their path matches one of
/// the patterns of freeze(), which name embeddings and the output layer. Throws ValueError for a
/// pattern that matches nothing.
///   const auto [matrices, rest] = split_for_muon(model.parameters(), {"embedding.*", "output.*"});
inline MuonSplit split_for_muon(const std::vector<NamedParameter>& parameters,
                                const std::vector<std::string>& patterns = {}) {
  const std::vector<NamedParameter> others =
      patterns.empty() ? parameters
                       : detail::split_by_pattern("split_for_muon", parameters, patterns).back();
  MuonSplit split;
  auto other = others.begin();
  for (const NamedParameter& target : parameters) {
    const bool unnamed = other != others.end() && other->path == target.path;
    if (unnamed) ++other;
    (unnamed && target.parameter.dim() == 2 ? split.matrices : split.rest).push_back(target);
  }
  return split;
}

}  // namespace gradus
