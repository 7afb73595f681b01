#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/backward.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/inspect/graph_dot.h>
#include <gradus/framework/module/detail/named_parameters.h>

#include <iterator>
#include <string_view>
#include <unordered_map>

namespace gradus {
namespace {

using detail::Access;
using detail::Body;
using detail::Edge;
using detail::Node;

// Escapes text for a quoted string in DOT; the callers write newlines as \n.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string kind(const Shape& shape, DType dtype) {
  return dtype == DType::float32 ? shape.str() : fmt::format("{} {}", shape.str(), name(dtype));
}

// Numbers ops and leaves in the order of a walk from the result, and writes each when first met.
class DotWriter {
 public:
  explicit DotWriter(const std::vector<NamedParameter>& parameters) {
    for (const NamedParameter& p : parameters) paths_.emplace(&Access::body(p.parameter), p.path);
  }

  std::string write(const Tensor& result) {
    Body& body = Access::body(result);
    if (body.node) {
      id_of(*body.node);
    } else {
      id_of(body);
    }
    while (!unvisited_.empty()) {
      Node* node = unvisited_.back();
      unvisited_.pop_back();
      for (const Edge& edge : node->edges()) write_edge(edge, id_of(*node));
    }
    return "digraph gradus {\n" + text_ + "}\n";
  }

 private:
  template <class... Arguments>
  void append(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
  }

  std::size_t id_of(Node& node) {
    const auto [place, is_new] = ops_.try_emplace(&node, ops_.size());
    if (is_new) {
      std::string label = escaped(node.name());
      const char* separator = "\\n";
      for (const detail::Output& output : node.outputs()) {
        label += separator + kind(output.shape, output.dtype);
        separator = ", ";
      }
      if (node.freed) label += "\\nfreed by backward";
      append("  op{} [shape=box, label=\"{}\"{}];\n", place->second, label,
             node.freed ? ", style=dashed" : "");
      unvisited_.push_back(&node);
    }
    return place->second;
  }

  std::size_t id_of(const Body& leaf) {
    const auto [place, is_new] = leaves_.try_emplace(&leaf, leaves_.size());
    if (is_new) {
      const auto path = paths_.find(&leaf);
      append("  leaf{} [shape=ellipse, label=\"{}\\n{}{}\"];\n", place->second,
             path == paths_.end() ? "leaf" : escaped(path->second), kind(leaf.shape, leaf.dtype),
             leaf.leaf && leaf.leaf->trainable ? "" : "\\nfrozen since then");
    }
    return place->second;
  }

  void write_edge(const Edge& edge, std::size_t consumer) {
    if (edge.node) {
      const std::size_t producer = id_of(*edge.node);
      append("  op{} -> op{}", producer, consumer);
      if (edge.node->outputs().size() > 1) append(" [label=\"{}\"]", edge.output);
      text_ += ";\n";
    } else if (edge.leaf.defined()) {
      const std::size_t leaf = id_of(Access::body(edge.leaf));
      append("  leaf{} -> op{};\n", leaf, consumer);
    }
  }

  std::unordered_map<const Body*, std::string_view> paths_;
  std::unordered_map<const Node*, std::size_t> ops_;
  std::unordered_map<const Body*, std::size_t> leaves_;
  std::vector<Node*> unvisited_;
  std::string text_;
};

}  // namespace

std::string to_dot(const Tensor& result, const std::vector<NamedParameter>& parameters) {
  detail::check_defined("to_dot", "result", result);
  detail::check_defined("to_dot", parameters);
  if (!result.requires_grad()) {
    throw AutogradError(
        fmt::format("to_dot: the tensor {} has no graph: it was not computed from a trainable leaf "
                    "while recording",
                    result.shape().str()));
  }
  const detail::GraphLock lock("to_dot");
  return DotWriter(parameters).write(result);
}

}  // namespace gradus
