// How tensors are written down: nested lists, vectors of bool, random ones of a dtype or generator.
#include <gradus/framework/creation.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdint>
#include <vector>

namespace gradus {
namespace {

TEST(RandomCreation, TakesADTypeOrAGeneratorAlone) {
  const auto state = [](std::uint64_t seed) { return Generator(seed); };
  for (const DType dtype : {DType::float32, DType::float64}) {
    Generator a = state(3), b = state(3);
    const Tensor normal = randn({4, 5}, dtype, a);
    EXPECT_EQ(normal.dtype(), dtype);
    EXPECT_TRUE(has_values(normal, {4, 5}, values_of(randn({4, 5}, 0.0, 1.0, dtype, b))));
    const Tensor uniform = rand({4, 5}, dtype, a);
    EXPECT_EQ(uniform.dtype(), dtype);
    EXPECT_TRUE(has_values(uniform, {4, 5}, values_of(rand({4, 5}, 0.0, 1.0, dtype, b))));
  }
  Generator a = state(4), b = state(4);
  EXPECT_TRUE(has_values(randn({6}, a), {6}, values_of(randn({6}, 0, 1, DType::float32, b))));
  EXPECT_TRUE(has_values(rand({6}, a), {6}, values_of(rand({6}, 0, 1, DType::float32, b))));
  EXPECT_EQ(a.offset(), b.offset());
  EXPECT_EQ(randn({2, 3}, a).dtype(), DType::float32);
}

TEST(RandomCreation, DrawsFromTheDefaultGeneratorIfNoneIsGiven) {
  manual_seed(5);
  const Tensor first = randn({3}, DType::float64), second = rand({3}, DType::float64);
  manual_seed(5);
  EXPECT_TRUE(has_values(randn({3}, 0, 1, DType::float64), {3}, values_of(first)));
  EXPECT_TRUE(has_values(rand({3}, 0, 1, DType::float64), {3}, values_of(second)));
}

TEST(RandomCreation, IntegersBelowAHighNeedNoLow) {
  Generator a(6), b(6);
  const Tensor drawn = randint(7, {50}, a);
  EXPECT_EQ(drawn.dtype(), DType::int64);
  EXPECT_TRUE(has_values(drawn, {50}, values_of(randint(0, 7, {50}, b))));
  manual_seed(6);
  EXPECT_TRUE(has_values(randint(7, {50}), {50}, values_of(drawn)));
}

TEST(RandomCreation, BrokenInputNamesWhatIsWrong) {
  EXPECT_ERROR(randn({2}, DType::int64), DTypeError,
               "randn: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_ERROR(rand({2}, DType::boolean), DTypeError,
               "rand: a tensor of dtype boolean where float32 or float64 is needed");
  EXPECT_ERROR(randint(0, {2}), ValueError, "randint: [0, 0) is empty");
}

}  // namespace
}  // namespace gradus
