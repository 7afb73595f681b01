#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/module/module.h>

#include <string>
#include <vector>

namespace gradus {

/// The graph that backward from `result` would walk, as text for Graphviz: `dot -Tsvg`. A box is an
/// op, with the shapes of its results (and the dtype unless float32); an ellipse is a trainable
/// leaf, with its path if it is among `parameters`. Arrows follow the values, from inputs to
/// results; inputs that need no gradient are not part of the graph. The text depends only on the
/// graph, not on addresses. An op whose graph a backward() has freed is dashed and has no inputs.
///
///   std::ofstream("graph.dot") << to_dot(loss, model.parameters());
///
/// Throws AutogradError for a tensor that does not require a gradient, and inside a backward pass.
GRADUS_API std::string to_dot(const Tensor& result,
                              const std::vector<NamedParameter>& parameters = {});

}  // namespace gradus
