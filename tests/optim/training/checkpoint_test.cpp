#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/lbfgs.h>
#include <gradus/optim/schedule/lr_scheduler.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/average.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// A file of its own for each test.
class CheckpointFile : public testing::Test {
 protected:
  CheckpointFile()
      : path(std::filesystem::path(testing::TempDir()) /
             ("gradus-" +
              std::string(testing::UnitTest::GetInstance()->current_test_info()->name()) +
              ".safetensors")) {}
  ~CheckpointFile() override { std::filesystem::remove(path); }

  std::string bytes() const {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::filesystem::path path;
};
using SaveCheckpoint = CheckpointFile;
using LoadCheckpoint = CheckpointFile;

TEST_F(SaveCheckpoint, KeepsTheLastGoodFile) {
  StateDict good, bad;
  good.set("w", tensor({1.0, 2.0}));
  good.set("ids", tensor({7}));
  bad.set("w", tensor({1.0, std::nan("")}));
  save_checkpoint(good, path);
  EXPECT_EQ(message_of<ValueError>([&] { save_checkpoint(bad, path); }),
            "save_checkpoint: w [2] is nan in element 1: " + path.string() + " stays as it was");
  EXPECT_THAT(values_of(load(path).at("w")), ElementsAre(1.0, 2.0));
}

// One layer and all that surrounds it.
struct Experiment {
  explicit Experiment(std::uint64_t seed)
      : generator(seed),
        model(3, 2, {}, generator),
        optimizer(model.parameters(), {.lr = 0.1}),
        scheduler(optimizer, exponential_lr(0.5)),
        averages(model.parameters(), 0.9) {}

  std::vector<CheckpointPart> parts() {
    return {{"model", model},         {"optimizer", optimizer}, {"scheduler", scheduler},
            {"averages", averages},   {"generator", generator}, {"step", step},
            {"best_loss", best_loss}, {"order", order}};
  }
  void train() {
    for (const NamedParameter& target : model.parameters()) {
      target.parameter.set_grad(randn(target.parameter.shape(), 0, 1, DType::float32, generator));
    }
    optimizer.step();
    scheduler.step();
    averages.update();
    order = randperm(5, generator);
    ++step;
    best_loss /= 3;
  }
  // Everything, as bytes.
  std::vector<std::string> all() {
    std::vector<std::string> result;
    const auto add = [&result](const StateDict& state) {
      for (const auto& [key, text] : state.metadata) result.push_back(key + "=" + text);
      for (const StateEntry& entry : state) {
        result.push_back(entry.name + std::to_string(hash_of(entry.tensor.to(DType::float64))));
      }
    };
    add(model.state_dict());
    add(optimizer.state_dict());
    add(scheduler.state_dict());
    add(averages.state_dict());
    result.push_back(std::to_string(generator.offset()) + "," + std::to_string(generator.seed()));
    result.push_back(std::to_string(step) + "," + std::to_string(best_loss));
    result.push_back(order.defined() ? std::to_string(hash_of<std::int64_t>(order)) : "none");
    return result;
  }

  Generator generator;
  Linear model;
  Adam optimizer;
  LRScheduler scheduler;
  AveragedParameters averages;
  std::int64_t step = 0;
  double best_loss = std::numeric_limits<double>::infinity();
  Tensor order;
};

TEST_F(LoadCheckpoint, PutsBackEveryPart) {
  Experiment a(1), b(2), fresh(3);
  for (int i = 0; i < 3; ++i) a.train();
  a.best_loss = 0.1;
  const auto expected = a.all();
  save_checkpoint(a.parts(), path);
  load_checkpoint(fresh.parts(), path);  // before the first step
  EXPECT_EQ(fresh.all(), expected);
  for (int i = 0; i < 5; ++i) b.train();
  EXPECT_NE(b.all(), expected);
  load_checkpoint(b.parts(), path);  // after it
  load_checkpoint(b.parts(), path);  // twice is once
  EXPECT_EQ(b.all(), expected);
  a.train();
  b.train();
  EXPECT_EQ(b.all(), a.all());
  EXPECT_NE(b.all(), expected);
}

TEST_F(LoadCheckpoint, PutsBackCountsOfEveryIntegerType) {
  const auto check = [&]<class T>(T) {
    for (const T saved : {std::numeric_limits<T>::min(), std::numeric_limits<T>::max(), T(1)}) {
      T count = saved;
      save_checkpoint({{"count", count}}, path);
      count = T(0);
      load_checkpoint({{"count", count}}, path);
      EXPECT_EQ(count, saved) << sizeof(T) << " bytes";
    }
  };
  check(bool{});
  check(char{});
  check(static_cast<signed char>(0));
  check(static_cast<unsigned char>(0));
  check(static_cast<short>(0));
  check(static_cast<unsigned short>(0));
  check(0);
  check(0U);
  check(0L);
  check(0UL);
  check(0LL);
  check(0ULL);
  std::int64_t large = (std::int64_t{1} << 53) + 1;  // not a double
  save_checkpoint({{"count", large}}, path);
  large = 0;
  load_checkpoint({{"count", large}}, path);
  EXPECT_EQ(large, (std::int64_t{1} << 53) + 1);
}

TEST_F(LoadCheckpoint, RefusesACountThatTheTypeDoesNotHold) {
  const auto refused = [&](auto saved, auto loaded) {
    const auto before = loaded;
    save_checkpoint({{"step", saved}}, path);
    const std::string message = message_of<FormatError>([&] {
      load_checkpoint({{"step", loaded}}, path);
    });
    EXPECT_EQ(loaded, before);
    return message;
  };
  EXPECT_EQ(refused(300, static_cast<signed char>(7)),
            "load_checkpoint: step is 300, outside [-128, 127]: load it into a wider type");
  EXPECT_EQ(refused(-1, 7U),
            "load_checkpoint: step is -1, outside [0, 4294967295]: load it into a wider type");
  EXPECT_EQ(
      refused(5'000'000'000, 7),
      "load_checkpoint: step is 5000000000, outside [-2147483648, 2147483647]: load it into a "
      "wider type");
  EXPECT_EQ(refused(std::numeric_limits<std::uint64_t>::max(), std::int64_t{7}),
            "load_checkpoint: step is 18446744073709551615, outside [-9223372036854775808, "
            "9223372036854775807]: load it into a wider type");
  EXPECT_EQ(refused(2, true),
            "load_checkpoint: step is 2, outside [0, 1]: load it into a wider type");
  EXPECT_EQ(refused(0.5, 7), "load_checkpoint: step is '0.5', not a 64-bit integer");
  Tensor tensor_part = ones({1});
  save_checkpoint({{"step", tensor_part}}, path);
  int step = 7;
  double loss = 7;
  EXPECT_EQ(message_of<FormatError>([&] {
              load_checkpoint({{"step", step}}, path);
            }),
            "load_checkpoint: step is not a number in this file");
  EXPECT_EQ(message_of<FormatError>([&] {
              load_checkpoint({{"step", loss}}, path);
            }),
            "load_checkpoint: step is not a number in this file");
}

TEST_F(LoadCheckpoint, PutsBackNumbersOfBothFloatTypes) {
  const float infinite = std::numeric_limits<float>::infinity();
  for (const float saved : {0.1f, -0.0f, 1e-45f, 3.4e38f, infinite}) {
    float number = saved;
    save_checkpoint({{"best", number}}, path);
    number = 7;
    load_checkpoint({{"best", number}}, path);
    EXPECT_EQ(number, saved);
    EXPECT_EQ(std::signbit(number), std::signbit(saved));
    double wide = 7;
    load_checkpoint({{"best", wide}}, path);
    EXPECT_EQ(wide, static_cast<double>(saved));
  }
  for (double saved : {0.1, 1e300, -1e-300}) {
    save_checkpoint({{"best", saved}}, path);
    float number = 7;
    EXPECT_THAT(message_of<FormatError>([&] {
                  load_checkpoint({{"best", number}}, path);
                }),
                HasSubstr(", which is not a float: load it into a double"));
    EXPECT_EQ(number, 7);
  }
}

TEST_F(LoadCheckpoint, PutsBackARunThatHasNotBegun) {
  Experiment a(1), b(2);
  save_checkpoint(a.parts(), path);
  for (int i = 0; i < 3; ++i) b.train();
  load_checkpoint(b.parts(), path);
  EXPECT_EQ(b.all(), a.all());
  EXPECT_EQ(b.optimizer.state_dict().size(), 0u);
  EXPECT_FALSE(b.order.defined());
}

TEST_F(LoadCheckpoint, KeepsARateThatWasSetByHand) {
  Experiment a(1), b(2);
  a.train();
  a.optimizer.set_lr(0.7);
  save_checkpoint(a.parts(), path);
  load_checkpoint(b.parts(), path);
  EXPECT_EQ(b.optimizer.lr(), 0.7);
  a.train();
  b.train();
  EXPECT_EQ(b.optimizer.lr(), a.optimizer.lr());
  EXPECT_EQ(b.all(), a.all());
}

TEST_F(LoadCheckpoint, TakesAFileWhoseTensorsOthersCanRead) {
  Experiment a(1);
  a.train();
  save_checkpoint(a.parts(), path);
  const StateDict file = load(path);
  EXPECT_TRUE(same_bytes(file.at("model.weight"), a.model.weight));
  EXPECT_TRUE(same_bytes(file.at("averages.weight"), a.averages.averages().at("weight")));
  EXPECT_EQ(file.at("optimizer.weight.exp_avg").shape(), (Shape{2, 3}));
  EXPECT_EQ(file.at("generator").shape(), Shape{2});
  EXPECT_EQ(file.metadata.at("scheduler.scheduler.epoch"), "1");
  EXPECT_EQ(file.metadata.at("step"), "1");
  EXPECT_EQ(file.metadata.at("best_loss"), "inf");
}

TEST_F(LoadCheckpoint, NamesPartsThatAreNotTheSame) {
  Experiment a(1);
  a.train();
  save_checkpoint(a.parts(), path);
  const auto expected = a.all();
  Generator other;
  EXPECT_EQ(
      message_of<Error>([&] {
        load_checkpoint({{"model", a.model}, {"optimizer", a.optimizer}, {"noise", other}}, path);
      }),
      "load_checkpoint: " + path.string() +
          " has different parts: missing in it: [noise]; unexpected in it: [averages, best_loss, "
          "generator, order, scheduler, step]: name the same parts, or leave some out with "
          ".strict = false");
  EXPECT_EQ(message_of<Error>([&] {
              load_checkpoint({{"noise", other}}, path, {.strict = false});
            }).substr(0, 15),
            "load_checkpoint");
  EXPECT_EQ(a.all(), expected);
  Experiment b(2);
  load_checkpoint({{"model", b.model}}, path, {.strict = false});
  EXPECT_TRUE(same_bytes(a.model.weight, b.model.weight));
}

TEST_F(LoadCheckpoint, ChangesNothingIfAPartCannotBeLoaded) {
  Experiment a(1), b(2);
  a.train();
  save_checkpoint(a.parts(), path);
  b.train();
  b.train();
  const auto expected = b.all();
  const double rate = b.optimizer.lr();
  const auto with = [&b](const Module& model) {
    std::vector<CheckpointPart> parts = b.parts();
    parts[0] = {"model", model};
    return parts;
  };
  const Linear wider(3, 4);
  EXPECT_EQ(
      message_of<ShapeError>([&] { load_checkpoint(with(wider), path); }),
      "load_state_dict: weight is [2, 3] in the state, [4, 3] in the model; bias is [2] in the "
      "state, [4] in the model");
  EXPECT_EQ(b.all(), expected);
  EXPECT_EQ(b.optimizer.lr(), rate);
  SGD sgd(b.model.parameters());
  std::vector<CheckpointPart> parts = b.parts();
  parts[1] = {"optimizer", sgd};
  EXPECT_EQ(message_of<Error>([&] { load_checkpoint(parts, path); }),
            "load_state_dict: the state is that of Adam, not of SGD");
  EXPECT_EQ(b.all(), expected);
  EXPECT_EQ(b.optimizer.lr(), rate);
}

TEST_F(LoadCheckpoint, ChangesNoModelIfTheNextCannotBeLoaded) {
  const Linear a(2, 2), b(2, 2), c(2, 2), wider(2, 3);
  save_checkpoint({{"first", a}, {"second", b}}, path);
  const auto before = hash_of<float>(c.weight);
  EXPECT_THROW(load_checkpoint({{"first", c}, {"second", wider}}, path), ShapeError);
  EXPECT_EQ(hash_of<float>(c.weight), before);
  load_checkpoint({{"first", c}, {"second", b}}, path);
  EXPECT_TRUE(same_bytes(c.weight, a.weight));
}

// What load() returns of a checkpoint, given to a part: the cure is load_checkpoint().
TEST_F(LoadCheckpoint, IsNamedAsTheCureWhereAPartIsGivenAllOfTheFile) {
  Experiment a(1);
  a.train();
  save_checkpoint(a.parts(), path);
  const StateDict file = load(path);
  const auto expected = a.all();
  const auto message = [](const std::string& owner, const std::string& part) {
    return "load_state_dict: the state is a checkpoint with the parts "
           "[model, optimizer, scheduler, averages, generator, step, best_loss, order], not the "
           "state "
           "of " +
           owner + ": read it from the file with load_checkpoint({{\"" + part + "\", " + part +
           "}}, file, {.strict = false})";
  };
  for (const bool strict : {true, false}) {
    EXPECT_EQ(message_of<Error>([&] { a.model.load_state_dict(file, {.strict = strict}); }),
              message("a model", "model"));
  }
  EXPECT_EQ(message_of<Error>([&] { restore(a.model, file); }), message("a model", "model"));
  EXPECT_EQ(message_of<Error>([&] { a.optimizer.load_state_dict(file); }),
            message("an optimizer", "optimizer"));
  EXPECT_EQ(message_of<Error>([&] { LBFGS(a.model.parameters()).load_state_dict(file); }),
            message("an optimizer", "optimizer"));
  EXPECT_EQ(message_of<Error>([&] { a.scheduler.load_state_dict(file); }),
            message("an LRScheduler", "scheduler"));
  EXPECT_EQ(message_of<Error>([&] { a.averages.load_state_dict(file); }),
            message("AveragedParameters", "averages"));
  EXPECT_EQ(a.all(), expected);
  const Linear other(3, 2);
  load_checkpoint({{"model", other}}, path, {.strict = false});  // the cure
  EXPECT_TRUE(same_bytes(other.weight, a.model.weight));
}

// A model whose parameters are called as a part's in the file takes them.
TEST_F(LoadCheckpoint, IsNotNeededByAModelThatHasThePartByItsName) {
  struct Outer : Module {
    Outer() : model(add("model", Linear(3, 2))) {}
    const Linear model;
  };
  Experiment a(1);
  save_checkpoint(a.parts(), path);
  const Outer outer;
  outer.load_state_dict(load(path), {.strict = false});
  EXPECT_TRUE(same_bytes(outer.model.weight, a.model.weight));
}

TEST_F(LoadCheckpoint, RefusesOtherFiles) {
  Experiment a(1);
  save(a.model.state_dict(), path);
  EXPECT_EQ(message_of<FormatError>([&] { load_checkpoint(a.parts(), path); }),
            "load_checkpoint: " + path.string() +
                " is not a checkpoint: save_checkpoint() did not write it: read it with load()");
  EXPECT_THROW(load_checkpoint(a.parts(), path.string() + ".missing"), Error);
}

TEST_F(SaveCheckpoint, NeverReplacesAGoodFileByARunThatIsNotFinite) {
  Experiment a(1);
  a.train();
  save_checkpoint(a.parts(), path);
  const std::string good = bytes();
  ASSERT_FALSE(good.empty());
  const float nan = std::nanf("");
  a.model.weight.set_grad(tensor({0.0f, 0.0f, 0.0f, 0.0f, 0.0f, nan}, {2, 3}));
  a.optimizer.step();
  EXPECT_EQ(message_of<ValueError>([&] { save_checkpoint(a.parts(), path); }),
            "save_checkpoint: model.weight [2, 3] is nan in element 5: " + path.string() +
                " stays as it was");
  EXPECT_EQ(bytes(), good);
  load_checkpoint(a.parts(), path);
  save_checkpoint(a.parts(), path);
  EXPECT_EQ(bytes(), good);
}

TEST_F(SaveCheckpoint, NeverReplacesAGoodFileByANumberThatIsNotOne) {
  Experiment a(1);
  const double inf = std::numeric_limits<double>::infinity(), nan = std::nan("");
  for (const double best : {inf, -inf, 0.5}) {  // what a first loss or score is better than
    a.best_loss = best;
    save_checkpoint(a.parts(), path);
    a.best_loss = 0;
    load_checkpoint(a.parts(), path);
    EXPECT_EQ(a.best_loss, best);
  }
  const std::string good = bytes();
  for (const double loss : {nan, -nan}) {
    a.best_loss = loss;
    const std::string text = std::signbit(loss) ? "-nan" : "nan";
    EXPECT_EQ(message_of<ValueError>([&] { save_checkpoint(a.parts(), path); }),
              "save_checkpoint: best_loss is " + text + ": " + path.string() + " stays as it was");
    StateDict state;
    state.metadata["loss"] = std::to_string(loss);
    EXPECT_EQ(message_of<ValueError>([&] { save_checkpoint(state, path); }),
              "save_checkpoint: loss is " + text + ": " + path.string() + " stays as it was");
  }
  EXPECT_EQ(bytes(), good);
}

// A part of a type of ours, which tells its number in its metadata.
struct Meter {
  StateDict state_dict() const {
    StateDict state;
    state.metadata["mean"] = std::to_string(mean);
    return state;
  }
  void load_state_dict(const StateDict& state) { mean = std::stod(state.metadata.at("mean")); }
  double mean = 0;
};

TEST_F(SaveCheckpoint, LooksForNumbersInEveryPart) {
  Meter meter;
  meter.mean = std::nan("");
  EXPECT_EQ(message_of<ValueError>([&] {
              save_checkpoint({{"meter", meter}}, path);
            }),
            "save_checkpoint: meter.mean is nan: " + path.string() + " stays as it was");
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(SaveCheckpoint, NamesATensorThatIsUndefined) {
  StateDict state;
  state.set("running_mean", Tensor());
  EXPECT_EQ(message_of<ValueError>([&] { save_checkpoint(state, path); }),
            "save_checkpoint: running_mean is undefined: " + path.string() + " stays as it was");
}

TEST_F(LoadCheckpoint, RefusesAPartThatIsNotOneTensor) {
  std::int64_t step = 5;
  Linear model(2, 2);
  save_checkpoint({{"step", step}, {"model", model}}, path);
  Tensor t = ones({2}), undefined;
  Generator generator(1);
  const auto load = [&](const char* name, auto& part) {
    return message_of<FormatError>([&] {
      load_checkpoint({{name, part}}, path, {.strict = false});
    });
  };
  EXPECT_EQ(load("step", t), "load_checkpoint: step is not a tensor in this file");
  EXPECT_EQ(load("model", t), "load_checkpoint: model is not a tensor in this file");
  EXPECT_EQ(load("step", generator), "load_checkpoint: step is not a tensor in this file");
  EXPECT_EQ(t.shape(), Shape{2});
  EXPECT_EQ(load("step", undefined), "load_checkpoint: step is not a tensor in this file");
  EXPECT_FALSE(undefined.defined());
}

TEST_F(LoadCheckpoint, TakesACopyThatLoadAndSaveMade) {
  Experiment a(1), b(2);
  a.train();
  save_checkpoint(a.parts(), path);
  save(load(path), path);
  load_checkpoint(b.parts(), path);
  EXPECT_EQ(a.all(), b.all());
}

TEST_F(SaveCheckpoint, RefusesNamesThatCannotBeToldApart) {
  Generator g;
  for (const char* name : {"", "a.b", "a,b", "gradus"}) {
    EXPECT_THAT(message_of<ValueError>([&] {
                  save_checkpoint({{name, g}}, path);
                }),
                HasSubstr("save_checkpoint: a part cannot be called '" + std::string(name) + "'"));
  }
  EXPECT_EQ(message_of<ValueError>([&] {
              save_checkpoint({{"a", g}, {"a", g}}, path);
            }),
            "save_checkpoint: two parts are called a");
  EXPECT_FALSE(std::filesystem::exists(path));
}

// A rule that starts to keep something after its first steps, saved before the next.
TEST_F(LoadCheckpoint, TakesAnOptionThatWasSetSinceTheLastStep) {
  Experiment a(1), b(2);
  a.train();
  a.optimizer.set_option("amsgrad", 1);
  save_checkpoint(a.parts(), path);
  load_checkpoint(b.parts(), path);
  a.train();
  b.train();
  EXPECT_EQ(a.all(), b.all());
}

}  // namespace
}  // namespace gradus
