#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/tensorboard.h>
#include <gradus/tests/io/file_testing.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::HasSubstr;

constexpr double inf = std::numeric_limits<double>::infinity();

std::string hex(const std::string& bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    out += digits[value >> 4U];
    out += digits[value & 15U];
  }
  return out;
}

// What tensorboard's own messages and checksums give for the same events at 1700000000.5.
constexpr const char* version_event =
    "1800000000000000a37f4b220900002040fc54d9411a0d627261696e2e4576656e743a322b353110";
constexpr const char* start_event_300 =
    "100000000000000095fbfe180900002040fc54d94110ac023a020801b94512a3";
constexpr const char* scalar_event =
    "2100000000000000017becf60900002040fc54d94110ac022a130a110a0a6c6f73732f747261696e15cdcccc3d2734"
    "02e1";
constexpr const char* text_event =
    "34000000000000005e33175c0900002040fc54d94110ac022a260a240a046e6f746542120807120412020801420"
    "82a2a626f6c642a2a4a080a060a0474657874cd14bbb4";

class SummaryWriterTest : public FolderTest {
 protected:
  SummaryWriterOptions options(bool resume = false) const {
    return {.resume = resume, .clock = [] { return 1700000000.5; }};
  }
};

TEST_F(SummaryWriterTest, WritesTheBytesThatTensorBoardWrites) {
  SummaryWriter writer(file("runs/1"), options());
  EXPECT_EQ(hex(read_text(writer.path())), version_event);
  writer.add_scalar("loss/train", 0.1, 300);
  writer.add_text("note", "**bold**", 300);
  EXPECT_EQ(hex(read_text(writer.path())), std::string(version_event) + scalar_event + text_event);
}

TEST_F(SummaryWriterTest, AResumedRunVoidsOlderEventsFromItsFirstStepOn) {
  SummaryWriter writer(folder(), options(true));
  writer.add_scalar("loss/train", 0.1, 300);
  EXPECT_EQ(hex(read_text(writer.path())),
            std::string(version_event) + start_event_300 + scalar_event);
}

TEST_F(SummaryWriterTest, EachWriterHasAFileOfItsOwn) {
  const SummaryWriter first(folder(), options()), second(folder(), options(true));
  EXPECT_LT(first.path(), second.path());
  EXPECT_EQ(names().size(), 2U);
  EXPECT_TRUE(names()[0].starts_with("events.out.tfevents.1700000000."));
}

TEST_F(SummaryWriterTest, RefusesToMixTheEventsOfTwoRuns) {
  { const SummaryWriter first(folder(), options()); }
  EXPECT_EQ(message_of<Error>([&] { SummaryWriter(folder(), options()); }),
            "SummaryWriter: '" + folder().string() +
                "' has the events of another run: choose another folder, or go on with that run by "
                ".resume = true");
  EXPECT_EQ(names().size(), 1U);
}

// The float of the last scalar of a file: 4 bytes before the checksum.
float last_float(const std::string& path) {
  const std::string bytes = read_text(path);
  float value = 0;
  std::memcpy(&value, bytes.data() + bytes.size() - 8, sizeof(value));
  return value;
}

TEST_F(SummaryWriterTest, StoresFloatsOfEverySize) {
  SummaryWriter writer(folder(), options());
  const auto stored = [&](double value) {
    writer.add_scalar("x", value, 1);
    return last_float(writer.path());
  };
  EXPECT_EQ(stored(0.1), 0.1F);
  EXPECT_EQ(stored(inf), std::numeric_limits<float>::infinity());
  EXPECT_EQ(stored(-1e300), -std::numeric_limits<float>::infinity());
  EXPECT_EQ(stored(1e-300), 0);
  EXPECT_TRUE(std::isnan(stored(std::numeric_limits<double>::quiet_NaN())));
}

TEST_F(SummaryWriterTest, RefusesStepsTagsAndTextsHavingWrittenNothing) {
  SummaryWriter writer(folder(), options());
  EXPECT_EQ(message_of<ValueError>([&] { writer.add_scalar("x", 1, -1); }),
            "SummaryWriter: step is -1");
  EXPECT_EQ(message_of<ValueError>([&] { writer.add_scalar("", 1, 1); }),
            "SummaryWriter: the tag is empty");
  EXPECT_EQ(message_of<ValueError>([&] { writer.add_text("\xff", "x", 1); }),
            "SummaryWriter: the tag '\\xff' is not UTF-8");
  EXPECT_EQ(message_of<ValueError>([&] { writer.add_text("x", "a\xff", 1); }),
            "SummaryWriter: the text of 'x' is not UTF-8: 'a\\xff'");
  EXPECT_EQ(hex(read_text(writer.path())), version_event);
}

TEST_F(SummaryWriterTest, RefusesAFolderThatItCannotMake) {
  write_text(file("taken"), "");
  EXPECT_THAT(message_of<Error>([&] { SummaryWriter(file("taken/run"), options()); }),
              HasSubstr("SummaryWriter: cannot make the folder '" + file("taken/run").string() +
                        "': Not a directory"));
  EXPECT_THROW(SummaryWriter(file("taken"), options()), Error);
  EXPECT_THROW(SummaryWriter(std::string("a\0b", 3), options()), Error);
}

TEST_F(SummaryWriterTest, AFullDiskIsAnErrorThatLeavesWholeEvents) {
  SummaryWriter writer(folder(), options());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{50, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message = message_of<Error>([&] { writer.add_scalar("loss/train", 0.1, 300); });
  setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  EXPECT_EQ(message, "SummaryWriter: cannot write to '" + writer.path() + "': File too large");
  EXPECT_EQ(hex(read_text(writer.path())), version_event);
  writer.add_scalar("loss/train", 0.1, 300);  // once there is room
  EXPECT_EQ(hex(read_text(writer.path())), std::string(version_event) + scalar_event);
}

TEST_F(SummaryWriterTest, ThreadsMayWriteTogether) {
  SummaryWriter writer(folder(), options());
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&writer] {
      for (int k = 0; k < 50; ++k) writer.add_scalar("loss/train", 0.1, 300);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::string expected = version_event;
  for (int k = 0; k < 200; ++k) expected += scalar_event;
  EXPECT_EQ(hex(read_text(writer.path())), expected);
}

// What tensorboard_check.py reads back, in the folder that GRADUS_EVENTS names.
TEST(SummaryWriterRuns, AreReadBackByTensorBoard) {
  const char* folder = std::getenv("GRADUS_EVENTS");
  if (folder == nullptr) GTEST_SKIP() << "run by tests/metrics/tensorboard_check.py";
  const auto run = [folder](const char* name, std::int64_t from, std::int64_t to, bool resume,
                            double sign) {
    SummaryWriter writer(std::string(folder) + "/" + name, {.resume = resume});
    for (std::int64_t step = from; step < to; ++step) {
      writer.add_scalar("loss/train", sign / static_cast<double>(step + 1), step);
      if (step % 100 == 0) writer.add_scalar("f1", static_cast<double>(step), step);
    }
    writer.add_scalar("odd", std::numeric_limits<double>::quiet_NaN(), to);
    writer.add_scalar("odd", -inf, to + 1);
    writer.add_text("note", "**caf\xc3\xa9** " + std::string(1000, 'x'), to);
  };
  run("whole", 0, 1000, false, 1);
  run("resumed", 0, 800, false, -1);
  run("resumed", 500, 1000, true, 1);
}

TEST_F(SummaryWriterTest, RefusesAnEmptyClockHavingMadeNothing) {
  EXPECT_EQ(message_of<ValueError>([&] { SummaryWriter(file("runs"), {.clock = Clock()}); }),
            "SummaryWriter: the clock is an empty function");
  EXPECT_TRUE(names().empty());
}

}  // namespace
}  // namespace gradus
