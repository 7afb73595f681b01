// Where warnings go.
#include <gmock/gmock.h>
#include <gradus/framework/base/warning.h>
#include <gradus/tests/support/caught_warnings.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

TEST(Warning, IsALineOnStderrByDefault) {
  const WarningHandler before = set_warning_handler(nullptr);
  testing::internal::CaptureStderr();
  detail::warn("op: 50 % of {} are odd");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "gradus: warning: op: 50 % of {} are odd\n");
  EXPECT_FALSE(set_warning_handler(before));
}

TEST(Warning, GoesToTheHandlerThatWasSetLast) {
  std::vector<std::string> other;
  const CaughtWarnings caught;
  detail::warn("first");
  const WarningHandler before =
      set_warning_handler([&other](std::string_view message) { other.emplace_back(message); });
  detail::warn("second");
  set_warning_handler(before);
  detail::warn("third");
  EXPECT_THAT(caught.messages(), ElementsAre("first", "third"));
  EXPECT_THAT(other, ElementsAre("second"));
}

TEST(Warning, IsAnErrorIfTheHandlerThrows) {
  const CaughtWarnings caught;
  const WarningHandler before = set_warning_handler(
      [](std::string_view message) { throw std::runtime_error(std::string(message)); });
  EXPECT_THROW(detail::warn("no"), std::runtime_error);
  set_warning_handler(before);
  detail::warn("yes");
  EXPECT_THAT(caught.messages(), ElementsAre("yes"));
}

TEST(Warning, MaySetAnotherHandler) {
  const CaughtWarnings caught;
  WarningHandler before;
  before = set_warning_handler([&before](std::string_view message) {
    set_warning_handler(before);
    detail::warn(std::string(message) + " again");
  });
  detail::warn("once");
  detail::warn("twice");
  EXPECT_THAT(caught.messages(), ElementsAre("once again", "twice"));
}

// The vector has no lock of its own: a thread sanitizer would see two calls at a time.
TEST(Warning, OfManyThreadsComeOneAtATime) {
  const CaughtWarnings caught;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int n = 0; n < 100; ++n) detail::warn("warning");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(caught.messages().size(), 400U);
}

}  // namespace
}  // namespace gradus
