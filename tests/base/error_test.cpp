#include <gradus/framework/base/error.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

template <class T>
class ErrorTest : public testing::Test {};
using Kinds =
    testing::Types<ShapeError, IndexError, DTypeError, AutogradError, FormatError, ValueError>;
TYPED_TEST_SUITE(ErrorTest, Kinds);

TYPED_TEST(ErrorTest, EachKindIsCaughtAsGradusErrorWithItsText) {
  try {
    throw TypeParam("matmul: inner dimensions differ: a is [2, 3], b is [4, 5]");
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "matmul: inner dimensions differ: a is [2, 3], b is [4, 5]");
    EXPECT_NE(dynamic_cast<const TypeParam*>(&error), nullptr);
  }
}

TYPED_TEST(ErrorTest, EachKindIsCaughtAsStandardException) {
  EXPECT_THROW(throw TypeParam("text"), std::runtime_error);
}

}  // namespace
}  // namespace gradus
