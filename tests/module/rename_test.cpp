// A StateDict under other names, and its matrices transposed.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/rename.h>
#include <gradus/layers/linear.h>
#include <gradus/tests/support/op_testing.h>

#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

std::vector<std::string> names_of(const StateDict& state) {
  std::vector<std::string> names;
  for (const StateEntry& entry : state) names.push_back(entry.name);
  return names;
}

StateDict state_of(const std::vector<std::string>& names) {
  StateDict state;
  for (const std::string& name : names) state.set(name, zeros({1}));
  return state;
}

TEST(Rename, StripsAPrefixAndKeepsOtherNames) {
  const StateDict state = state_of({"bert.a.weight", "head", "bert.b", "x.bert.c"});
  EXPECT_THAT(names_of(rename(state, {{"bert.*", "*"}})),
              ElementsAre("a.weight", "head", "b", "x.bert.c"));
  EXPECT_THAT(names_of(rename(state, {})),
              ElementsAre("bert.a.weight", "head", "bert.b", "x.bert.c"));
}

TEST(Rename, FillsInWhatEachWildcardStandsFor) {
  const StateDict state = state_of({"h.0.attn.w", "h.11.mlp.w", "v1"});
  EXPECT_THAT(
      names_of(rename(state, {{"h.*.*.w", "layers.*.block_*.weight"}, {"v?", "?.version"}})),
      ElementsAre("layers.0.block_attn.weight", "layers.11.block_mlp.weight", "1.version"));
}

TEST(Rename, TakesTheFirstPatternThatMatches) {
  const StateDict state = state_of({"a", "b", "ab"});
  EXPECT_THAT(names_of(rename(state, {{"a", "b"}, {"b", "a"}, {"?*", "?_*"}})),
              ElementsAre("b", "a", "a_b"));
}

TEST(Rename, LeavesOutWhatBecomesNothing) {
  const StateDict state = state_of({"h.0.mask", "h.0.w", "h.1.mask"});
  EXPECT_THAT(names_of(rename(state, {{"*.mask", ""}})), ElementsAre("h.0.w"));
}

TEST(Rename, SharesTensorsAndKeepsFlagsTiesAndMetadata) {
  const Tensor table = ones({2, 3});
  StateDict state;
  state.set("wte", table, true);
  state.set("head", table, false);
  state.set("ids", tensor({1, 2}));
  state.metadata["format"] = "pt";
  const StateDict renamed = rename(state, {{"wte", "words"}});
  EXPECT_EQ(renamed.at("words").data<float>(), table.data<float>());
  EXPECT_EQ(renamed.at("head").data<float>(), table.data<float>());
  EXPECT_EQ(renamed.find("words")->frozen, true);
  EXPECT_EQ(renamed.find("head")->frozen, false);
  EXPECT_EQ(renamed.find("ids")->frozen, std::nullopt);
  EXPECT_EQ(renamed.metadata, state.metadata);
}

TEST(Rename, RefusesNamesThatBecomeOneAndPatternsWithoutAName) {
  const StateDict state = state_of({"a.gamma", "a.weight", "bert."});
  EXPECT_ERROR(rename(state, {{"*.gamma", "*.weight"}}), ValueError,
               "rename: 'a.gamma' and 'a.weight' would both be 'a.weight'");
  EXPECT_ERROR(rename(state, {{"*.beta", "*.bias"}}), ValueError,
               "rename: no name is left for '*.beta': the names are [a.gamma, a.weight, bert.]");
  EXPECT_ERROR(rename(state, {{"a.*", "b.*"}, {"a.gamma", "gamma"}}), ValueError,
               "rename: no name is left for 'a.gamma': the names are [a.gamma, a.weight, bert.]");
  EXPECT_ERROR(rename(state, {{"bert.*", "*"}}), ValueError,
               "rename: 'bert.' would get an empty name from '*'");
  for (const char* to : {"x", "**", "?", "*?"}) {
    EXPECT_ERROR(rename(state, {{"*", to}}), ValueError,
                 std::string("rename: '*' and '") + to +
                     "' have other wildcards: write the same ones in the same order");
  }
}

TEST(TransposeState, TransposesMatchingMatricesOfAnyDtype) {
  StateDict state;
  state.set("c.weight", tensor({{1.0F, 2.0F, 3.0F}, {4.0F, 5.0F, 6.0F}}), true);
  state.set("c.ids", tensor({{1, 2}}));
  state.set("weight", tensor({{1.0F, 2.0F}}));
  state.metadata["format"] = "pt";
  const StateDict result = transpose(state, {"c.w*", "c.ids"});
  EXPECT_THAT(names_of(result), ElementsAre("c.weight", "c.ids", "weight"));
  EXPECT_TRUE(is_close(result.at("c.weight"), {3, 2}, {1, 4, 2, 5, 3, 6}, 0));
  EXPECT_TRUE(is_close(result.at("c.ids"), {2, 1}, {1, 2}, 0));
  EXPECT_EQ(result.at("weight").data<float>(), state.at("weight").data<float>());
  EXPECT_EQ(result.find("c.weight")->frozen, true);
  EXPECT_EQ(result.metadata, state.metadata);
  EXPECT_TRUE(is_close(state.at("c.weight"), {2, 3}, {1, 2, 3, 4, 5, 6}, 0));
}

TEST(TransposeState, KeepsTiesAndTakesATensorOnceHoweverOftenItMatches) {
  const Tensor table = tensor({{1.0F, 2.0F}});
  StateDict state;
  state.set("a", table);
  state.set("b", table);
  state.set("c", tensor({{1.0F, 2.0F}}));
  const StateDict result = transpose(state, {"a", "?"});
  EXPECT_EQ(result.at("a").data<float>(), result.at("b").data<float>());
  EXPECT_NE(result.at("a").data<float>(), result.at("c").data<float>());
  EXPECT_TRUE(is_close(result.at("a"), {2, 1}, {1, 2}, 0));
}

TEST(TransposeState, RefusesPatternsWithoutANameAndOtherShapes) {
  StateDict state = state_of({"a", "b"});
  EXPECT_ERROR(transpose(state, {"a.*"}), ValueError,
               "transpose: no name matches 'a.*': the names are [a, b]");
  EXPECT_ERROR(transpose(state, {"a"}), ShapeError,
               "transpose: a [1] has not two axes: use another pattern");
  state.set("u", Tensor());
  EXPECT_ERROR(transpose(state, {"u"}), Error,
               "transpose: u is an undefined tensor (default-constructed or moved from)");
}

// What a model loads after both is what the other model computes with.
TEST(TransposeState, MakesWeightsOfLinearLayersThatWereStoredTransposed) {
  const Linear layer(3, 2);
  StateDict stored;
  stored.set("c_fc.weight", tensor({{1.0F, 4.0F}, {2.0F, 5.0F}, {3.0F, 6.0F}}));
  stored.set("c_fc.bias", tensor({10.0F, 20.0F}));
  layer.load_state_dict(rename(transpose(stored, {"*.weight"}), {{"c_fc.*", "*"}}));
  EXPECT_TRUE(is_close(layer(tensor({{1.0F, 0.0F, -1.0F}})), {1, 2}, {8, 18}, 0));
}

}  // namespace
}  // namespace gradus
