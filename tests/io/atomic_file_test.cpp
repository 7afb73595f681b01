#include <gmock/gmock.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/error.h>
#include <gradus/framework/io/atomic_file.h>
#include <gradus/framework/io/safetensors.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <random>

#include "file_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

using AtomicFileTest = FolderTest;

TEST_F(AtomicFileTest, LeavesTheOldFileUntilCommit) {
  write_text(file("f"), "old");
  {
    AtomicFile out(file("f"));
    out.write("new content");
    EXPECT_EQ(read_text(file("f")), "old");
  }
  EXPECT_EQ(read_text(file("f")), "old");
  EXPECT_THAT(names(), ElementsAre("f"));
  AtomicFile out(file("f"));
  out.write("new content");
  out.commit();
  EXPECT_EQ(read_text(file("f")), "new content");
  EXPECT_THAT(names(), ElementsAre("f"));
}

TEST_F(AtomicFileTest, KeepsTheOrderOfSmallAndLargeWrites) {
  const std::string large(3 << 20, 'b');
  AtomicFile out(file("f"));
  out.write("a");
  out.write(large);
  out.write("c");
  out.commit();
  EXPECT_EQ(read_text(file("f")), "a" + large + "c");
}

TEST_F(AtomicFileTest, FullDiskIsAnErrorAndKeepsTheOldFile) {
  StateDict small;
  small.set("a", ones({4}));
  save(small, file("m"));
  StateDict big;
  big.set("a", ones({1 << 20}));
  // A limit on the size of files stands for a full disk: the system stops taking bytes.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{1 << 20, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message = message_of<Error>([&] { save(big, file("m")); });
  setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  EXPECT_THAT(message, HasSubstr("cannot write"));
  EXPECT_THAT(message, HasSubstr("File too large"));
  EXPECT_EQ(load(file("m")).at("a").numel(), 4);
  EXPECT_THAT(names(), ElementsAre("m"));
}

TEST_F(AtomicFileTest, RemovesWhatKilledProgramsLeftBehind) {
  const pid_t child = fork();
  if (child == 0) {
    auto* out = new AtomicFile(file("m"));
    out->write(std::string(4 << 20, 'x'));
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  EXPECT_EQ(names().size(), 1U);
  save({}, file("m"));
  EXPECT_THAT(names(), ElementsAre("m"));
}

TEST_F(AtomicFileTest, KeepsALinkAndWritesWhatItPointsTo) {
  write_text(file("target"), "old");
  std::filesystem::create_symlink(file("target"), file("link"));
  AtomicFile out(file("link"));
  out.write("new");
  out.commit();
  EXPECT_TRUE(std::filesystem::is_symlink(file("link")));
  EXPECT_EQ(read_text(file("target")), "new");
}

// A child saves models over and over and is killed at a random moment after its first save: the
// file is whole each time.
TEST_F(AtomicFileTest, SurvivesKillsDuringSave) {
  std::vector<StateDict> states(2);
  for (std::size_t i = 0; i < 2; ++i) {
    states[i].set("a", full({1 << 18}, static_cast<double>(i)));
  }
  save(states[0], file("m"));
  std::mt19937 random(7);
  int inside = 0;
  for (int round = 0; round < 40; ++round) {
    int saved[2];
    ASSERT_EQ(pipe(saved), 0);
    const pid_t child = fork();
    if (child == 0) {
      for (std::size_t i = 1;; ++i) {
        save(states[i % 2], file("m"));
        if (i == 1) (void)!write(saved[1], "", 1);
      }
    }
    char byte;
    ASSERT_EQ(read(saved[0], &byte, 1), 1);
    for (const int end : saved) close(end);
    usleep(static_cast<useconds_t>(random() % 15000));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    inside += names().size() > 1 ? 1 : 0;  // a temporary file: the kill came during a write
    const Tensor a = load(file("m")).at("a");
    const float value = a.data<float>()[0];
    for (const float v : a.span<float>()) ASSERT_EQ(v, value);
    save(states[0], file("m"));
    EXPECT_THAT(names(), ElementsAre("m"));
  }
  RecordProperty("kills_during_a_write", inside);
  EXPECT_GT(inside, 0);
}

}  // namespace
}  // namespace gradus
