#include <gradus/layers/prelu.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

TEST(PReLU, LearnsASlopeForAllOrForEachFeature) {
  const PReLU one, each(2, {.init = 0.5});
  EXPECT_EQ(one.parameters()[0].path, "weight");
  EXPECT_TRUE(has_values(one.weight, {1}, {0.25}));
  const Tensor x = tensor({{1.F, -2.F}, {-4.F, 3.F}});
  EXPECT_TRUE(has_values(one(x), {2, 2}, {1, -0.5, -1, 3}));
  EXPECT_TRUE(has_values(each(x), {2, 2}, {1, -1, -2, 3}));
  each(x).backward(tensor({{1.F, 10.F}, {100.F, 1000.F}}));
  EXPECT_EQ(gradient_of(each.weight), (std::vector<double>{-400, -20}));
}

TEST(PReLU, SaysWhatItIsAndRefusesBrokenArguments) {
  EXPECT_EQ(PReLU(3).str(), "PReLU(3)");
  EXPECT_ERROR(PReLU(0), ValueError, "PReLU: num_parameters is 0, it must be at least 1");
  EXPECT_THROW(PReLU(3)(ones({2, 2})), ShapeError);
}

}  // namespace
}  // namespace gradus
