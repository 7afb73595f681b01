#include <fcntl.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/killed_child.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class AtomicFileTest : public FolderTest {
 protected:
  void replace(const std::string& name, const std::string& text) const {
    AtomicFile out(file(name));
    out.write(text);
    out.commit();
  }
  void set_mode(const std::string& name, unsigned mode) const {
    std::filesystem::permissions(file(name), static_cast<std::filesystem::perms>(mode));
  }
  unsigned mode_of(const std::string& name) const {
    return static_cast<unsigned>(std::filesystem::status(file(name)).permissions());
  }
};

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
  run_and_kill([&] {
    auto* out = new AtomicFile(file("m"));
    out->write(std::string(4 << 20, 'x'));
  });
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

TEST_F(AtomicFileTest, MakesWhatADanglingLinkPointsTo) {
  std::filesystem::create_directory(file("runs"));
  std::filesystem::create_symlink("runs/7", file("latest"));
  std::filesystem::create_symlink("latest", file("link"));
  replace("link", "new");
  EXPECT_EQ(std::filesystem::read_symlink(file("link")), "latest");
  EXPECT_EQ(std::filesystem::read_symlink(file("latest")), "runs/7");
  EXPECT_EQ(read_text(file("runs/7")), "new");
  std::filesystem::create_symlink("loop", file("loop"));
  EXPECT_EQ(message_of<Error>([&] { replace("loop", "new"); }),
            "save: '" + file("loop").string() + "' is a symbolic link that leads nowhere");
}

TEST_F(AtomicFileTest, KeepsTheModeOfWhatItReplaces) {
  for (const unsigned mode : {0600U, 0640U, 0444U, 0666U, 0751U}) {
    write_text(file("f"), "old");
    set_mode("f", mode);
    replace("f", "new");
    EXPECT_EQ(mode_of("f"), mode);
    EXPECT_EQ(read_text(file("f")), "new");
    std::filesystem::remove(file("f"));
  }
}

TEST_F(AtomicFileTest, ShowsNothingOfAPrivateFileWhileItIsWritten) {
  write_text(file("f"), "old");
  set_mode("f", 0600);
  AtomicFile out(file("f"));
  for (const std::string& name : names()) EXPECT_EQ(mode_of(name), 0600U) << name;
  set_mode("f", 0400);  // while it is written
  out.commit();
  EXPECT_EQ(mode_of("f"), 0400U);
}

TEST_F(AtomicFileTest, GivesANewFileTheModeOfTheUmask) {
  for (const unsigned mask : {022U, 077U, 002U}) {
    const mode_t before = umask(mask);
    replace("f" + std::to_string(mask), "new");
    umask(before);
    EXPECT_EQ(mode_of("f" + std::to_string(mask)), 0666U & ~mask);
  }
}

TEST_F(AtomicFileTest, KeepsTheOwnerWherePermitted) {
  write_text(file("f"), "old");
  if (chown(file("f").c_str(), 1234, 5678) != 0) {
    GTEST_SKIP() << "only root may give a file to another user";
  }
  set_mode("f", 0640);
  replace("f", "new");
  struct stat status {};
  ASSERT_EQ(stat(file("f").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 1234U);
  EXPECT_EQ(status.st_gid, 5678U);
  EXPECT_EQ(mode_of("f"), 0640U);
}

TEST_F(AtomicFileTest, GivesNoRightsToAGroupThatHadNone) {
  std::filesystem::permissions(folder(), std::filesystem::perms::all);
  write_text(file("f"), "old");
  set_mode("f", 0664);
  const pid_t child = fork();
  if (child == 0) {  // the file of a stranger, who has another group
    const bool changed = setgroups(0, nullptr) == 0 && setgid(4321) == 0 && setuid(4321) == 0;
    if (changed) replace("f", "new");
    _exit(changed ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 1) {
    GTEST_SKIP() << "only root may become another user";
  }
  EXPECT_EQ(read_text(file("f")), "new");
  EXPECT_EQ(mode_of("f"), 0644U);
}

TEST_F(AtomicFileTest, TakesNamesOf255Bytes) {
  const std::vector<std::string> long_names{std::string(255, 'x'), std::string(234, 'x'), [] {
                                              std::string name = "a";
                                              while (name.size() < 255) name += "\xC3\xB6";
                                              return name;
                                            }()};
  for (const std::string& name : long_names) {
    replace(name, "old");
    AtomicFile out(file(name));
    out.write("new");
    for (const std::string& there : names()) {
      EXPECT_LE(there.size(), 255U);
      EXPECT_EQ(there.find("\xC3."), std::string::npos) << "a character is cut in two";
    }
    out.commit();
    EXPECT_EQ(read_text(file(name)), "new");
    EXPECT_THAT(names(), ElementsAre(name));
    std::filesystem::remove(file(name));
  }
  EXPECT_THAT(message_of<Error>([&] { replace(std::string(256, 'x'), "new"); }),
              HasSubstr("File name too long"));
  EXPECT_TRUE(names().empty());
}

TEST_F(AtomicFileTest, ReplacesNoFolder) {
  std::filesystem::create_directory(file("d"));
  EXPECT_EQ(message_of<Error>([&] { replace("d", "new"); }),
            "save: '" + file("d").string() + "' is not the name of a file");
  EXPECT_THROW(replace("d/", "new"), Error);
  AtomicFile out(file("e"));
  out.write("new");
  std::filesystem::create_directory(file("e"));
  EXPECT_THAT(message_of<Error>([&] { out.commit(); }), HasSubstr("cannot replace"));
  EXPECT_TRUE(std::filesystem::is_directory(file("d")) && std::filesystem::is_directory(file("e")));
}

std::string read_some(int file) {
  std::string text(100, ' ');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(read(file, text.data(), 100), 0)));
  return text;
}

TEST_F(AtomicFileTest, WritesToAPipeAndDoesNotReplaceIt) {
  ASSERT_EQ(mkfifo(file("pipe").c_str(), 0600), 0);
  std::filesystem::create_symlink("pipe", file("link"));
  const int pipe = open(file("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  replace("pipe", "through the pipe");
  EXPECT_EQ(read_some(pipe), "through the pipe");
  replace("link", "through the link");
  EXPECT_EQ(read_some(pipe), "through the link");

  AtomicFile out(file("pipe"));
  out.write("x");
  close(pipe);
  for (auto* handler : {SIG_IGN, SIG_DFL}) {  // which would end the program
    auto* before = std::signal(SIGPIPE, handler);
    EXPECT_EQ(
        message_of<Error>([&] { out.commit(); }),
        "save: cannot write '" + file("pipe").string() + "': Broken pipe (0 bytes were written)");
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
    (void)std::signal(SIGPIPE, before);
  }
  EXPECT_TRUE(std::filesystem::is_fifo(file("pipe")));
  EXPECT_THAT(names(), UnorderedElementsAre("link", "pipe"));
}

TEST_F(AtomicFileTest, RefusesAPathThatHoldsANul) {
  const std::string path = file("best").string() + std::string("\0.1", 3);
  const std::string problem =
      ": the path '" + file("best").string() + "\\x00.1' contains a NUL, which no file name can";
  EXPECT_EQ(message_of<Error>([&] { save({}, path); }), "save" + problem);
  EXPECT_EQ(message_of<Error>([&] { load(path); }), "load" + problem);
  EXPECT_EQ(message_of<Error>([&] { load_mapped(path, "x"); }), "load_mapped" + problem);
  EXPECT_THAT(names(), IsEmpty());
}

// A terminal: a device that no fault can replace, since its folder takes no files.
TEST_F(AtomicFileTest, WritesToADeviceAndDoesNotReplaceIt) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) {
    GTEST_SKIP() << "there are no terminals";
  }
  const std::filesystem::path device = ptsname(terminal);
  const int reader = open(device.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // keeps it open
  std::filesystem::create_symlink(device, file("link"));
  replace("link", "to the terminal");
  EXPECT_EQ(read_some(terminal), "to the terminal");
  EXPECT_TRUE(std::filesystem::is_character_file(device));
  EXPECT_TRUE(std::filesystem::is_symlink(file("link")));
  close(reader);
  close(terminal);
}

TEST_F(AtomicFileTest, LeavesNothingBehindWhenItFails) {
  {
    AtomicFile out(file("m"));
    out.write(std::string(4 << 20, 'x'));
    EXPECT_EQ(names().size(), 1U);
    std::filesystem::create_directory(file("m"));
    EXPECT_THROW(out.commit(), Error);
  }
  EXPECT_THAT(names(), ElementsAre("m"));
}

TEST_F(AtomicFileTest, TakesNoFileOfALivingWriterForAnOrphan) {
  AtomicFile first(file("m"));
  first.write("first");
  AtomicFile second(file("m"));  // of one process, so of equal ids
  second.write("second");
  EXPECT_EQ(names().size(), 2U);
  int ready[2], go[2];
  ASSERT_EQ(pipe(ready) | pipe(go), 0);
  const pid_t child = fork();
  char byte = 0;
  if (child == 0) {
    close(go[1]);
    auto* out = new AtomicFile(file("m"));
    const bool told = write(ready[1], "x", 1) == 1 && read(go[0], &byte, 1) == 1;
    out->write("child");
    out->commit();
    _exit(told ? 0 : 1);
  }
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  first.commit();
  EXPECT_EQ(read_text(file("m")), "first");
  second.commit();
  EXPECT_EQ(read_text(file("m")), "second");
  save({}, file("m"));
  ASSERT_EQ(write(go[1], "x", 1), 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(read_text(file("m")), "child");
  EXPECT_THAT(names(), ElementsAre("m"));
}

TEST_F(AtomicFileTest, LeavesFilesOfOthersWithSimilarNames) {
  const std::vector<std::string> others{".m.1.tmp", ".m.0123456789abcdeg.tmp",
                                        ".n.0123456789abcdef.tmp", ".m.0123456789abcdef.txt"};
  for (const std::string& name : others) write_text(file(name), "mine");
  write_text(file(".m.0123456789abcdef.tmp"), "of a writer that is gone");
  replace("m", "new");
  EXPECT_EQ(names().size(), others.size() + 1);
  for (const std::string& name : others) EXPECT_EQ(read_text(file(name)), "mine");
}

// Threads save and read under one name: a reader finds one of the states, whole, each time.
TEST_F(AtomicFileTest, ThreadsThatSaveUnderOneNameLeaveItWholeForReaders) {
  constexpr int writers = 3, rounds = 40;
  const auto state = [](int writer) {
    StateDict result;
    result.set("a", full({4096 << writer}, writer));
    return result;
  };
  const auto is_whole = [](const Tensor& a) {
    const float writer = a.span<float>()[0];
    const bool same = std::all_of(a.span<float>().begin(), a.span<float>().end(),
                                  [=](float value) { return value == writer; });
    return same && a.numel() == 4096 << static_cast<int>(writer);
  };
  save(state(0), file("m"));
  std::atomic<int> left{writers}, failed{0}, reads{0}, torn{0};
  const auto read_all = [&](auto&& read) {
    do {
      try {
        if (!is_whole(read())) ++torn;
      } catch (const Error&) {
        ++torn;
      }
      ++reads;
    } while (left > 0);
  };
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < rounds; ++i) {
        try {
          save(state(writer), file("m"));
        } catch (const Error&) {
          ++failed;
        }
      }
      --left;
    });
  }
  threads.emplace_back(read_all, [&] { return load(file("m")).at("a"); });
  threads.emplace_back(read_all, [&] { return load_mapped(file("m"), "a"); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(torn, 0) << "of " << reads;
  EXPECT_TRUE(is_whole(load(file("m")).at("a")));
  EXPECT_THAT(names(), ElementsAre("m"));
}

TEST_F(AtomicFileTest, WritesOverWhatWasWritten) {
  AtomicFile out(file("m"));
  out.write("0123456789");
  out.write_at(2, "ab");
  out.write("X");
  out.write_at(9, "YZ");
  out.commit();
  EXPECT_EQ(read_text(file("m")), "01ab45678YZ");
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
    kill_while_saving(random, 15000,
                      [&](int i) { save(states[static_cast<std::size_t>(i % 2)], file("m")); });
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
