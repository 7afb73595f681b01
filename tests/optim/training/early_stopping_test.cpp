#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/optim/training/early_stopping.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

// Which of the metrics are the best so far.
std::vector<bool> best_so_far(EarlyStopping& stopping, const std::vector<double>& metrics) {
  std::vector<bool> result;
  for (const double metric : metrics) result.push_back(stopping.step(metric));
  return result;
}

TEST(EarlyStopping, StopsAfterSoManyStepsInARowThatAreNotBetter) {
  EarlyStopping stopping({.patience = 2});
  EXPECT_THAT(best_so_far(stopping, {3, 2, 2.5, 1, 1.5}),
              ElementsAre(true, true, false, true, false));
  EXPECT_FALSE(stopping.should_stop());
  EXPECT_FALSE(stopping.step(1));  // as good is not better
  EXPECT_TRUE(stopping.should_stop());
  EXPECT_EQ(stopping.best(), 1);
  EXPECT_EQ(stopping.best_step(), 3);
}

TEST(EarlyStopping, TakesTheGreatestIfAsked) {
  EarlyStopping stopping({.patience = 1, .maximize = true});
  EXPECT_EQ(stopping.best(), -inf);
  EXPECT_THAT(best_so_far(stopping, {-3, -2, 4}), ElementsAre(true, true, true));
  EXPECT_FALSE(stopping.should_stop());
  EXPECT_FALSE(stopping.step(3));
  EXPECT_TRUE(stopping.should_stop());
  EXPECT_EQ(stopping.best(), 4);
}

TEST(EarlyStopping, AsksForMoreThanMinDelta) {
  EarlyStopping less({.min_delta = 0.5}), more({.min_delta = 0.5, .maximize = true});
  EXPECT_THAT(best_so_far(less, {3, 2.5, 2.25}), ElementsAre(true, false, true));
  EXPECT_THAT(best_so_far(more, {3, 3.5, 3.75}), ElementsAre(true, false, true));
  EXPECT_EQ(less.best(), 2.25);
  EXPECT_EQ(more.best(), 3.75);
}

TEST(EarlyStopping, CountsNaNAsNotBetter) {
  EarlyStopping stopping({.patience = 3});
  EXPECT_THAT(best_so_far(stopping, {nan_value, 2, nan_value, 1, nan_value, nan_value}),
              ElementsAre(false, true, false, true, false, false));
  EXPECT_FALSE(stopping.should_stop());
  EXPECT_FALSE(stopping.step(nan_value));
  EXPECT_TRUE(stopping.should_stop());
  EXPECT_EQ(stopping.best(), 1);
  EarlyStopping never({.patience = 2});
  EXPECT_THAT(best_so_far(never, {nan_value, inf}), ElementsAre(false, false));
  EXPECT_TRUE(never.should_stop());
  EXPECT_EQ(never.best(), inf);
  EXPECT_EQ(never.best_step(), -1);
}

TEST(EarlyStopping, RefusesOptionsThatMakeNoSense) {
  EXPECT_EQ(message_of<ValueError>([] { EarlyStopping({.patience = 0}); }),
            "EarlyStopping: patience is 0, it must be at least 1");
  EXPECT_EQ(message_of<ValueError>([] { EarlyStopping({.min_delta = -1}); }),
            "EarlyStopping: min_delta is -1, it must not be negative");
  EXPECT_THROW(EarlyStopping({.min_delta = nan_value}), ValueError);
}

class EarlyStoppingFile : public FolderTest {};

TEST_F(EarlyStoppingFile, ResumesFromACheckpoint) {
  const std::vector<double> metrics{3, 2, 2.5, nan_value};
  EarlyStopping whole({.patience = 3}), first({.patience = 3}), resumed({.patience = 3});
  best_so_far(whole, metrics);
  best_so_far(first, metrics);
  save_checkpoint({{"stopping", first}}, file("run.safetensors"));
  load_checkpoint({{"stopping", resumed}}, file("run.safetensors"));
  EXPECT_EQ(resumed.best(), 2);
  EXPECT_EQ(resumed.best_step(), 1);
  EXPECT_FALSE(resumed.should_stop());
  EXPECT_EQ(resumed.step(1.5), whole.step(1.5));
  EXPECT_EQ(resumed.best_step(), 4);
  EXPECT_EQ(resumed.state_dict().metadata, whole.state_dict().metadata);
}

TEST_F(EarlyStoppingFile, ResumesBeforeTheFirstStep) {
  EarlyStopping fresh, used;
  used.step(1);
  save_checkpoint({{"stopping", fresh}}, file("run.safetensors"));
  load_checkpoint({{"stopping", used}}, file("run.safetensors"));
  EXPECT_EQ(used.best(), inf);
  EXPECT_EQ(used.best_step(), -1);
}

TEST(EarlyStopping, RefusesTheStateOfSomethingElseAndStaysAsItWas) {
  EarlyStopping stopping;
  stopping.step(1);
  const StateDict good = stopping.state_dict();
  EXPECT_EQ(message_of<Error>([&] { stopping.load_state_dict(Linear(2, 1).state_dict()); }),
            "load_state_dict: the state is that of a model, not of an EarlyStopping: pass what "
            "state_dict() of an EarlyStopping returned");
  EXPECT_THAT(message_of<Error>([&] { Linear(2, 1).load_state_dict(good); }),
              HasSubstr("the state is that of an EarlyStopping, not of a model"));
  for (const auto& [key, text] : {std::pair{"best", "nan"},
                                  {"best", "low"},
                                  {"best_step", "1"},
                                  {"best_step", "-2"},
                                  {"steps", "-1"},
                                  {"bad", "2"}}) {
    StateDict bad = good;
    bad.metadata[std::string("early_stopping.") + key] = text;
    EXPECT_THROW(stopping.load_state_dict(bad), FormatError) << key << " " << text;
  }
  EXPECT_EQ(stopping.state_dict().metadata, good.metadata);
}

TEST(EarlyStopping, RefusesTheStateOfTheOtherDirection) {
  EarlyStopping less, more({.maximize = true});
  less.step(0.3);
  more.step(0.9);
  EXPECT_EQ(message_of<ValueError>([&] { more.load_state_dict(less.state_dict()); }),
            "load_state_dict: the state is that of an EarlyStopping with maximize = false, not "
            "true: its best value would be the worst here");
  EXPECT_THROW(less.load_state_dict(more.state_dict()), ValueError);
  EXPECT_EQ(more.best(), 0.9);
  StateDict older = less.state_dict();
  older.metadata.erase("early_stopping.maximize");
  EXPECT_NO_THROW(less.load_state_dict(older));
}

void set_weight(const Linear& model, double value) {
  const NoGradGuard no_grad;
  for (const NamedParameter& target : model.parameters()) target.parameter.fill_(value);
}
double weight(const Linear& model) { return model.parameters()[0].parameter.detach()[0][0].item(); }

TEST(BestWeights, RestoresWhatWasKeptLast) {
  const Linear model(2, 1);
  BestWeights best(model);
  EXPECT_TRUE(best.empty());
  for (const double value : {1, 2, 3}) {
    set_weight(model, value);
    if (value < 3) best.keep();
  }
  EXPECT_FALSE(best.empty());
  EXPECT_EQ(weight(model), 3);
  best.restore();
  EXPECT_EQ(weight(model), 2);
}

TEST(BestWeights, RefusesToRestoreNothing) {
  const Linear model(2, 1);
  EXPECT_EQ(message_of<ValueError>([&] { BestWeights(model).restore(); }),
            "BestWeights: restore() before the first keep(): no evaluation was the best so far (is "
            "the metric NaN?)");
}

TEST_F(EarlyStoppingFile, KeepsTheBestWeightsInACheckpoint) {
  const Linear model(2, 1), resumed(2, 1);
  BestWeights best(model), loaded(resumed);
  set_weight(model, 5);
  best.keep();
  set_weight(model, 6);
  save_checkpoint({{"model", model}, {"best", best}}, file("run.safetensors"));
  EXPECT_TRUE(load(file("run.safetensors")).contains("best.weight"));
  load_checkpoint({{"model", resumed}, {"best", loaded}}, file("run.safetensors"));
  EXPECT_EQ(weight(resumed), 6);
  loaded.restore();
  EXPECT_EQ(weight(resumed), 5);

  BestWeights none(model);
  save_checkpoint({{"best", none}}, file("none.safetensors"));
  load_checkpoint({{"best", loaded}}, file("none.safetensors"));
  EXPECT_TRUE(loaded.empty());
}

TEST_F(EarlyStoppingFile, LeavesTablesThatAreMappedFromAFileWhereTheyAre) {
  StateDict table;
  table.set("weight", ones({4, 3}));
  save(table, file("table.safetensors"));
  const Embedding model =
      Embedding::from_pretrained(load_mapped(file("table.safetensors"), "weight"));
  ASSERT_TRUE(model.parameters()[0].parameter.is_read_only());
  BestWeights best(model), loaded(model);
  best.keep();
  EXPECT_EQ(best.state_dict().size(), 0U);
  loaded.load_state_dict(best.state_dict());
  EXPECT_FALSE(loaded.empty());
  EXPECT_NO_THROW(loaded.restore());
}

TEST(BestWeights, RefusesTheStateOfAnotherModel) {
  const Linear model(2, 1), wide(3, 1), doubles(2, 1, {.dtype = DType::float64}),
      plain(2, 1, {.bias = false});
  BestWeights best(model);
  best.keep();
  const auto load = [&best](const Linear& other) {
    BestWeights others(other);
    others.keep();
    best.load_state_dict(others.state_dict());
  };
  EXPECT_EQ(message_of<ShapeError>([&] { load(wide); }),
            "load_state_dict: the best weight is [1, 3], that of the model [1, 2]");
  EXPECT_THAT(message_of<DTypeError>([&] { load(doubles); }),
              HasSubstr("the best weight is float64, that of the model float32"));
  EXPECT_EQ(message_of<Error>([&] { load(plain); }),
            "load_state_dict: best weights missing in the state: [bias]; unexpected in it: []");
  EXPECT_THAT(message_of<Error>([&] { best.load_state_dict(model.state_dict()); }),
              HasSubstr("the state is that of a model, not of BestWeights"));
  EXPECT_FALSE(best.empty());
}

}  // namespace
}  // namespace gradus
