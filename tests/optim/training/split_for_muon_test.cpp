#include <gradus/framework/base/error.h>
#include <gradus/optim/training/split_for_muon.h>
#include <gradus/tests/optim/optim_testing.h>

namespace gradus {
namespace {

using testing::ElementsAre;

std::vector<NamedParameter> model() {
  return {named("embedding.weight", ones({3, 2})), named("hidden.weight", ones({2, 2})),
          named("hidden.bias", ones({2})), named("convolution.weight", ones({2, 2, 3})),
          named("output.weight", ones({3, 2}))};
}

std::vector<std::string> paths_of(const std::vector<NamedParameter>& parameters) {
  std::vector<std::string> paths;
  paths.reserve(parameters.size());
  for (const NamedParameter& target : parameters) paths.push_back(target.path);
  return paths;
}

TEST(SplitForMuon, TakesMatricesThatNoPatternNames) {
  const MuonSplit split = split_for_muon(model(), {"embedding.*", "output.*"});
  EXPECT_THAT(paths_of(split.matrices), ElementsAre("hidden.weight"));
  EXPECT_THAT(paths_of(split.rest), ElementsAre("embedding.weight", "hidden.bias",
                                                "convolution.weight", "output.weight"));
}

TEST(SplitForMuon, TakesAllMatricesWithoutPatterns) {
  const MuonSplit split = split_for_muon(model());
  EXPECT_THAT(paths_of(split.matrices),
              ElementsAre("embedding.weight", "hidden.weight", "output.weight"));
  EXPECT_THAT(paths_of(split.rest), ElementsAre("hidden.bias", "convolution.weight"));
}

TEST(SplitForMuon, RefusesAPatternThatNamesNothing) {
  EXPECT_EQ(message_of<ValueError>([] { split_for_muon(model(), {"head.*"}); }),
            "split_for_muon: no parameter is left for 'head.*': the parameters are "
            "embedding.weight, hidden.weight, hidden.bias, convolution.weight, output.weight");
}

}  // namespace
}  // namespace gradus
