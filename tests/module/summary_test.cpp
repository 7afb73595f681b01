// summary(), and the names under which modules show themselves.
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/summary.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <regex>
#include <sstream>
#include <string>

namespace gradus {
namespace {

struct Scale : Module {
  explicit Scale(std::int64_t n)
      : scale(add_parameter("scale", ones({n}))),
        seen(add_buffer("seen", zeros({}, DType::int64))) {}
  const Parameter scale;
  const Tensor seen;
};

struct Head : Module {
  explicit Head(const Parameter& shared)
      : weight(add_parameter("weight", shared)),
        bias(add_parameter("bias", zeros({2, 3}, DType::float64), /*trainable=*/false)) {
    set_description([] { return std::string("Head(out=3)"); });
  }
  const Parameter weight, bias;
};

struct Net : Module {
  Net() : scale(add("scale", Scale(5))), head(add("head", Head(scale.scale))) {}
  const Scale scale;
  const Head head;
};

struct Named : Module {
  Named() : Module("TextClassifier"), inner(add("inner", Scale(1))) {}
  const Scale inner;
};

struct Outer : Module {
  Outer() : named(add("named", Named())) {}
  const Named named;
};

template <class T>
struct Of : Module {};

std::string printed(const auto& module) {
  std::ostringstream out;
  out << module;
  return out.str();
}

TEST(Summary, ListsLayersParametersBuffersAndTotals) {
  const Net model;
  EXPECT_EQ(summary(model),
            "path         type   shape           elements  bytes  trainable\n"
            "(model)      Net\n"
            "scale        Scale\n"
            "scale.scale         [5]                    5     20  yes\n"
            "scale.seen          [] int64               1      8  buffer\n"
            "head         Head\n"
            "head.weight         [5]                              is scale.scale\n"
            "head.bias           [2, 3] float64         6     48  no\n"
            "total: 11 parameters in 68 bytes: 5 trainable, 6 frozen\n"
            "buffers: 1 elements in 8 bytes\n");
}

TEST(Summary, AgreesWithTheModel) {
  const Net model;
  const std::string text = summary(model);
  EXPECT_NE(text.find("total: " + std::to_string(model.num_parameters()) + " parameters"),
            std::string::npos);
  EXPECT_NE(text.find(std::to_string(model.num_parameters(true)) + " trainable"),
            std::string::npos);
  for (const NamedParameter& p : model.parameters()) {
    EXPECT_TRUE(std::regex_search(text, std::regex("(^|\n)" + p.path + " ")));
  }
}

TEST(Summary, OfAnEmptyModel) {
  EXPECT_EQ(summary(Module()),
            "path     type    shape  elements  bytes  trainable\n"
            "(model)  Module\n"
            "total: 0 parameters in 0 bytes: 0 trainable, 0 frozen\n");
}

TEST(ModuleText, OfARootIsItsTypeWherePrintedAndItsNameEverywhere) {
  EXPECT_EQ(printed(Of<int>()), "Of<int>()");
  EXPECT_EQ(printed(Of<std::string>()).substr(0, 3), "Of<");
  EXPECT_EQ(printed(Net()),
            "Net(\n"
            "  (scale): Scale()\n"
            "  (head): Head(out=3)\n"
            ")");
  const Named named;
  EXPECT_EQ(named.str(), "TextClassifier(\n  (inner): Scale()\n)");
  EXPECT_EQ(printed(named), named.str());
  EXPECT_EQ(printed(Outer()), "Outer(\n  (named): TextClassifier(\n    (inner): Scale()\n  )\n)");
  const Module& base = named.inner;
  EXPECT_EQ(printed(base), "Scale()");  // its type is known since it was added
}

}  // namespace
}  // namespace gradus
