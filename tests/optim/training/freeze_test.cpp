#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/freeze.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus {
namespace {

using testing::ElementsAre;

std::vector<std::string> trainable(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> result;
  for (const NamedParameter& target : parameters) {
    if (target.parameter.trainable()) result.push_back(target.path);
  }
  return result;
}

TEST(Freeze, TakesAPatternOfPaths) {
  const std::vector<NamedParameter> all = layers();
  EXPECT_EQ(freeze(all, "encoder.?.w*t"), 2);
  EXPECT_THAT(trainable(all), ElementsAre("embedding.weight", "head.bias"));
  EXPECT_EQ(unfreeze(all, "*.1.*"), 1);
  EXPECT_THAT(trainable(all), ElementsAre("embedding.weight", "encoder.1.weight", "head.bias"));
  EXPECT_EQ(freeze(all, "*"), 4);
  EXPECT_EQ(message_of<ValueError>([&] { freeze(all, "encoder"); }),
            "freeze: no parameter matches 'encoder': the parameters are embedding.weight, "
            "encoder.0.weight, "
            "encoder.1.weight, head.bias");
}

TEST(GroupsByDepth, GivesLowerLayersLowerRates) {
  const SGD optimizer(groups_by_depth<ParameterGroup<SGDOptions>>(
      layers(), {"embedding.*", "encoder.0.*", "encoder.1.*"}, {.lr = 8, .momentum = 0.5}, 0.5));
  ASSERT_EQ(optimizer.num_groups(), 4);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(optimizer.lr(i), 1 << i);
  EXPECT_EQ(optimizer.options(2).momentum, 0.5);
  EXPECT_EQ(message_of<ValueError>([] {
              split_by_pattern(layers(), {"*.weight", "encoder.*"});
            }),
            "split_by_pattern: no parameter is left for 'encoder.*': the parameters are "
            "embedding.weight, "
            "encoder.0.weight, encoder.1.weight, head.bias");
  EXPECT_EQ(message_of<ValueError>([] {
              groups_by_depth<ParameterGroup<SGDOptions>>(layers(), {"decoder.*"}, {.lr = 1}, 0.5);
            }).substr(0, 55),
            "groups_by_depth: no parameter is left for 'decoder.*': ");
}

}  // namespace
}  // namespace gradus
