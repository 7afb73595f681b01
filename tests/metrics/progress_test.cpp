#include <fcntl.h>
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/metrics/progress.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// What is written, and a clock that is set by hand.
class ProgressTest : public testing::Test {
 protected:
  ProgressTest() : out_(open_memstream(&bytes_, &size_)) {}
  ~ProgressTest() override {
    std::fclose(out_);
    std::free(bytes_);  // NOLINT(cppcoreguidelines-no-malloc): of open_memstream
  }

  ProgressOptions options(ProgressMode mode = ProgressMode::plain) {
    return {.name = "train", .mode = mode, .output = out_, .width = 80, .clock = [this] {
              return now;
            }};
  }
  std::string written() const {
    std::fflush(out_);
    return {bytes_, size_};
  }
  // The lines that were ended.
  std::vector<std::string> lines() const {
    std::vector<std::string> result(1);
    const std::string all = written();
    for (const char c : all) {
      if (c == '\n') {
        result.emplace_back();
      } else {
        result.back() += c;
      }
    }
    EXPECT_EQ(result.back(), "");
    result.pop_back();
    return result;
  }
  // How the line looks each time that it is drawn.
  std::vector<std::string> drawings() const {
    std::vector<std::string> result;
    const std::string all = written(), erase = "\x1b[K";
    for (std::size_t begin = all.find('\r'); begin != std::string::npos;
         begin = all.find('\r', begin + 1)) {
      result.push_back(all.substr(begin + 1, all.find(erase, begin) - begin - 1));
    }
    return result;
  }

  double now = 1000;
  std::FILE* out() const { return out_; }

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* out_;
};

TEST_F(ProgressTest, PlainLinesComeEverySoManySeconds) {
  Progress progress(1000, options());
  EXPECT_THAT(lines(), IsEmpty());
  for (int i = 0; i < 25; ++i) {
    now += 1;
    progress.update(20, {{"loss", 0.5 / (i + 1)}, {"epoch", 3}});
  }
  EXPECT_THAT(lines(), ElementsAre("train:  20% 200/1000, 20.0 it/s, 0:10, 0:40 left, loss 0.05, "
                                   "epoch 3",
                                   "train:  40% 400/1000, 20.0 it/s, 0:20, 0:30 left, loss 0.025, "
                                   "epoch 3"));
  progress.finish();
  EXPECT_EQ(lines().back(), "train:  50% 500/1000, 20.0 it/s, 0:25, loss 0.02, epoch 3");
  EXPECT_EQ(progress.count(), 500);
}

TEST_F(ProgressTest, PlainLinesComeEverySoManyPercent) {
  ProgressOptions by_percent = options();
  by_percent.every_percent = 25;
  by_percent.unit = "words";
  {
    Progress progress(12, by_percent);
    for (int i = 0; i < 12; ++i) {
      now += 2;
      progress.update();
    }
  }
  EXPECT_THAT(lines(), ElementsAre("train:  25% 3/12, 2 s/words, 0:06, 0:18 left",
                                   "train:  50% 6/12, 2 s/words, 0:12, 0:12 left",
                                   "train:  75% 9/12, 2 s/words, 0:18, 0:06 left",
                                   "train: 100% 12/12, 2 s/words, 0:24, 0:00 left"));
}

TEST_F(ProgressTest, ALineIsDrawnInPlaceAndStays) {
  {
    Progress progress(200, options(ProgressMode::line));
    now += 10;
    progress.update(90, {{"loss", 0.4321}});
  }
  EXPECT_EQ(written(),
            "\rtrain:   0% [>                 ] 0/200, ? it/s, 0:00, ? left\x1b[K"
            "\rtrain:  45% [===>    ] 90/200, 9.00 it/s, 0:10, 0:12 left, loss 0.4321\x1b[K"
            "\rtrain:  45% [========>         ] 90/200, 9.00 it/s, 0:10, loss 0.4321\x1b[K\n");
}

TEST_F(ProgressTest, ALineIsDrawnTenTimesASecondAtMost) {
  Progress progress(1000, options(ProgressMode::line));
  for (int i = 0; i < 100; ++i) {
    now += 1.0 / 64;
    progress.update();
  }
  EXPECT_EQ(drawings().size(), 1U + 100 / 7);  // 7 / 64 is the first multiple above 0.1
}

TEST_F(ProgressTest, ALineFitsTheWidth) {
  for (const int width : {1, 10, 30, 40, 50, 60, 200}) {
    ProgressOptions narrow = options(ProgressMode::line);
    narrow.width = width;
    Progress progress(100, narrow);
    now += 1;
    progress.update(
        50, {{"loss", 0.25}, {"\xce\xb1\xcf\x81\xce\xb9\xce\xb8\xce\xbc\xcf\x8c\xcf\x82", 1}});
    std::size_t characters = 0;
    const std::string line = drawings().back();
    for (const char c : line) {
      if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) ++characters;
    }
    EXPECT_LT(characters, static_cast<std::size_t>(width)) << line;
  }
  EXPECT_THAT(drawings().back(), HasSubstr("\xcf\x82 1"));  // the last width has room for all
}

TEST_F(ProgressTest, AWideCharacterTakesTwoColumns) {
  ProgressOptions wide = options(ProgressMode::line);
  wide.name = "\xe6\xb5\xb7\xe6\xb5\xb7\xe6\xb5\xb7";  // three characters
  wide.width = 6;
  Progress progress(10, wide);
  EXPECT_EQ(drawings().back(), "\xe6\xb5\xb7\xe6\xb5\xb7");
}

TEST_F(ProgressTest, WithoutATotalItCounts) {
  Progress progress(std::nullopt, options());
  now += 20;
  progress.update(3'000'000);
  EXPECT_THAT(lines(), ElementsAre("train: 3.00M, 150k it/s, 0:20"));
}

TEST_F(ProgressTest, GoesOnFromWhereARunWasStopped) {
  ProgressOptions resumed = options();
  resumed.start = 600;
  Progress progress(1000, resumed);
  now += 10;
  progress.update(100);  // ten a second, not seventy
  EXPECT_THAT(lines(), ElementsAre("train:  70% 700/1000, 10.0 it/s, 0:10, 0:30 left"));
}

TEST_F(ProgressTest, ShowsRatesAndTimesOfEverySize) {
  const auto shown = [&](std::int64_t count, double seconds) {
    {
      Progress progress(std::nullopt, options());
      now += seconds;
      progress.update(count);
    }
    return lines().back().substr(7);
  };
  EXPECT_EQ(shown(9994, 10), "9994, 999 it/s, 0:10");
  EXPECT_EQ(shown(9996, 10), "9996, 1.00k it/s, 0:10");
  EXPECT_EQ(shown(99999, 3599), "99999, 27.8 it/s, 59:59");
  EXPECT_EQ(shown(1, 3600), "1, 3.6e+03 s/it, 1:00:00");
  EXPECT_EQ(shown(123456, 90061), "123k, 1.37 it/s, 1d 01:01:01");
  EXPECT_EQ(shown(5'000'000'000'000'000, 10), "5e+03T, 500T it/s, 0:10");
  EXPECT_EQ(shown(7, 0), "7, ? it/s, 0:00");
}

TEST_F(ProgressTest, ShowsNumbersThatAreNotFiniteAndMoreThanThereShouldBe) {
  {
    Progress progress(10, options());
    now += 20;
    progress.update(20, {{"loss", std::numeric_limits<double>::quiet_NaN()},
                         {"norm", std::numeric_limits<float>::infinity()}});
  }
  { Progress nothing(0, options()); }
  EXPECT_THAT(lines(),
              ElementsAre("train: 100% 20/10, 1.00 it/s, 0:20, 0:00 left, loss nan, norm inf",
                          "train: 100% 0/0, ? it/s, 0:00"));
}

TEST_F(ProgressTest, MetricsStayUntilOthersCome) {
  Progress progress(std::nullopt, options());
  progress.update(1, {{"loss", 1}});
  now += 10;
  progress.update();
  now += 10;
  progress.update(1, {{"accuracy", 0.5F}});
  EXPECT_THAT(lines(), ElementsAre(HasSubstr(", loss 1"), HasSubstr(", accuracy 0.5")));
  EXPECT_THAT(lines().back(), Not(HasSubstr("loss")));
}

TEST_F(ProgressTest, TextIsPrintedAboveTheLine) {
  Progress line(10, options(ProgressMode::line));
  line.print("epoch 1: 0.9");
  EXPECT_THAT(written(), HasSubstr("left\x1b[K\r\x1b[Kepoch 1: 0.9\n\rtrain:   0% ["));
  line.finish();
  line.print("done");
  Progress plain(10, options());
  plain.print("epoch 2: 0.8");
  EXPECT_THAT(written(), testing::EndsWith("\x1b[K\ndone\nepoch 2: 0.8\n"));
}

TEST_F(ProgressTest, AWarningDoesNotTearTheLine) {
  const WarningHandler before = set_warning_handler(nullptr);
  testing::internal::CaptureStderr();
  {
    Progress progress(10, options(ProgressMode::line));
    detail::warn("first: look out");
    progress.finish();
    detail::warn("second: look out");
  }
  detail::warn("third: look out");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "gradus: warning: first: look out\ngradus: warning: second: look out\n"
            "gradus: warning: third: look out\n");
  set_warning_handler(before);
  EXPECT_THAT(drawings(), ElementsAre(HasSubstr("0/10"), "", HasSubstr("0/10"), HasSubstr("0/10")));
}

TEST_F(ProgressTest, AnExceptionEndsTheLineWhereItStood) {
  try {
    Progress progress(10, options(ProgressMode::line));
    progress.update(4);
    throw std::runtime_error("a bad batch");
  } catch (const std::runtime_error&) {
  }
  EXPECT_THAT(written(), testing::EndsWith("] 4/10, ? it/s, 0:00\x1b[K\n"));
}

TEST_F(ProgressTest, IsFinishedOnce) {
  Progress progress(10, options(ProgressMode::line));
  progress.finish();
  const std::string once = written();
  progress.finish();
  now += 10;
  progress.update(5);
  EXPECT_EQ(written(), once);
  EXPECT_EQ(progress.count(), 5);
}

TEST_F(ProgressTest, IsHiddenIfAskedWhereNothingIsATerminal) {
  for (const ProgressMode mode : {ProgressMode::terminal, ProgressMode::hidden}) {
    Progress progress(10, options(mode));
    now += 100;
    progress.update(5);
  }
  EXPECT_EQ(written(), "");
}

TEST_F(ProgressTest, APipeGetsPlainLines) {
  { const Progress progress(10, options(ProgressMode::automatic)); }
  EXPECT_THAT(lines(), ElementsAre("train:   0% 0/10, ? it/s, 0:00"));
}

TEST_F(ProgressTest, NamesCannotBreakTheLine) {
  ProgressOptions broken = options();
  broken.name = "a\nb";
  {
    Progress progress(std::nullopt, broken);
    progress.update(1, {{"x\r", 1}});
  }
  EXPECT_THAT(lines(), ElementsAre("a\\x0ab: 1, ? it/s, 0:00, x\\x0d 1"));
}

TEST_F(ProgressTest, RefusesWhatMakesNoSense) {
  const auto refused = [&](std::optional<std::int64_t> total, auto change) {
    ProgressOptions wrong = options();
    change(wrong);
    return message_of<ValueError>([&] { const Progress progress(total, wrong); });
  };
  EXPECT_EQ(refused(-1, [](ProgressOptions&) {}),
            "Progress: total is -1, it must not be negative: nullopt says it is not known");
  EXPECT_EQ(refused(1, [](ProgressOptions& o) { o.start = -2; }),
            "Progress: start is -2, it must not be negative");
  EXPECT_EQ(refused(1, [](ProgressOptions& o) { o.every_seconds = -1; }),
            "Progress: every_seconds is -1, it must not be negative");
  EXPECT_EQ(refused(1, [](ProgressOptions& o) { o.every_percent = 101; }),
            "Progress: every_percent is 101, it must be in [0, 100]");
  EXPECT_EQ(refused(std::nullopt, [](ProgressOptions& o) { o.every_percent = 1; }),
            "Progress: every_percent needs a total: set every_seconds instead");
  EXPECT_EQ(refused(1, [](ProgressOptions& o) { o.width = -1; }),
            "Progress: width is -1, it must not be negative");
  EXPECT_EQ(refused(1, [](ProgressOptions& o) { o.output = nullptr; }),
            "Progress: output is a null pointer");
  EXPECT_EQ(refused(1, [](ProgressOptions& o) { o.clock = nullptr; }),
            "Progress: the clock is an empty function");
  Progress progress(5, options());
  EXPECT_EQ(message_of<ValueError>([&] { progress.update(-1); }),
            "Progress: update(-1): the count cannot go back");
}

TEST_F(ProgressTest, ThreadsMayCountTogether) {
  Progress progress(4000, options(ProgressMode::line));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&progress] {
      for (int k = 0; k < 1000; ++k) progress.update(1, {{"loss", k}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(progress.count(), 4000);
}

TEST_F(ProgressTest, AFullOutputDoesNotEndTheRun) {
  std::FILE* full = std::fopen("/dev/full", "w");
  if (full == nullptr) GTEST_SKIP() << "there is no /dev/full";
  ProgressOptions broken = options();
  broken.output = full;
  {
    Progress progress(10, broken);
    now += 100;
    EXPECT_NO_THROW(progress.update(5));
  }
  std::fclose(full);
}

// A terminal of so many columns: what is written to `slave` can be read from `master`.
class TerminalTest : public ProgressTest {
 protected:
  TerminalTest() {
    before_ = std::getenv("TERM") == nullptr ? "" : std::getenv("TERM");
    setenv("TERM", "xterm", 1);
    master_ = posix_openpt(O_RDWR | O_NOCTTY);
    if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) return;
    const char* name = ptsname(master_);
    if (name != nullptr) slave_ = std::fopen(name, "r+e");
  }
  ~TerminalTest() override {
    if (slave_ != nullptr) std::fclose(slave_);
    if (master_ >= 0) close(master_);
    setenv("TERM", before_.c_str(), 1);
  }

  std::FILE* slave() const { return slave_; }
  void set_columns(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    ASSERT_EQ(ioctl(fileno(slave_), TIOCSWINSZ, &size), 0);
  }
  std::string shown() const {
    std::string all;
    pollfd waiting{master_, POLLIN, 0};
    while (poll(&waiting, 1, 0) == 1 && (waiting.revents & POLLIN) != 0) {
      char block[4096];
      const ssize_t count = read(master_, block, sizeof(block));
      if (count <= 0) break;
      all.append(block, static_cast<std::size_t>(count));
    }
    return all;
  }

 private:
  std::string before_;
  int master_ = -1;
  std::FILE* slave_ = nullptr;
};

TEST_F(TerminalTest, GetsOneLineOfItsWidthEvenIfThatChanges) {
  if (slave() == nullptr) GTEST_SKIP() << "there are no pseudo-terminals";
  set_columns(30);
  ProgressOptions own = options(ProgressMode::automatic);
  own.output = slave();
  own.width = 0;
  {
    Progress progress(10, own);
    EXPECT_EQ(shown(), "\rtrain:   0% 0/10, ? left\x1b[K");
    set_columns(60);
    now += 1;
    progress.update(5);
    EXPECT_EQ(shown(), "\rtrain:  50% [====>   ] 5/10, 5.00 it/s, 0:01, 0:01 left\x1b[K");
  }
  EXPECT_THAT(shown(), testing::EndsWith("\x1b[K\r\n"));
  setenv("TERM", "dumb", 1);
  { const Progress progress(10, own); }
  EXPECT_EQ(shown(), "train:   0% 0/10, ? it/s, 0:00\r\n");
  own.mode = ProgressMode::terminal;
  { const Progress progress(10, own); }
  EXPECT_EQ(shown(), "");
}

TEST_F(ProgressTest, ANarrowLineKeepsItsMetrics) {
  const auto line_of = [&](int width) {
    ProgressOptions narrow = options(ProgressMode::line);
    narrow.width = width;
    {
      Progress progress(1000, narrow);
      now += 10;
      progress.update(450, {{"loss", 0.4321}});
    }
    return drawings().at(drawings().size() - 2);
  };
  EXPECT_THAT(line_of(66), HasSubstr("450/1000, 45.0 it/s, 0:10, 0:12 left, loss 0.4321"));
  EXPECT_THAT(line_of(60), HasSubstr("450/1000, 45.0 it/s, 0:12 left, loss 0.4321"));
  EXPECT_THAT(line_of(50), HasSubstr("train:  45% 450/1000, 0:12 left, loss 0.4321"));
  EXPECT_THAT(line_of(37), HasSubstr("train:  45% 450/1000, loss 0.4321"));
}

TEST_F(ProgressTest, ACountNeverOverflows) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  Progress progress(5, options(ProgressMode::plain));
  progress.update(most);
  progress.update(most);
  EXPECT_EQ(progress.count(), most);
  progress.finish();
  EXPECT_THAT(written(), HasSubstr("100% "));
}

}  // namespace
}  // namespace gradus
