// Errors about dtypes name the arguments as the caller knows them.
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/channel_norm.h>
#include <gradus/framework/ops/nn/convolution.h>
#include <gradus/framework/ops/nn/normalization.h>
#include <gradus/framework/ops/nn/recurrent.h>
#include <gradus/framework/ops/nn/weight_norm.h>
#include <gradus/tests/support/op_testing.h>

#include <string>

namespace gradus {
namespace {

// A float64 tensor where x is float32.
Tensor wide(const Shape& shape) { return ones(shape, DType::float64); }

std::string differ(const std::string& x, const std::string& name, const std::string& shape) {
  return ": dtypes differ: x is float32 " + x + ", " + name + " is float64 " + shape +
         ": convert one with to()";
}

TEST(DTypeErrors, NameTheArgumentsOfConvolutions) {
  const Tensor x = ones({1, 5, 2});
  EXPECT_ERROR(conv1d(x, wide({3, 2, 2})), DTypeError,
               "conv1d" + differ("[1, 5, 2]", "weight", "[3, 2, 2]"));
  EXPECT_ERROR(conv1d(x, ones({3, 2, 2}), wide({3})), DTypeError,
               "conv1d" + differ("[1, 5, 2]", "bias", "[3]"));
}

TEST(DTypeErrors, NameTheWeightsOfRecurrentLayers) {
  const Tensor x = ones({1, 2, 3}), ih = ones({2, 3}), hh = ones({2, 2});
  EXPECT_ERROR(rnn(x, {.weight_ih = wide({2, 3}), .weight_hh = hh}), DTypeError,
               "rnn" + differ("[1, 2, 3]", "weight_ih", "[2, 3]"));
  EXPECT_ERROR(
      rnn(x, {.weight_ih = ih, .weight_hh = hh, .bias_ih = ones({2}), .bias_hh = wide({2})}),
      DTypeError, "rnn" + differ("[1, 2, 3]", "bias_hh", "[2]"));
}

TEST(DTypeErrors, NameTheArgumentsOfNorms) {
  const Tensor x = ones({2, 3});
  EXPECT_ERROR(layer_norm(x, {3}, wide({3})), DTypeError,
               "layer_norm" + differ("[2, 3]", "weight", "[3]"));
  EXPECT_ERROR(layer_norm(x, {3}, ones({3}), wide({3})), DTypeError,
               "layer_norm" + differ("[2, 3]", "bias", "[3]"));
  EXPECT_ERROR(group_norm(x, 1, ones({3}), wide({3})), DTypeError,
               "group_norm" + differ("[2, 3]", "bias", "[3]"));
  EXPECT_ERROR(batch_norm(x, wide({3}), ones({3})), DTypeError,
               "batch_norm" + differ("[2, 3]", "running_mean", "[3]"));
}

TEST(DTypeErrors, NameTheArgumentsOfPreluAndWeightNorm) {
  EXPECT_ERROR(prelu(ones({2, 3}), wide({3})), DTypeError,
               "prelu" + differ("[2, 3]", "weight", "[3]"));
  EXPECT_ERROR(weight_norm(ones({2, 3}), wide({2, 1})), DTypeError,
               "weight_norm: dtypes differ: v is float32 [2, 3], g is float64 [2, 1]: convert one "
               "with to()");
}

}  // namespace
}  // namespace gradus
