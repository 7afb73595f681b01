#include <gradus/framework/base/error.h>
#include <gradus/optim/training/time_limit.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <limits>

namespace gradus {
namespace {

TEST(TimeLimit, ExpiresSoManySecondsAfterItWasMade) {
  double now = 100;
  const TimeLimit limit(5, [&now] { return now; });
  EXPECT_FALSE(limit.expired());
  EXPECT_EQ(limit.left(), 5);
  now = 104.5;
  EXPECT_FALSE(limit.expired());
  EXPECT_EQ(limit.elapsed(), 4.5);
  EXPECT_EQ(limit.left(), 0.5);
  now = 105;
  EXPECT_TRUE(limit.expired());
  now = 200;
  EXPECT_TRUE(limit.expired());
  EXPECT_EQ(limit.left(), 0);
}

TEST(TimeLimit, CountsBySteadySecondsUnlessTold) {
  EXPECT_FALSE(TimeLimit(1e6).expired());
  EXPECT_TRUE(TimeLimit(0).expired());
  EXPECT_FALSE(TimeLimit(std::numeric_limits<double>::infinity()).expired());
  const double before = steady_seconds();
  EXPECT_GE(steady_seconds(), before);
  EXPECT_GT(unix_seconds(), 1.7e9);  // November 2023
}

TEST(TimeLimit, RefusesWhatIsNoTime) {
  EXPECT_EQ(message_of<ValueError>([] { TimeLimit(-1); }),
            "TimeLimit: seconds is -1, it must not be negative");
  EXPECT_THROW(TimeLimit{std::numeric_limits<double>::quiet_NaN()}, ValueError);
  EXPECT_EQ(message_of<ValueError>([] { TimeLimit(1, nullptr); }),
            "TimeLimit: the clock is an empty function");
}

}  // namespace
}  // namespace gradus
