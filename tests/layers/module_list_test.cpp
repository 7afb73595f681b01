#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/module_list.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <type_traits>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

// What the header shows.
struct Stack : Module {
  Stack(std::int64_t depth, std::int64_t width)
      : layers(
            add("layers", ModuleList(depth, [&](std::int64_t) { return Linear(width, width); }))) {}

  Tensor operator()(Tensor x) const {
    for (const Linear& layer : layers) x = relu(layer(x));
    return x;
  }

  const ModuleList<Linear> layers;
};

std::vector<std::string> paths(const Module& module) {
  std::vector<std::string> result;
  for (const NamedParameter& p : module.parameters()) result.push_back(p.path);
  return result;
}

TEST(ModuleList, NamesLayersByPositionAsPyTorch) {
  EXPECT_THAT(paths(Stack(2, 3)),
              ElementsAre("layers.0.weight", "layers.0.bias", "layers.1.weight", "layers.1.bias"));
  const ModuleList many(11, [](std::int64_t) { return Linear(1, 1, {.bias = false}); });
  EXPECT_EQ(paths(many)[10], "10.weight");
}

TEST(ModuleList, IsMadeOfLayersOrByAFunctionOfThePosition) {
  const Linear a(2, 3), b(3, 4);
  const ModuleList listed({a, b});
  static_assert(std::is_same_v<decltype(listed), const ModuleList<Linear>>);
  const ModuleList from_vector(std::vector<Linear>{a, b});
  const ModuleList made(2, [](std::int64_t i) { return Linear(i + 2, i + 3); });
  for (const ModuleList<Linear>& list : {listed, from_vector, made}) {
    EXPECT_EQ(list.size(), 2U);
    EXPECT_EQ(list[0].in_features(), 2);
    EXPECT_EQ(list[-1].out_features(), 4);
  }
  EXPECT_TRUE(listed[1].weight.is_same(b.weight));
  const ModuleList<Linear> none;
  EXPECT_EQ(none.size(), 0U);
  EXPECT_TRUE(none.parameters().empty());
  EXPECT_EQ(ModuleList(0, [](std::int64_t) { return Linear(1, 1); }).size(), 0U);
}

TEST(ModuleList, TrainsWhatItLists) {
  const Stack stack(3, 4);
  stack(ones({5, 4})).backward(ones({5, 4}));
  EXPECT_EQ(stack.parameters().size(), 6U);
  for (const NamedParameter& p : stack.parameters()) {
    EXPECT_FALSE(p.parameter.grad().empty()) << p.path;
  }
  check_registered(sum(stack(ones({5, 4}))), stack);
}

TEST(ModuleList, AppendsForAllCopies) {
  struct Growing : Module {
    explicit Growing(int n) : layers(add("layers", ModuleList<Linear>())) {
      for (int i = 0; i < n; ++i) layers.append(Linear(2, 2, {.bias = false}));
    }
    const ModuleList<Linear> layers;
  };
  const Growing model(2);
  EXPECT_THAT(paths(model), ElementsAre("layers.0.weight", "layers.1.weight"));
  const ModuleList<Linear> copy = model.layers;
  copy.append(Linear(2, 2, {.bias = false}));
  EXPECT_EQ(model.layers.size(), 3U);
  EXPECT_EQ(paths(model).back(), "layers.2.weight");
}

TEST(ModuleList, LoadsWhatOneOfTheSameLengthSaved) {
  const Stack a(2, 3), b(2, 3);
  copy_state(a, b);
  EXPECT_EQ(values_of(b.layers[1].weight), values_of(a.layers[1].weight));
  EXPECT_THROW(Stack(3, 3).load_state_dict(a.state_dict()), Error);
}

TEST(ModuleList, PrintsAsPyTorch) {
  EXPECT_EQ(ModuleList(2, [](std::int64_t) { return Dropout(0.5); }).str(),
            "ModuleList(\n  (0): Dropout(p=0.5)\n  (1): Dropout(p=0.5)\n)");
}

TEST(ModuleList, SetsTheModeOfItsLayers) {
  const ModuleList list({Dropout(0.5), Dropout(0.5)});
  list.eval();
  EXPECT_FALSE(list[1].is_training());
}

TEST(ModuleList, BrokenInputNamesWhatIsWrong) {
  const Linear twice(2, 2);
  const ModuleList list({twice, Linear(2, 2)});
  EXPECT_ERROR(list[2], IndexError, "ModuleList: index 2 is outside [-2, 2)");
  EXPECT_ERROR(list[-3], IndexError, "ModuleList: index -3 is outside [-2, 2)");
  const auto make = [](std::int64_t) { return Linear(1, 1); };
  EXPECT_ERROR(ModuleList(-1, make), ValueError, "ModuleList: count is -1, it cannot be negative");
  EXPECT_ERROR(list.append(twice), ValueError,
               "module: '2' (Linear) is already part of this model: a module has a single "
               "name; to share weights, share a Parameter");
  EXPECT_EQ(list.size(), 2U);
  EXPECT_EQ(list.parameters().size(), 4U);
}

}  // namespace
}  // namespace gradus
