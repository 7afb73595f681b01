// to_dot: the text is parsed again, and compared with the graph that was built.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/inspect/graph_dot.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;
using testing::StrEq;
using testing::ThrowsMessage;
using testing::UnorderedElementsAre;

struct Dot {
  std::map<std::string, std::string> attributes;  // of each node, what stands in its brackets
  std::map<std::string, std::string> labels;      // of each node
  std::vector<std::pair<std::string, std::string>> edges;  // by label, from and to
  std::vector<std::string> edge_labels;                    // "" where there is none
};

// Reads what to_dot writes: one statement a line, nodes before the edges that use them.
Dot parse(const std::string& text) {
  static const std::regex node(R"re(  (\w+) \[(.*label="((?:[^"\\]|\\.)*)".*)\];)re");
  static const std::regex edge(R"re(  (\w+) -> (\w+)(?: \[label="(\d+)"\])?;)re");
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(line, "digraph gradus {");
  Dot dot;
  bool closed = false;
  for (std::smatch match; std::getline(lines, line);) {
    EXPECT_FALSE(closed) << line;
    if (std::regex_match(line, match, edge)) {
      dot.edges.emplace_back(dot.labels.at(match[1]), dot.labels.at(match[2]));
      dot.edge_labels.push_back(match[3]);
    } else if (std::regex_match(line, match, node)) {
      EXPECT_TRUE(dot.labels.emplace(match[1], match[3]).second) << "twice: " << line;
      dot.attributes[match[1]] = match[2];
    } else {
      EXPECT_EQ(line, "}");
      closed = true;
    }
  }
  EXPECT_TRUE(closed);
  return dot;
}

struct Affine : Module {
  Affine()
      : weight(add_parameter("weight", ones({3}))), bias(add_parameter("bias", zeros({2, 1}))) {}
  Tensor operator()(const Tensor& x) const { return tanh(x * weight + bias); }
  const Parameter weight, bias;
};

struct Model : Module {
  Model() : affine(add("affine", Affine())) {}
  const Affine affine;
};

TEST(ToDot, ShowsOpsShapesPathsAndArrows) {
  const Model model;
  const Tensor other = ones({2, 3}).set_trainable(true);
  const Tensor loss = sum(model.affine(ones({2, 3})) * other);
  const Dot dot = parse(to_dot(loss, model.parameters()));
  EXPECT_THAT(dot.edges, UnorderedElementsAre(Pair(R"(mul\n[2, 3])", R"(sum\n[])"),
                                              Pair(R"(tanh\n[2, 3])", R"(mul\n[2, 3])"),
                                              Pair(R"(leaf\n[2, 3])", R"(mul\n[2, 3])"),
                                              Pair(R"(add\n[2, 3])", R"(tanh\n[2, 3])"),
                                              Pair(R"(mul\n[2, 3])", R"(add\n[2, 3])"),
                                              Pair(R"(affine.bias\n[2, 1])", R"(add\n[2, 3])"),
                                              Pair(R"(affine.weight\n[3])", R"(mul\n[2, 3])")));
  EXPECT_EQ(dot.labels.size(), 8U);
  for (const auto& [id, attributes] : dot.attributes) {
    EXPECT_THAT(attributes, HasSubstr(id.starts_with("op") ? "shape=box" : "shape=ellipse"));
  }
}

TEST(ToDot, IsTheSameForTheSameGraph) {
  const auto build = [] {
    const Tensor a = ones({2}).set_trainable(true), b = ones({2}).set_trainable(true);
    const Tensor c = a * b;
    return std::pair(sum(c * c + exp(c) * a), std::vector<Tensor>{a, b, c});
  };
  const auto first = build();
  const std::vector<Tensor> between(7, ones({3}));  // moves what is allocated next
  const auto second = build();
  EXPECT_EQ(to_dot(first.first), to_dot(second.first));
}

TEST(ToDot, DrawsARepeatedInputTwiceAndAnOpOnce) {
  const Tensor x = ones({2}).set_trainable(true);
  const Tensor y = x * x;
  const Dot dot = parse(to_dot(y + y));
  EXPECT_THAT(dot.edges, UnorderedElementsAre(Pair(R"(mul\n[2])", R"(add\n[2])"),
                                              Pair(R"(mul\n[2])", R"(add\n[2])"),
                                              Pair(R"(leaf\n[2])", R"(mul\n[2])"),
                                              Pair(R"(leaf\n[2])", R"(mul\n[2])")));
  EXPECT_EQ(dot.labels.size(), 3U);
}

TEST(ToDot, NumbersTheOutputsOfAJointOp) {
  const Tensor x = ones({2}, DType::float64).set_trainable(true);
  const Tensor a = x.detach().clone(), b = zeros({3}, DType::float64);
  record_joint("two", {a, b}, {x}, [](Cotangents, Needs) { return std::vector<Gradient>(1); });
  const Dot dot = parse(to_dot(sum(b) + sum(a)));
  const std::string two = R"(two\n[2] float64, [3] float64)", sum = R"(sum\n[] float64)";
  EXPECT_THAT(dot.edges, UnorderedElementsAre(Pair(sum, R"(add\n[] float64)"),
                                              Pair(sum, R"(add\n[] float64)"), Pair(two, sum),
                                              Pair(two, sum), Pair(R"(leaf\n[2] float64)", two)));
  EXPECT_THAT(dot.edge_labels, testing::IsSupersetOf({"0", "1"}));
}

TEST(ToDot, EscapesNamesAndPaths) {
  struct Quoted : Module {
    Quoted() : p(add_parameter("a\"b\\c", ones({1}))) {}
    const Parameter p;
  } const model;
  const Tensor y = record("say \"x\"", ones({1}), vjp(model.p, [](const Tensor& g) { return g; }));
  const Dot dot = parse(to_dot(y, model.parameters()));
  EXPECT_THAT(dot.edges, ElementsAre(Pair(R"(a\"b\\c\n[1])", R"(say \"x\"\n[1])")));
}

TEST(ToDot, OfALeafIsTheLeaf) {
  const Tensor x = ones({2}).set_trainable(true);
  EXPECT_EQ(to_dot(x), "digraph gradus {\n  leaf0 [shape=ellipse, label=\"leaf\\n[2]\"];\n}\n");
}

TEST(ToDot, ShowsWhatWasFreedAndWhatWasFrozen) {
  const Tensor x = ones({2}).set_trainable(true);
  const Tensor y = exp(x);
  x.set_trainable(false);
  EXPECT_EQ(parse(to_dot(y)).labels.at("leaf0"), R"(leaf\n[2]\nfrozen since then)");
  x.set_trainable(true);
  sum(y).backward();
  const Dot dot = parse(to_dot(y));
  EXPECT_THAT(dot.labels, ElementsAre(Pair("op0", R"(exp\n[2]\nfreed by backward)")));
  EXPECT_THAT(dot.attributes.at("op0"), HasSubstr("style=dashed"));
}

TEST(ToDot, RefusesWhatHasNoGraph) {
  EXPECT_THAT([] { static_cast<void>(to_dot(ones({2}))); },
              ThrowsMessage<AutogradError>(StrEq(
                  "to_dot: the tensor [2] has no graph: it was not computed from a trainable leaf "
                  "while recording")));
  EXPECT_THROW(static_cast<void>(to_dot(Tensor())), Error);
  const Tensor x = ones({1}).set_trainable(true);
  const Tensor y = record("curious", ones({1}), vjp(x, [x](const Tensor& g) {
                            static_cast<void>(to_dot(x));
                            return g;
                          }));
  EXPECT_THAT([&] { y.backward(); },
              ThrowsMessage<AutogradError>(StrEq("to_dot: called from inside a backward pass")));
}

TEST(ToDot, WalksDeepGraphsWithoutRecursion) {
  Tensor x = ones({1}).set_trainable(true);
  constexpr int deep = 100'000;
  for (int i = 0; i < deep; ++i) x = x * 1.0;
  const std::string text = to_dot(x);
  EXPECT_THAT(text, HasSubstr("op" + std::to_string(deep - 1) + " ["));
}

}  // namespace
}  // namespace gradus
