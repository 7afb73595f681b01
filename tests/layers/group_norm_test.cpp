#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/nn/channel_norm.h>
#include <gradus/layers/group_norm.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

TEST(GroupNorm, NormalizesEachGroupOverChannelsAndTime) {
  const GroupNorm norm(2, 4, {.eps = 0, .dtype = DType::float64});
  const Tensor x = random_leaf({3, 5, 4}), lengths = tensor({5, 0, 2});
  EXPECT_EQ(values_of(norm(x)), values_of(group_norm(x, 2, {}, {}, 0)));
  EXPECT_EQ(values_of(norm(x, {.lengths = lengths})),
            values_of(group_norm(x, 2, {}, {}, 0, {.lengths = lengths})));
  norm.eval();  // the same
  EXPECT_EQ(values_of(norm(x)), values_of(group_norm(x, 2, {}, {}, 0)));
}

TEST(GroupNorm, StartsUnderTheNamesOfPyTorch) {
  const GroupNorm norm(2, 4);
  EXPECT_EQ(norm.parameters().size(), 2u);
  EXPECT_EQ(norm.parameters()[0].path, "weight");
  EXPECT_EQ(norm.parameters()[1].path, "bias");
  EXPECT_TRUE(has_values(norm.weight, {4}, {1, 1, 1, 1}));
  EXPECT_TRUE(has_values(norm.bias, {4}, {0, 0, 0, 0}));
  EXPECT_EQ(GroupNorm(2, 4, {.affine = false}).num_parameters(), 0);
  EXPECT_EQ(norm.num_groups(), 2);
  EXPECT_EQ(norm.num_channels(), 4);
  EXPECT_EQ(norm.eps(), 1e-5);
}

TEST(GroupNorm, ItsGradientsAreRight) {
  const GroupNorm norm(2, 4, {.dtype = DType::float64});
  const Tensor x = random_leaf({2, 3, 4});
  const GradcheckResult result = gradcheck(
      [&] {
        return norm(x, {.lengths = tensor({3, 1})});
      },
      norm.parameters());
  EXPECT_TRUE(result) << result.message;
}

TEST(GroupNorm, SaysWhatItIsAndRefusesBrokenArguments) {
  EXPECT_EQ(GroupNorm(2, 4).str(), "GroupNorm(2, 4, eps=1e-05, affine=true)");
  for (const std::int64_t groups : {0, -2, 3}) {
    EXPECT_ERROR(GroupNorm(groups, 4), ValueError,
                 "GroupNorm: num_groups is " + std::to_string(groups) +
                     ", num_channels is 4: num_groups must be at least 1 and divide num_channels");
  }
  EXPECT_ERROR(GroupNorm(2, 4, {.eps = infinity}), ValueError,
               "GroupNorm: eps is inf: it must be a finite number >= 0");
  EXPECT_ERROR(GroupNorm(2, 4)(ones({2, 4, 3})), ShapeError,
               "group_norm: x is [2, 4, 3], it must be [batch, 4] or [batch, time, 4]: channels "
               "are the last axis: layer GroupNorm(2, 4, eps=1e-05, affine=true)");
}

}  // namespace
}  // namespace gradus
