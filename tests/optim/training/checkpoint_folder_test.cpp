#include <gmock/gmock.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/data/data_loader.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/average.h>
#include <gradus/optim/training/checkpoint_folder.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gradus/tests/support/killed_child.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class CheckpointFolderTest : public FolderTest {
 protected:
  CheckpointFolderTest() {
    before_ = set_warning_handler([this](std::string_view text) { warnings.emplace_back(text); });
  }
  ~CheckpointFolderTest() override { set_warning_handler(before_); }

  std::string step_file(std::int64_t step) const {
    return file("step-" + std::to_string(step) + ".safetensors").string();
  }
  void truncate(std::int64_t step) const {
    std::filesystem::resize_file(step_file(step), std::filesystem::file_size(step_file(step)) - 1);
  }
  std::vector<std::int64_t> steps() const {
    std::vector<std::int64_t> steps;
    for (const SavedCheckpoint& checkpoint : CheckpointFolder(folder()).checkpoints()) {
      steps.push_back(checkpoint.step);
    }
    return steps;
  }

  std::vector<std::string> warnings;

 private:
  WarningHandler before_;
};

struct AsItIs {
  std::vector<std::int64_t> operator()(const std::vector<std::int64_t>& batch) const {
    return batch;
  }
};

// A run with all that a checkpoint is for.
struct FullRun {
  explicit FullRun(std::uint64_t seed, Vocabulary words = Vocabulary::from_words({"a", "b"}))
      : generator(seed),
        vocabulary(std::move(words)),
        model(3, 2, {}, generator),
        optimizer(model.parameters(), {.lr = 0.1}),
        averages(model.parameters(), 0.9),
        loader(samples, {}, {.batch_size = 2, .shuffle = true, .seed = seed, .num_workers = 0}) {}

  std::vector<CheckpointPart> parts() {
    return {{"model", model},         {"optimizer", optimizer}, {"averages", averages},
            {"generator", generator}, {"loader", loader},       {"vocabulary", vocabulary},
            {"batches", batches}};
  }
  // One epoch: what it does depends on everything that came before.
  void train() {
    for (const std::vector<std::int64_t>& batch : loader) {
      for (const NamedParameter& target : model.parameters()) {
        target.parameter.set_grad(randn(target.parameter.shape(), 0, static_cast<double>(batch[0]),
                                        DType::float32, generator));
      }
      optimizer.step();
      averages.update();
      ++batches;
    }
  }
  std::vector<std::uint64_t> all() {
    return {hash_of<float>(model.weight), hash_of<float>(averages.averages().at("weight")),
            static_cast<std::uint64_t>(batches), generator.offset(),
            static_cast<std::uint64_t>(loader.epoch())};
  }

  std::vector<std::int64_t> samples{0, 1, 2, 3, 4, 5};
  Generator generator;
  Vocabulary vocabulary;
  Linear model;
  Adam optimizer;
  AveragedParameters averages;
  DataLoader<std::vector<std::int64_t>&, AsItIs> loader;
  std::int64_t batches = 0;
};

TEST_F(CheckpointFolderTest, ResumesTheRunThatItSaved) {
  const CheckpointFolder checkpoints(file("a") / "b");
  FullRun run(1), other(2);
  EXPECT_EQ(resume(run.parts(), checkpoints), std::nullopt);  // there is no such folder
  for (int epoch = 0; epoch < 3; ++epoch) run.train();
  checkpoints.save(run.parts(), 3);
  EXPECT_NE(other.all(), run.all());
  EXPECT_EQ(resume(other.parts(), checkpoints), 3);
  EXPECT_EQ(other.all(), run.all());
  run.train();
  other.train();
  EXPECT_EQ(other.all(), run.all());
  EXPECT_THAT(warnings, IsEmpty());
  EXPECT_EQ(checkpoint_vocabulary(checkpoints.file(3)).words(), run.vocabulary.words());
}

TEST_F(CheckpointFolderTest, KeepsTheNewestAndTheBest) {
  const auto kept = [&](const CheckpointFolderOptions& options,
                        const std::vector<std::optional<double>>& metrics) {
    for (const std::string& name : names()) std::filesystem::remove(file(name));
    std::int64_t step = 0;
    for (const std::optional<double>& metric : metrics) {
      ++step;
      CheckpointFolder(folder(), options).save({{"step", step}}, step, metric);
    }
    EXPECT_EQ(names().size(), steps().size());
    return steps();
  };
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_THAT(kept({}, {3, 2, 1, 5, 6, 7, 8}), ElementsAre(3, 5, 6, 7));
  EXPECT_THAT(kept({.keep_last = 1}, {1, 9, 2}), ElementsAre(1, 3));
  EXPECT_THAT(kept({.keep_last = 1, .maximize = true}, {1, 9, 2}), ElementsAre(2, 3));
  EXPECT_THAT(kept({.keep_last = 1, .keep_best = 0}, {1, 9, 2}), ElementsAre(3));
  EXPECT_THAT(kept({.keep_last = 2}, {4, 4, 4, 4, 4}), ElementsAre(1, 4, 5));
  EXPECT_THAT(kept({.keep_last = 1, .keep_best = 2}, {{}, -inf, {}, 1, inf, {}}),
              ElementsAre(2, 4, 6));
  EXPECT_THAT(kept({.keep_last = 2}, {{}, {}, {}, {}}), ElementsAre(3, 4));
}

TEST_F(CheckpointFolderTest, TellsWhatItHas) {
  const CheckpointFolder checkpoints(folder(), {.maximize = true});
  EXPECT_EQ(checkpoints.best(), std::nullopt);
  double loss = 1;
  checkpoints.save({{"loss", loss}}, 90);
  EXPECT_FALSE(checkpoints.best().has_value());
  checkpoints.save({{"loss", loss}}, 100, 0.1);
  checkpoints.save({{"loss", loss}}, 110, -3e-5);
  const std::vector<SavedCheckpoint> all = checkpoints.checkpoints();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[0].step, 90);
  EXPECT_EQ(all[0].metric, std::nullopt);
  EXPECT_EQ(all[2].metric, -3e-5);
  EXPECT_EQ(checkpoints.best()->step, 100);
  EXPECT_EQ(checkpoints.best()->path, step_file(100));
  EXPECT_EQ(checkpoints.file(100), step_file(100));
}

// A run that begins again in the folder of another: nothing of what it saves is taken for old.
TEST_F(CheckpointFolderTest, KeepsWhatItHasJustSaved) {
  const CheckpointFolder checkpoints(folder(), {.keep_last = 1, .keep_best = 0});
  std::int64_t step = 300;
  checkpoints.save({{"step", step}}, 300);
  checkpoints.save({{"step", step}}, 7);
  EXPECT_THAT(steps(), ElementsAre(7, 300));
  checkpoints.save({{"step", step}}, 8);
  EXPECT_THAT(steps(), ElementsAre(8, 300));
}

TEST_F(CheckpointFolderTest, TakesTheOneBeforeADamagedOne) {
  const CheckpointFolder checkpoints(folder(), {.keep_last = 2});
  std::int64_t step = 1;
  for (; step <= 2; ++step) checkpoints.save({{"step", step}}, step);
  write_text(step_file(3), "");
  truncate(2);
  const std::string reason = "load: '" + step_file(2) +
                             "' is not a valid .safetensors file: it is cut off: its header has";
  EXPECT_EQ(resume({{"step", step}}, checkpoints), 1);
  EXPECT_EQ(step, 1);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(warnings[0], "resume: '" + step_file(3) + "' is skipped: load: '" + step_file(3) +
                             "' is not a valid .safetensors file: it has 0 bytes, but the header "
                             "length alone has 8");
  EXPECT_THAT(warnings[1], HasSubstr("resume: '" + step_file(2) + "' is skipped: " + reason));
  // what is damaged does not take the place of what is whole, and is not removed
  checkpoints.save({{"step", step}}, 5);
  EXPECT_THAT(steps(), ElementsAre(1, 5));
  EXPECT_EQ(names().size(), 4U);
}

TEST_F(CheckpointFolderTest, ChangesNothingWhereAllAreDamaged) {
  const CheckpointFolder checkpoints(folder());
  std::int64_t step = 4;
  checkpoints.save({{"step", step}}, 4);
  truncate(4);
  step = 9;
  EXPECT_EQ(resume({{"step", step}}, checkpoints), std::nullopt);
  EXPECT_EQ(step, 9);
  EXPECT_EQ(warnings.size(), 1U);
  set_warning_handler([](std::string_view text) { throw std::runtime_error(std::string(text)); });
  EXPECT_THROW(resume({{"step", step}}, checkpoints), std::runtime_error);
}

// A checkpoint that cannot be read yet is newer work: it is not passed over for an older one.
TEST_F(CheckpointFolderTest, NamesACheckpointOfTheFuture) {
  const CheckpointFolder checkpoints(folder());
  std::int64_t step = 1;
  checkpoints.save({{"step", step}}, 1);
  StateDict future;
  future.metadata["gradus.checkpoint"] = "model";
  future.metadata["gradus.checkpoint_format"] = "2";
  future.metadata["gradus.checkpoint_novelty"] = "yes";
  save(future, step_file(2));
  EXPECT_EQ(message_of<Error>([&] {
              resume({{"step", step}}, checkpoints);
            }),
            "load_checkpoint: " + step_file(2) +
                " is a checkpoint of format 2, which a newer gradus wrote, and this one reads "
                "formats up to 1: load it with that one");
  EXPECT_EQ(message_of<Error>([&] {
              load_checkpoint({{"step", step}}, step_file(2), {.strict = false});
            }).substr(0, 16),
            "load_checkpoint:");
  future.metadata["gradus.checkpoint_format"] = "new";
  save(future, step_file(2));
  EXPECT_EQ(resume({{"step", step}}, checkpoints), 1);
  EXPECT_THAT(warnings.at(0), HasSubstr("is of format 'new', not a number"));
  future.metadata = {};
  future.metadata["gradus.checkpoint"] = "step";  // as the first versions wrote it
  future.metadata["step"] = "12";
  save(future, step_file(2));
  EXPECT_EQ(resume({{"step", step}}, checkpoints), 2);
  EXPECT_EQ(step, 12);
}

TEST_F(CheckpointFolderTest, RefusesAnotherRunWithAllThatDiffers) {
  const CheckpointFolder checkpoints(folder());
  FullRun run(1);
  run.train();
  checkpoints.save(run.parts(), 6);
  FullRun other(2, Vocabulary::from_words({"b", "c", "d"}));
  other.train();
  const auto before = other.all();
  const Linear wider(3, 4);
  SGD sgd(wider.parameters(), {.lr = 0.1});
  std::int64_t epoch = 5;
  std::vector<CheckpointPart> parts = other.parts();
  parts[0] = {"model", wider};
  parts[1] = {"optimizer", sgd};
  parts[6] = {"epoch", epoch};
  const auto weight = hash_of<float>(wider.weight);
  EXPECT_EQ(
      message_of<Error>([&] { resume(parts, checkpoints); }),
      "load_checkpoint: " + step_file(6) +
          " has different parts: missing in it: [epoch]; unexpected in it: [batches]; vocabulary "
          "is another one in this file: 2 words in it, 3 here; words that are only in it: [a]; "
          "words that are only here: [c, d]; words with another id: [b (1 in it, 0 here)]: build "
          "the run with checkpoint_vocabulary(); optimizer: the state is that of Adam, not of SGD; "
          "model: weight is [2, 3] in the state, [4, 3] in the model; bias is [2] in the state, "
          "[4] in the model");
  EXPECT_EQ(other.all(), before);
  EXPECT_EQ(hash_of<float>(wider.weight), weight);
  EXPECT_EQ(epoch, 5);
  // a model that would fit is not loaded either
  parts = other.parts();
  parts[1] = {"optimizer", sgd};
  parts[5] = {"vocabulary", run.vocabulary};
  EXPECT_THAT(message_of<Error>([&] { resume(parts, checkpoints); }),
              HasSubstr("the state is that of Adam, not of SGD"));
  EXPECT_EQ(other.all(), before);
  FullRun same(3);
  EXPECT_EQ(resume(same.parts(), checkpoints), 6);
}

TEST_F(CheckpointFolderTest, IsLeftByFilesThatAreNotItsOwn) {
  const std::vector<std::string> others{"step-01.safetensors",
                                        "step--1.safetensors",
                                        "step-9.safetensors.bak",
                                        "step-.safetensors",
                                        ".step-x.safetensors.0123456789abcdef.tmp",
                                        ".model.safetensors.0123456789abcdef.tmp"};
  for (const std::string& name : others) write_text(file(name), "mine");
  StateDict weights;
  weights.set("w", ones({1}));
  save(weights, step_file(1));  // of that name, and no checkpoint
  const CheckpointFolder checkpoints(folder(), {.keep_last = 1});
  std::int64_t step = 2;
  for (; step < 5; ++step) checkpoints.save({{"step", step}}, step);
  EXPECT_THAT(steps(), ElementsAre(4));
  EXPECT_EQ(names().size(), others.size() + 2);
  EXPECT_EQ(load(step_file(1)).size(), 1U);
}

TEST_F(CheckpointFolderTest, RemovesWhatKilledProgramsLeftOfAnyStep) {
  run_and_kill([&] {
    for (const std::int64_t step : {3, 4}) {
      auto* out = new AtomicFile(step_file(step));
      out->write(std::string(4 << 20, 'x'));
    }
  });
  AtomicFile live(step_file(5));  // of a save that goes on
  EXPECT_EQ(names().size(), 3U);
  std::int64_t step = 7;
  CheckpointFolder(folder()).save({{"step", step}}, 7);
  EXPECT_EQ(names().size(), 2U);
  live.write("whole");
  live.commit();
  EXPECT_EQ(read_text(step_file(5)), "whole");
}

TEST_F(CheckpointFolderTest, RefusesWhatMakesNoSense) {
  std::int64_t step = 1;
  const CheckpointFolder checkpoints(folder());
  EXPECT_EQ(message_of<ValueError>([&] {
              checkpoints.save({{"step", step}}, -1);
            }),
            "CheckpointFolder: the step is -1");
  EXPECT_EQ(
      message_of<ValueError>([&] {
        checkpoints.save({{"step", step}}, 1, std::nan(""));
      }),
      "CheckpointFolder: the metric of step 1 is nan, which cannot be compared: leave it out");
  EXPECT_THROW(checkpoints.save({{"a.b", step}}, 1), ValueError);
  EXPECT_THROW(resume({{"a.b", step}}, checkpoints), ValueError);
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(message_of<ValueError>([&] { CheckpointFolder(folder(), {.keep_last = 0}); }),
            "CheckpointFolder: keep_last is 0, it must be at least 1");
  EXPECT_EQ(message_of<ValueError>([&] { CheckpointFolder(folder(), {.keep_best = -1}); }),
            "CheckpointFolder: keep_best is -1, it must not be negative");
  write_text(file("f"), "");
  const CheckpointFolder no_folder(file("f"));
  EXPECT_EQ(
      message_of<Error>([&] {
        no_folder.save({{"step", step}}, 1);
      }),
      "CheckpointFolder: cannot make the folder '" + file("f").string() + "': Not a directory");
  EXPECT_EQ(message_of<Error>([&] {
              resume({{"step", step}}, no_folder);
            }),
            "CheckpointFolder: cannot read '" + file("f").string() + "': Not a directory");
}

// What the system does not let us read is newer work too: the run must not begin anew.
TEST_F(CheckpointFolderTest, IsNotPassedOverWhereItCannotBeRead) {
  const CheckpointFolder checkpoints(folder());
  std::int64_t step = 1;
  for (; step <= 2; ++step) checkpoints.save({{"step", step}}, step);
  std::filesystem::permissions(folder(), std::filesystem::perms::all);
  std::filesystem::permissions(step_file(2), std::filesystem::perms::none);
  const uid_t user = geteuid();
  ASSERT_EQ(seteuid(user == 0 ? 65534 : user), 0);  // the superuser reads everything
  const std::string message = message_of<Error>([&] { resume({{"step", step}}, checkpoints); });
  ASSERT_EQ(seteuid(user), 0);
  EXPECT_EQ(message, "load: cannot read '" + step_file(2) + "': Permission denied");
  EXPECT_EQ(step, 3);
  EXPECT_THAT(warnings, IsEmpty());
}

// Opening the pipe would never end.
TEST_F(CheckpointFolderTest, SkipsPipesAndFolders) {
  const CheckpointFolder checkpoints(folder());
  std::int64_t step = 1;
  checkpoints.save({{"step", step}}, 1);
  ASSERT_EQ(mkfifo(step_file(13).c_str(), 0600), 0);
  std::filesystem::create_directory(step_file(12));
  EXPECT_THAT(steps(), ElementsAre(1));
  EXPECT_EQ(resume({{"step", step}}, checkpoints), 1);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0], HasSubstr("it is a pipe or a device"));
}

// A link that leads nowhere is skipped as what cannot be read.
TEST_F(CheckpointFolderTest, SkipsADanglingLink) {
  std::filesystem::create_symlink("nowhere", step_file(3));
  std::int64_t step = 1;
  EXPECT_EQ(resume({{"step", step}}, CheckpointFolder(folder())), std::nullopt);
  EXPECT_THAT(warnings.at(0), HasSubstr("No such file or directory"));
}

// What is saved at a step: large, and of one value that tells the step.
struct Content {
  Content() : values{full({1 << 17}, 0, DType::int64), full({1 << 17}, 1, DType::int64)} {}

  std::vector<CheckpointPart> at(std::int64_t now) {
    step = now;
    value = values[static_cast<std::size_t>(now % 2)];
    return {{"step", step}, {"value", value}};
  }
  std::vector<CheckpointPart> parts() { return {{"step", step}, {"value", value}}; }
  // True if it is whole, and that of a step.
  bool is(std::int64_t expected) const {
    const auto span = value.span<std::int64_t>();
    return step == expected && span.size() == std::size_t{1} << 17U &&
           std::all_of(span.begin(), span.end(), [&](std::int64_t v) { return v == expected % 2; });
  }

  std::vector<Tensor> values;
  std::int64_t step = 0;
  Tensor value;
};

// A child saves one step after the other, and is killed at a random moment after its first: each
// time the run goes on with a whole checkpoint, no older than the last that was complete.
TEST_F(CheckpointFolderTest, SurvivesAHundredKills) {
  Content content;
  const CheckpointFolder checkpoints(folder());
  std::int64_t last = 3;
  for (const std::int64_t step : {1, 2, 3}) checkpoints.save(content.at(step), step);
  std::mt19937 random(11);
  int inside = 0;
  for (int round = 0; round < 100; ++round) {
    kill_while_saving(random, 10000,
                      [&](int i) { checkpoints.save(content.at(last + i), last + i); });
    const std::vector<std::string> left = names();
    inside += std::any_of(left.begin(), left.end(),
                          [](const std::string& name) { return name.ends_with(".tmp"); })
                  ? 1
                  : 0;  // the kill came between the first byte and the end of the rename
    const auto step = resume(content.parts(), checkpoints);
    ASSERT_TRUE(step && *step > last) << round;
    ASSERT_TRUE(content.is(*step)) << round;
    last = *step + 1;
    checkpoints.save(content.at(last), last);
    EXPECT_THAT(steps(), ElementsAre(last - 2, last - 1, last));
    EXPECT_EQ(names().size(), 3U);  // no leftover
  }
  RecordProperty("kills_during_a_write_or_rename", inside);
  EXPECT_GE(inside, 20);
  EXPECT_THAT(warnings, IsEmpty());
}

// Two threads and another process save the same steps, while a third thread resumes.
TEST_F(CheckpointFolderTest, IsSharedByThreadsAndProcesses) {
  constexpr std::int64_t rounds = 30;
  const CheckpointFolder checkpoints(folder());
  std::vector<Content> contents(3);
  checkpoints.save(contents[0].at(0), 0);
  const auto save_all = [&](Content& content) {
    for (std::int64_t step = 1; step <= rounds; ++step) checkpoints.save(content.at(step), step);
  };
  const pid_t child = fork();
  if (child == 0) {
    try {
      save_all(contents[0]);
    } catch (const std::exception&) {
      _exit(1);
    }
    _exit(0);
  }
  std::atomic<int> left{2}, torn{0}, reads{0}, failed{0};
  const auto work = [&](Content& content) {
    try {
      save_all(content);
    } catch (const std::exception& error) {
      ++failed;
      ADD_FAILURE() << error.what();
    }
    --left;
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 2; ++i) threads.emplace_back(work, std::ref(contents[i]));
  threads.emplace_back([&] {
    do {
      try {
        const auto step = resume(contents[2].parts(), checkpoints);
        if (!step || !contents[2].is(*step)) ++torn;
      } catch (const Error&) {
        ++torn;
      }
      ++reads;
    } while (left > 0);
  });
  for (std::thread& thread : threads) thread.join();
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(torn, 0) << "of " << reads;
  EXPECT_THAT(steps(), ElementsAre(rounds - 2, rounds - 1, rounds));
  EXPECT_EQ(names().size(), 3U);
  EXPECT_EQ(resume(contents[2].parts(), checkpoints), rounds);
  EXPECT_TRUE(contents[2].is(rounds));
}

// Makes a small file system of its own of the folder, for this process alone. Where that is not
// permitted, a limit on the size of files stands for it: the system stops taking bytes.
void limit_space(const std::filesystem::path& folder) {
  const uid_t user = getuid();
  const bool own = unshare(CLONE_NEWNS) == 0;
  if (!own && unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) {
    write_text("/proc/self/uid_map", "0 " + std::to_string(user) + " 1\n");
  }
  const bool is_apart = mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  if (is_apart && mount("none", folder.c_str(), "tmpfs", 0, "size=1536k") == 0) return;
  (void)std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1 << 19, 1 << 19};
  setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(CheckpointFolderTest, LosesNothingOnAFullFileSystem) {
  Content content;
  const pid_t child = fork();
  if (child == 0) {
    limit_space(folder());
    const CheckpointFolder checkpoints(folder());
    std::int64_t step = 1;
    checkpoints.save({{"step", step}}, 1);
    std::string message;
    for (const std::int64_t next : {2, 3}) {  // 1 MB each: with the first, too much
      try {
        checkpoints.save(content.at(next), next);
      } catch (const Error& error) {
        message = error.what();
      }
    }
    const bool said = message.find("No space left on device") != std::string::npos ||
                      message.find("File too large") != std::string::npos;
    const std::vector<SavedCheckpoint> all = checkpoints.checkpoints();
    const bool first = !all.empty() && all.front().step == 1;
    const bool whole = all.size() == names().size();
    _exit(said && first && whole ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace gradus
