// A run that was stopped and went on from a file is bit for bit the run that was not: for every
// optimizer with every schedule, with dense and sparse gradients, dropout, shuffling and averages.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/gradus.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>
#include <unistd.h>  // NOLINT(modernize-deprecated-headers): getpid is POSIX

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

namespace gradus {
namespace {

constexpr std::int64_t words = 30, examples = 24, batch = 6;

struct Classifier : Module {
  Classifier(bool sparse, Generator& generator)
      : embedding(
            add("embedding", Embedding(words, 5, {.padding_idx = 0, .sparse = sparse}, generator))),
        dropout(add("dropout", Dropout(0.3, generator))),
        output(add("output", Linear(5, 3, {}, generator))) {}

  Tensor operator()(const Tensor& ids) const {  // [B, T] -> [B, 3]
    return output(dropout(tanh(mean(embedding(ids), 1))));
  }

  const Embedding embedding;
  const Dropout dropout;
  const Linear output;
};

using Optimizers = std::vector<std::unique_ptr<Optimizer>>;

// How a run is optimized: one optimizer for all parameters, or one for the table and one for the
// rest.
struct Recipe {
  std::string name;
  bool sparse;
  std::function<Optimizers(const std::vector<NamedParameter>&)> make;
};

template <class O, class Options>
Recipe one(const std::string& name, bool sparse, const Options& options) {
  return {name, sparse, [options](const std::vector<NamedParameter>& parameters) {
            Optimizers result;
            result.push_back(std::make_unique<O>(parameters, options));
            return result;
          }};
}

Optimizers sparse_adam_and_sgd(const std::vector<NamedParameter>& parameters) {
  const auto lists = split_by_pattern(parameters, {"embedding.*"});
  Optimizers result;
  result.push_back(std::make_unique<SparseAdam>(lists[0], SparseAdamOptions{.lr = 0.05}));
  result.push_back(std::make_unique<SGD>(lists[1], SGDOptions{.lr = 0.05, .momentum = 0.5}));
  return result;
}

Optimizers muon_and_adamw(const std::vector<NamedParameter>& parameters) {
  const auto [matrices, rest] = split_for_muon(parameters, {"embedding.*"});
  Optimizers result;
  result.push_back(std::make_unique<Muon>(std::vector<ParameterGroup<MuonOptions>>{
      {matrices, {.lr = 0.02}}, {rest, {.lr = 0.01, .adamw = true}}}));
  return result;
}

std::vector<Recipe> recipes() {
  std::vector<Recipe> all;
  for (const bool sparse : {false, true}) {
    all.push_back(one<SGD>("sgd", sparse, SGDOptions{.lr = 0.1}));
    all.push_back(
        one<SGD>("momentum", sparse, SGDOptions{.lr = 0.1, .momentum = 0.9, .dampening = 0.3}));
    all.push_back(one<Adam>("adam", sparse, AdamOptions{.lr = 0.01, .lazy = sparse}));
    all.push_back(
        one<Adam>("amsgrad", sparse,
                  AdamOptions{.lr = 0.01, .betas = {0.8, 0.9}, .amsgrad = true, .lazy = sparse}));
    all.push_back(one<AdamW>("adamw", sparse,
                             AdamWOptions{.weight_decay = sparse ? 0 : 0.1, .lazy = sparse}));
    all.push_back(one<Adagrad>("adagrad", sparse,
                               AdagradOptions{.lr_decay = 0.1, .initial_accumulator_value = 0.1}));
    all.push_back(one<RowwiseAdagrad>("rowwise_adagrad", sparse, RowwiseAdagradOptions{}));
  }
  all.push_back({"sparse_adam", true, sparse_adam_and_sgd});
  all.push_back(one<RMSprop>("rmsprop", false, RMSpropOptions{.momentum = 0.9, .centered = true}));
  all.push_back(one<Adadelta>("adadelta", false, AdadeltaOptions{}));
  all.push_back(one<Adamax>("adamax", false, AdamaxOptions{}));
  all.push_back(one<NAdam>("nadam", false, NAdamOptions{.lr = 0.01}));
  all.push_back(one<RAdam>("radam", false, RAdamOptions{.lr = 0.01, .betas = {0.8, 0.9}}));
  all.push_back(one<Lion>("lion", false, LionOptions{.lr = 0.01}));
  all.push_back(one<Adafactor>("adafactor", false, AdafactorOptions{.lr = 0.05}));
  all.push_back({"muon", false, muon_and_adamw});
  return all;
}

constexpr std::int64_t steps = 9;

std::vector<std::pair<std::string, std::function<Schedule()>>> schedules() {
  return {
      {"step", [] { return step_lr(2, 0.5); }},
      {"multi_step",
       [] {
         return multi_step_lr({2, 2, 5}, 0.5);
       }},
      {"exponential", [] { return exponential_lr(0.9); }},
      {"constant", [] { return constant_lr(0.3, 5); }},
      {"linear", [] { return linear_lr(0.3, 1, 6); }},
      {"polynomial", [] { return polynomial_lr(8, 2); }},
      {"cosine", [] { return cosine_annealing_lr(5, 0.001); }},
      {"restarts", [] { return cosine_annealing_warm_restarts(2, 2, 0.001); }},
      {"lambda",
       [] { return lambda_lr([](std::int64_t e) { return 1 / static_cast<double>(e + 1); }); }},
      {"multiplicative",
       [] {
         return multiplicative_lr([](std::int64_t e) { return 1 - 0.1 / static_cast<double>(e); });
       }},
      {"warmup", [] { return linear_warmup(6); }},
      {"noam", [] { return noam_lr(16, 4); }},
      {"sequential",
       [] {
         return sequential_lr({linear_warmup(3), exponential_lr(0.8)}, {3});
       }},
      {"one_cycle",
       [] { return one_cycle_lr({.max_lr = 0.1, .total_steps = steps, .cycle_momentum = false}); }},
  };
}

// What is left out of a checkpoint, to see that it would be missed.
enum class Lost { nothing, optimizer, scheduler, averages, generator, order };

struct Training {
  Training(const Recipe& recipe, std::optional<Schedule> schedule, std::uint64_t seed)
      : data(seed),
        noise(seed + 1),
        model(recipe.sparse, noise),
        optimizers(recipe.make(model.parameters())),
        averages(model.parameters(), 0.7, {.by_rows = recipe.sparse}) {
    for (const auto& optimizer : optimizers) {
      if (schedule) {
        schedulers.emplace_back(*optimizer, *schedule);
      } else {
        plateaus.emplace_back(*optimizer, PlateauOptions{.factor = 0.5, .patience = 1});
      }
    }
  }

  std::vector<CheckpointPart> parts(Lost lost = Lost::nothing) {
    std::vector<CheckpointPart> all = {{"model", model}, {"step", step}};
    if (lost != Lost::averages) all.emplace_back("averages", averages);
    if (lost != Lost::order) all.emplace_back("order", order);
    if (lost != Lost::generator) {
      all.emplace_back("data", data);
      all.emplace_back("noise", noise);
    }
    for (std::size_t i = 0; i < optimizers.size(); ++i) {
      const std::string number = std::to_string(i);
      if (lost != Lost::optimizer) all.emplace_back("optimizer" + number, *optimizers[i]);
      if (lost == Lost::scheduler) continue;
      if (i < schedulers.size()) all.emplace_back("scheduler" + number, schedulers[i]);
      if (i < plateaus.size()) all.emplace_back("plateau" + number, plateaus[i]);
    }
    return all;
  }

  // The examples of a step: the corpus in the order of the epoch.
  std::pair<Tensor, Tensor> next_batch() {
    const std::int64_t place = step * batch % examples;
    if (place == 0) order = randperm(examples, data);
    const Tensor chosen = slice(order, 0, place, place + batch);
    return {index_select(ids, 0, chosen), index_select(labels, 0, chosen)};
  }

  // Trains up to step `last`; hashes of all that there is after each step.
  std::vector<std::uint64_t> train(std::int64_t last) {
    std::vector<std::uint64_t> hashes;
    for (; step < last; ++step) {
      for (const auto& optimizer : optimizers) optimizer->zero_grad();
      const auto [x, y] = next_batch();
      const Tensor loss = cross_entropy(model(x), y);
      loss.backward();
      clip_grad_norm(model.parameters(), 0.5);
      averages.update();
      for (const auto& optimizer : optimizers) optimizer->step();
      for (LRScheduler& scheduler : schedulers) scheduler.step();
      for (ReduceLROnPlateau& plateau : plateaus) plateau.step(loss.item());
      hashes.push_back(hash_of<float>(loss));
      for (const NamedParameter& p : model.parameters()) {
        hashes.push_back(hash_of<float>(p.parameter));
      }
      for (const StateEntry& mean : averages.averages()) {
        hashes.push_back(hash_of<float>(mean.tensor));
      }
      for (const auto& optimizer : optimizers) hashes.push_back(bits(optimizer->lr()));
    }
    return hashes;
  }
  static std::uint64_t bits(double x) { return hash_of(tensor({x})); }

  Generator fixed{17};
  const Tensor ids = randint(0, words, {examples, 4}, fixed);
  const Tensor labels = randint(0, 3, {examples}, fixed);
  Generator data, noise;
  Classifier model;
  Optimizers optimizers;
  std::vector<LRScheduler> schedulers;
  std::vector<ReduceLROnPlateau> plateaus;
  AveragedParameters averages;
  std::int64_t step = 0;
  Tensor order;
};

class ResumeFile : public testing::Test {
 protected:
  ResumeFile() : path(folder() / "run.safetensors") { std::filesystem::create_directory(folder()); }
  ~ResumeFile() override { std::filesystem::remove_all(folder()); }
  static std::filesystem::path folder() {
    return std::filesystem::temp_directory_path() / ("gradus-run-" + std::to_string(getpid()));
  }
  const std::filesystem::path path;

  // Trains `stop` steps, and the rest in another run that loads what was saved then; expects the
  // bits of a third run that was never stopped.
  void expect_the_same(const Recipe& recipe, const std::optional<Schedule>& schedule,
                       std::int64_t stop) {
    Training whole(recipe, schedule, 1), first(recipe, schedule, 1), second(recipe, schedule, 2);
    whole.train(stop);
    const auto expected = whole.train(steps);
    first.train(stop);
    save_checkpoint(first.parts(), path);
    second.train(stop % 3);
    load_checkpoint(second.parts(), path);
    load_checkpoint(second.parts(), path);
    EXPECT_EQ(second.train(steps), expected);
  }
};
using SlowResumedRun = ResumeFile;
using ResumedRun = ResumeFile;

TEST_F(ResumedRun, OfEveryOptimizerGivesTheBitsOfTheRunThatWasNotStopped) {
  for (const Recipe& recipe : recipes()) {
    for (const std::int64_t stop :
         {0, 1, 5, 8}) {  // before the first step, within an epoch, at ends
      SCOPED_TRACE(recipe.name + (recipe.sparse ? ", sparse" : ", dense") + ", stopped after " +
                   std::to_string(stop));
      expect_the_same(recipe, exponential_lr(0.9), stop);
    }
  }
}

TEST_F(SlowResumedRun, OfEveryOptimizerWithEverySchedule) {
  std::int64_t stop = 0;
  for (const Recipe& recipe : recipes()) {
    for (const auto& [name, schedule] : schedules()) {
      SCOPED_TRACE(recipe.name + (recipe.sparse ? ", sparse, " : ", dense, ") + name);
      expect_the_same(recipe, schedule(), stop = stop % (steps - 1) + 1);
    }
    SCOPED_TRACE(recipe.name + (recipe.sparse ? ", sparse" : ", dense") + ", plateau");
    expect_the_same(recipe, std::nullopt, stop = stop % (steps - 1) + 1);
  }
}

// One cycle moves momentum too, and ends: the step that saves is its last but one.
TEST_F(ResumedRun, OfACycleOfMomentum) {
  const Schedule cycle = one_cycle_lr({.max_lr = 0.1, .total_steps = steps});
  for (const Recipe& recipe : recipes()) {
    if (recipe.name != "momentum" && recipe.name != "adam" && recipe.name != "nadam") continue;
    for (const std::int64_t stop : {0, 4, 8}) expect_the_same(recipe, cycle, stop);
  }
}

// So that the tests above see something: each part is needed.
TEST_F(ResumedRun, MissesEachPartThatIsLeftOut) {
  const Recipe recipe = one<Adam>("adam", true, AdamOptions{.lr = 0.01, .lazy = true});
  for (const Lost lost : {Lost::nothing, Lost::optimizer, Lost::scheduler, Lost::averages,
                          Lost::generator, Lost::order}) {
    Training whole(recipe, exponential_lr(0.9), 1), second(recipe, exponential_lr(0.9), 2);
    whole.train(5);
    save_checkpoint(whole.parts(), path);
    const auto expected = whole.train(steps);
    second.train(2);
    load_checkpoint(second.parts(lost), path, {.strict = false});
    EXPECT_EQ(second.train(steps) == expected, lost == Lost::nothing) << static_cast<int>(lost);
  }
}

// A table that is frozen when the run stops stays frozen, and what was kept for it stays.
TEST_F(ResumedRun, OfAFrozenTable) {
  const Recipe recipe = one<Adam>("adam", true, AdamOptions{.lr = 0.01, .lazy = true});
  Training whole(recipe, step_lr(2), 1), second(recipe, step_lr(2), 2);
  whole.train(3);
  freeze(whole.model.parameters(), "embedding.*");
  whole.train(5);
  save_checkpoint(whole.parts(), path);
  load_checkpoint(second.parts(), path);
  EXPECT_FALSE(second.model.embedding.weight.trainable());
  EXPECT_EQ(second.train(7), whole.train(7));
  for (Training* run : {&whole, &second}) unfreeze(run->model.parameters(), "embedding.*");
  EXPECT_EQ(second.train(9), whole.train(9));
}

}  // namespace
}  // namespace gradus
