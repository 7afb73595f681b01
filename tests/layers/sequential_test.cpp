#include <gradus/framework/ops/elementwise.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/sequential.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

std::vector<std::string> paths(const Module& module) {
  std::vector<std::string> result;
  for (const NamedParameter& p : module.parameters()) result.push_back(p.path);
  return result;
}

TEST(Sequential, AppliesItsPartsInOrder) {
  const Linear first(3, 4), second(4, 2);
  const Sequential net(first, relu, second, [](const Tensor& x) { return x * 2.0; });
  const Tensor x = ones({5, 3});
  EXPECT_EQ(values_of(net(x)), values_of(second(relu(first(x))) * 2.0));
  EXPECT_EQ(net.size(), 4U);
}

TEST(Sequential, NamesPartsByPositionAsPyTorch) {
  const Sequential net(Linear(3, 4), relu, Linear(4, 2, {.bias = false}));
  EXPECT_THAT(paths(net), ElementsAre("0.weight", "0.bias", "2.weight"));
}

TEST(Sequential, TrainsWhatItLists) {
  const Sequential net(Linear(3, 4), tanh, Linear(4, 2));
  net(ones({5, 3})).backward(ones({5, 2}));
  for (const NamedParameter& p : net.parameters()) {
    EXPECT_FALSE(p.parameter.grad().empty()) << p.path;
  }
}

TEST(Sequential, HoldsOthersOfItsKind) {
  const Sequential inner(Linear(3, 3), relu);
  const Sequential net(inner, Sequential(Linear(3, 1)));
  EXPECT_THAT(paths(net), ElementsAre("0.0.weight", "0.0.bias", "1.0.weight", "1.0.bias"));
  EXPECT_EQ(net(ones({2, 3})).shape(), (Shape{2, 1}));
}

TEST(Sequential, CopyIsTheSameLayer) {
  const Sequential net(Linear(3, 4));
  const Sequential copy = net;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_TRUE(copy.parameters()[0].parameter.is_same(net.parameters()[0].parameter));
  copy.eval();
  EXPECT_FALSE(net.is_training());
}

TEST(Sequential, WithoutPartsIsTheIdentity) {
  const Tensor x = ones({2});
  EXPECT_TRUE(Sequential()(x).is_same(x));
}

TEST(Sequential, ShowsItsParts) {
  EXPECT_EQ(Sequential(Linear(3, 4), relu, Dropout()).str(),
            "Sequential(\n"
            "  (0): Linear(in_features=3, out_features=4, bias=true)\n"
            "  (1): function\n"
            "  (2): Dropout(p=0.5)\n"
            ")");
}

}  // namespace
}  // namespace gradus
