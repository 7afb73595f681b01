#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/records.h>
#include <gradus/tests/io/file_testing.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <limits>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

class MetricsLoggerTest : public FolderTest {
 protected:
  std::string text(const std::string& name) const { return read_text(file(name)); }
};

TEST_F(MetricsLoggerTest, WritesJsonLines) {
  MetricsLogger log(file("run.jsonl"));
  log.write(0, {{"loss", 0.1}, {"words", std::int64_t{1} << 60}});
  log.write(7, {{"loss", 0.5F}});
  log.write(7, {{"valid \"f1\", \\ \xc3\xa9", 1}});
  log.write(8, {});
  EXPECT_EQ(text("run.jsonl"),
            "{\"step\": 0, \"loss\": 0.1, \"words\": 1152921504606846976}\n"
            "{\"step\": 7, \"loss\": 0.5}\n"
            "{\"step\": 7, \"valid \\\"f1\\\", \\\\ \xc3\xa9\": 1}\n"
            "{\"step\": 8}\n");
}

TEST_F(MetricsLoggerTest, WritesCsv) {
  MetricsLogger log(file("run.csv"));
  log.write(0, {{"loss", 0.1}, {"a, \"b\"", 2}});
  log.write(7, {{"a, \"b\"", -1e-300}});
  log.write(8, {{"loss", 1e22}});
  log.write(9, {});
  EXPECT_EQ(text("run.csv"),
            "step,loss,\"a, \"\"b\"\"\"\n"
            "0,0.1,2\n"
            "7,,-1e-300\n"
            "8,1e+22,\n"
            "9,,\n");
}

TEST_F(MetricsLoggerTest, AColumnThatComesLaterIsEmptyBefore) {
  MetricsLogger log(file("run.csv"));
  log.write(1, {{"loss", 3}});
  log.write(2, {{"loss", 2}});
  log.write(2, {{"f1", 0.5}, {"em", 0.25}});
  log.write(3, {{"loss", 1}});
  EXPECT_EQ(text("run.csv"), "step,loss,f1,em\n1,3,,\n2,2,,\n2,,0.5,0.25\n3,1,,\n");
  EXPECT_THAT(names(), ElementsAre("run.csv"));
}

TEST_F(MetricsLoggerTest, WritesNumbersThatAreNotFinite) {
  const std::vector<NamedValue> values{{"a", nan_value}, {"b", inf}, {"c", -inf}};
  MetricsLogger(file("run.jsonl")).write(1, values);
  MetricsLogger(file("run.csv")).write(1, values);
  EXPECT_EQ(text("run.jsonl"),
            "{\"step\": 1, \"a\": \"NaN\", \"b\": \"Infinity\", \"c\": \"-Infinity\"}\n");
  EXPECT_EQ(text("run.csv"), "step,a,b,c\n1,nan,inf,-inf\n");
}

TEST_F(MetricsLoggerTest, WritesPointsInEveryLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  bool comma = false;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"}) {
    comma = comma || std::setlocale(LC_ALL, name) != nullptr;
  }
  MetricsLogger(file("run.csv")).write(1234567, {{"x", 1234567.5}});
  std::setlocale(LC_ALL, before.c_str());
  EXPECT_EQ(text("run.csv"), "step,x\n1234567,1234567.5\n");
  if (!comma) GTEST_SKIP() << "there is no locale with another decimal point";
}

TEST_F(MetricsLoggerTest, StartsAnewUnlessItResumes) {
  for (const std::string name : {"run.csv", "run.jsonl"}) {
    MetricsLogger(file(name)).write(5, {{"old", 1}});
    MetricsLogger log(file(name));
    EXPECT_THAT(text(name), HasSubstr("old"));  // until there is something in its place
    EXPECT_THROW(log.write(-1, {}), ValueError);
    EXPECT_THAT(text(name), HasSubstr("old"));
    log.write(1, {{"loss", 2}});
    EXPECT_THAT(text(name), testing::Not(HasSubstr("old")));
  }
}

TEST_F(MetricsLoggerTest, AResumedRunRepeatsNoStep) {
  for (const std::string name : {"run.csv", "run.jsonl"}) {
    const auto run = [&](std::int64_t from, std::int64_t to, bool resume) {
      MetricsLogger log(file(name), {.resume = resume});
      for (std::int64_t step = from; step < to; ++step) {
        log.write(step, {{"loss", 100 - step}});
        if (step % 3 == 0) log.write(step, {{"f1", step}});
      }
    };
    run(0, 10, false);
    const std::string whole = text(name);
    run(0, 8, false);  // stopped there; the checkpoint is of step 5
    run(5, 10, true);
    EXPECT_EQ(text(name), whole);
    run(0, 10, true);  // from the beginning
    EXPECT_EQ(text(name), whole);
    run(10, 12, true);  // nothing to repeat
    EXPECT_TRUE(text(name).starts_with(whole));
    EXPECT_GT(text(name).size(), whole.size());
  }
}

TEST_F(MetricsLoggerTest, AResumedRunChangesNothingUntilItWrites) {
  MetricsLogger(file("run.csv")).write(5, {{"loss", 1}});
  const std::string before = text("run.csv");
  { const MetricsLogger log(file("run.csv"), {.resume = true}); }
  EXPECT_EQ(text("run.csv"), before);
}

TEST_F(MetricsLoggerTest, ResumesAFileThatIsNotThereOrEmpty) {
  write_text(file("empty.csv"), "");
  for (const std::string name : {"new.csv", "empty.csv"}) {
    MetricsLogger log(file(name), {.resume = true});
    log.write(3, {{"x", 1}});
    EXPECT_EQ(text(name), "step,x\n3,1\n");
  }
}

TEST_F(MetricsLoggerTest, DropsALineThatAKilledProgramLeftIncomplete) {
  write_text(file("run.jsonl"), "{\"step\": 1, \"x\": 2}\n{\"step\": 2, \"x");
  MetricsLogger(file("run.jsonl"), {.resume = true}).write(2, {{"x", 3}});
  EXPECT_EQ(text("run.jsonl"), "{\"step\": 1, \"x\": 2}\n{\"step\": 2, \"x\": 3}\n");
  write_text(file("run.csv"), "step,x\n1,2\n2");
  MetricsLogger(file("run.csv"), {.resume = true}).write(2, {{"x", 3}});
  EXPECT_EQ(text("run.csv"), "step,x\n1,2\n2,3\n");
  write_text(file("head.csv"), "step,");
  MetricsLogger(file("head.csv"), {.resume = true}).write(2, {{"x", 3}});
  EXPECT_EQ(text("head.csv"), "step,x\n2,3\n");
}

TEST_F(MetricsLoggerTest, ResumesNoFileThatItDidNotWrite) {
  const auto refused = [&](const std::string& name, const std::string& content) {
    write_text(file(name), content);
    const std::string message =
        message_of<FormatError>([&] { const MetricsLogger log(file(name), {.resume = true}); });
    EXPECT_EQ(text(name), content);
    return message;
  };
  EXPECT_EQ(
      refused("a.csv", "loss,step\n1,2\n"),
      "MetricsLogger: '" + file("a.csv").string() +
          "', line 1: 'loss,step' is not a header: only a file that a MetricsLogger wrote can "
          "be resumed");
  EXPECT_THAT(refused("a.csv", "step,x\n1,2\n1,2,3\n"),
              HasSubstr("line 3: '1,2,3' is not a record"));
  EXPECT_THAT(refused("a.csv", "step,x\nx,2\n"), HasSubstr("line 2: 'x,2' is not a record"));
  EXPECT_THAT(refused("a.csv", "step,x\n4,2\n3,2\n"), HasSubstr("line 3: step 3 comes after 4"));
  EXPECT_THAT(refused("a.csv", "step,x\r\n4,2\r\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused("a.csv", "\xef\xbb\xbfstep,x\n4,2\n"), HasSubstr("byte order mark"));
  EXPECT_THAT(refused("a.csv", "step,\"x\n4,2\n"), HasSubstr("line 1"));
  EXPECT_THAT(refused("a.jsonl", "[1, 2]\n"), HasSubstr("line 1: '[1, 2]' is not a record"));
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 1}\n{\"step\": -1}\n"), HasSubstr("line 2"));
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 1}\n\n"), HasSubstr("line 2"));
  EXPECT_THAT(refused("a.jsonl", "{\"step\": 1\n"), HasSubstr("line 1"));
}

TEST_F(MetricsLoggerTest, RefusesNamesAndStepsHavingWrittenNothing) {
  MetricsLogger log(file("run.csv"));
  log.write(5, {{"loss", 1}});
  const std::string before = text("run.csv");
  const auto refused = [&](std::int64_t step, const std::vector<NamedValue>& values) {
    const std::string message = message_of<ValueError>([&] { log.write(step, values); });
    EXPECT_EQ(text("run.csv"), before);
    return message;
  };
  EXPECT_EQ(refused(-1, {}), "MetricsLogger: step is -1");
  EXPECT_EQ(refused(4, {}),
            "MetricsLogger: step 4 after step 5: steps cannot go back: to repeat some, make a new "
            "logger with .resume = true");
  EXPECT_EQ(refused(6, {{"", 1}}), "MetricsLogger: a metric has an empty name");
  EXPECT_EQ(refused(6, {{"step", 1}}),
            "MetricsLogger: a metric cannot be called 'step', as its step is");
  EXPECT_EQ(refused(6, {{"a", 1}, {"b", 2}, {"a", 3}}), "MetricsLogger: a is there twice");
  EXPECT_EQ(refused(6, {{"a\n", 1}}),
            "MetricsLogger: the name 'a\\x0a' is not UTF-8 or has control characters");
  EXPECT_THAT(refused(6, {{"\xff", 1}}), HasSubstr("'\\xff' is not UTF-8"));
  log.write(5, {{"loss", 2}});
  EXPECT_EQ(text("run.csv"), before + "5,2\n");
}

TEST_F(MetricsLoggerTest, RefusesFilesThatItCannotWrite) {
  EXPECT_EQ(message_of<ValueError>([] { MetricsLogger("run.txt"); }),
            "MetricsLogger: the name 'run.txt' must end in .jsonl or .csv, which says what is "
            "written");
  EXPECT_EQ(message_of<Error>([&] { MetricsLogger{file("none/run.csv")}; }),
            "MetricsLogger: cannot open '" + file("none/run.csv").string() +
                "': No such file or directory");
  std::filesystem::create_directory(file("folder.csv"));
  EXPECT_THAT(message_of<Error>([&] { MetricsLogger{file("folder.csv")}; }),
              HasSubstr("Is a directory"));
  std::filesystem::create_symlink("/dev/null", file("null.csv"));
  EXPECT_THAT(message_of<Error>([&] { MetricsLogger{file("null.csv")}; }),
              HasSubstr("is not a regular file"));
  EXPECT_THROW(MetricsLogger(std::string("a\0b.csv", 7)), Error);
  EXPECT_THROW(MetricsLogger(std::string("a\0b.csv", 7), {.resume = true}), Error);
  ASSERT_EQ(mkfifo(file("pipe.csv").c_str(), 0600), 0);
  EXPECT_THAT(message_of<Error>([&] { MetricsLogger(file("pipe.csv"), {.resume = true}); }),
              HasSubstr("is not a regular file"));
}

// A limit on the size of files stands for a full disk: the system stops taking bytes.
template <class F>
std::string with_full_disk(rlim_t bytes, F f) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{bytes, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string message = message_of<Error>(f);
  setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  return message;
}

TEST_F(MetricsLoggerTest, AFullDiskIsAnErrorThatLeavesWholeRecords) {
  MetricsLogger lines(file("run.jsonl")), table(file("run.csv"));
  lines.write(1, {{"loss", 2}});
  table.write(1, {{"loss", 2}});
  const std::string old_lines = text("run.jsonl"), old_table = text("run.csv");
  EXPECT_EQ(with_full_disk(old_lines.size() + 5,
                           [&] {
                             lines.write(2, {{"loss", 1}});
                           }),
            "MetricsLogger: cannot write to '" + file("run.jsonl").string() + "': File too large");
  EXPECT_THAT(with_full_disk(old_table.size() + 5,
                             [&] {
                               table.write(2, {{"f1", 1}});
                             }),
              HasSubstr("File too large"));
  EXPECT_EQ(text("run.jsonl"), old_lines);
  EXPECT_EQ(text("run.csv"), old_table);
  lines.write(2, {{"loss", 1}});  // once there is room
  table.write(2, {{"f1", 1}});
  EXPECT_EQ(text("run.jsonl"), old_lines + "{\"step\": 2, \"loss\": 1}\n");
  EXPECT_EQ(text("run.csv"), "step,loss,f1\n1,2,\n2,,1\n");
}

TEST_F(MetricsLoggerTest, ThreadsMayWriteTogether) {
  {
    MetricsLogger log(file("run.csv"));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&log, i] {
        for (int k = 0; k < 50; ++k) log.write(1, {{"m" + std::to_string(i), k}});
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const std::string all = text("run.csv");
  EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1 + 4 * 50);
  EXPECT_EQ(std::count(all.begin(), all.end(), ','), 4 * (1 + 4 * 50));
}

}  // namespace
}  // namespace gradus
