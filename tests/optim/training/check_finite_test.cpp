#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/check_finite.h>
#include <gradus/optim/training/freeze.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gradus {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::Pointwise;

TEST(CheckFinite, NamesTheFirstThatIsNot) {
  const std::vector<NamedParameter> all = layers();
  const Tensor loss = tensor({1.0});
  const double infinity = std::numeric_limits<double>::infinity();
  check_finite(loss, all);
  EXPECT_EQ(message_of<ValueError>([&] { check_finite(tensor({std::nan("")}), all); }),
            "check_finite: the loss is nan");
  all[1].parameter.set_grad(tensor({1.0, infinity}));
  EXPECT_EQ(message_of<ValueError>([&] { check_finite(loss, all); }),
            "check_finite: the gradient of encoder.0.weight [2] is inf in element 1");
  all[0].parameter.set_grad(
      SparseGrad(tensor({0, 2}), tensor({1.0, 1.0, -infinity, 1.0}, {2, 2}), {3, 2}));
  EXPECT_EQ(message_of<ValueError>([&] { check_finite(loss, all); }),
            "check_finite: the gradient of embedding.weight [3, 2] is -inf in row 2");
  freeze(all, "*");
  check_finite(loss, all);
}

// Parts of 1, 4 and 2 items: the mean of all, not the mean of means.

}  // namespace
}  // namespace gradus
