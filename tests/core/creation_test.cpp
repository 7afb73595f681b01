// How tensors are written down: nested lists, vectors of bool, random ones of a dtype or generator.
#include <gradus/framework/core/creation.h>
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

TEST(NestedLists, HaveTheShapeOfTheirNesting) {
  EXPECT_TRUE(has_values(tensor({{1., 2.}, {3., 4.}}), {2, 2}, {1, 2, 3, 4}));
  EXPECT_TRUE(has_values(tensor({{1, 2, 3}}), {1, 3}, {1, 2, 3}));
  EXPECT_TRUE(has_values(tensor({{1}, {2}, {3}}), {3, 1}, {1, 2, 3}));
  EXPECT_TRUE(has_values(tensor({{{1, 2}, {3, 4}, {5, 6}}, {{7, 8}, {9, 10}, {11, 12}}}), {2, 3, 2},
                         {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));
  EXPECT_TRUE(has_values(tensor({{{{1.5}}, {{2.5}}}}), {1, 2, 1, 1}, {1.5, 2.5}));
  EXPECT_TRUE(has_values(tensor({{{1.0}}}), {1, 1, 1}, {1}));
}

TEST(NestedLists, KeepTheTypeOfTheirNumbers) {
  EXPECT_EQ(tensor({{1.0f}, {2.0f}}).dtype(), DType::float32);
  EXPECT_EQ(tensor({{1.0}, {2.0}}).dtype(), DType::float64);
  EXPECT_EQ(tensor({{1}, {2}}).dtype(), DType::int64);
  EXPECT_EQ(tensor({{true, false}}).dtype(), DType::boolean);
  EXPECT_TRUE(has_values(tensor({{true, false}, {false, false}}), {2, 2}, {1, 0, 0, 0}));
  const auto large = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(tensor({{large}, {-large}}).data<std::int64_t>()[1], -large);
}

TEST(NestedLists, MayBeVectorsOfVectors) {
  const std::vector<std::vector<float>> rows{{1, 2}, {3, 4}, {5, 6}};
  EXPECT_TRUE(has_values(tensor(rows), {3, 2}, {1, 2, 3, 4, 5, 6}));
  const std::vector<std::vector<std::vector<std::int32_t>>> deep{{{1}, {2}}, {{3}, {4}}};
  EXPECT_TRUE(has_values(tensor(deep), {2, 2, 1}, {1, 2, 3, 4}));
  EXPECT_EQ(tensor(deep).dtype(), DType::int64);
  const std::vector<std::vector<bool>> mask{{true, false}, {true, true}};
  EXPECT_TRUE(has_values(tensor(mask), {2, 2}, {1, 0, 1, 1}));
  EXPECT_TRUE(has_values(tensor(std::vector<std::vector<double>>{}), {0, 0}, {}));
  EXPECT_TRUE(has_values(tensor(std::vector<std::vector<double>>(2)), {2, 0}, {}));
}

TEST(NestedLists, RaggedOnesAreRefusedWithThePlace) {
  EXPECT_ERROR(tensor({{1., 2.}, {3.}}), ShapeError,
               "tensor: the list at [1] has 1 values or lists, but those before it have 2: all "
               "lists of one depth must have the same length");
  EXPECT_ERROR(tensor({{1., 2.}, {3., 4.}, {5., 6., 7.}}), ShapeError,
               "tensor: the list at [2] has 3 values or lists, but those before it have 2: all "
               "lists of one depth must have the same length");
  EXPECT_ERROR(tensor({{{1, 2}, {3, 4}}, {{5, 6}, {7}}}), ShapeError,
               "tensor: the list at [1, 1] has 1 values or lists, but those before it have 2: all "
               "lists of one depth must have the same length");
  EXPECT_ERROR(tensor({{{1, 2}, {3, 4}}, {{5, 6}}}), ShapeError,
               "tensor: the list at [1] has 1 values or lists, but those before it have 2: all "
               "lists of one depth must have the same length");
  EXPECT_ERROR(
      tensor({{{{1}}, {{2}}}, {{{3}}, {{4, 5}}}}), ShapeError,
      "tensor: the list at [1, 1, 0] has 2 values or lists, but those before it have 1: all "
      "lists of one depth must have the same length");
  EXPECT_ERROR(tensor({{}, {1.0}}), ShapeError,
               "tensor: the list at [1] has 1 values or lists, but those before it have 0: all "
               "lists of one depth must have the same length");
  EXPECT_ERROR(tensor(std::vector<std::vector<float>>{{}, {1}}), ShapeError,
               "tensor: the list at [1] has 1 values or lists, but those before it have 0: all "
               "lists of one depth must have the same length");
}

TEST(VectorOfBool, MakesABooleanTensor) {
  const std::vector<bool> mask{true, false, true, true, false, false};
  EXPECT_EQ(tensor(mask).dtype(), DType::boolean);
  EXPECT_TRUE(has_values(tensor(mask), {6}, {1, 0, 1, 1, 0, 0}));
  EXPECT_TRUE(has_values(tensor(mask, {2, 3}), {2, 3}, {1, 0, 1, 1, 0, 0}));
  EXPECT_TRUE(has_values(tensor(std::vector<bool>{}), {0}, {}));
  EXPECT_TRUE(
      has_values(tensor(std::vector<bool>(1000, true)), {1000}, std::vector<double>(1000, 1.0)));
  EXPECT_ERROR(tensor(mask, {2, 2}), ShapeError,
               "tensor: 6 values for the shape [2, 2], which has 4 elements");
}

}  // namespace
}  // namespace gradus
