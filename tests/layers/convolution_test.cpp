#include <gradus/framework/core/autograd.h>
#include <gradus/layers/convolution.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

TEST(Conv1d, IsTheOpWithItsWeightAndOptions) {
  const Tensor x = frozen(random_leaf({3, 7, 4})), lengths = tensor({7, 0, 3});
  const Conv1d layer(4, 6, 3,
                     {.stride = 2,
                      .padding = 1,
                      .dilation = 2,
                      .groups = 2,
                      .bias = true,
                      .dtype = DType::float64});
  const ConvolutionOptions options{
      .stride = 2, .padding = 1, .dilation = 2, .groups = 2, .lengths = lengths};
  EXPECT_EQ(values_of(layer(x, {.lengths = lengths})),
            values_of(conv1d(x, layer.weight, layer.bias, options)));
  EXPECT_EQ(values_of(layer.relu_max(x, {.lengths = lengths})),
            values_of(conv1d_relu_max(x, layer.weight, layer.bias, options)));
  EXPECT_EQ(values_of(layer.output_lengths(lengths)),
            values_of(conv1d_lengths(lengths, 3, options)));
  EXPECT_EQ(layer(x).shape(), (Shape{3, 3, 6}));
}

TEST(ConvTranspose1d, IsTheOpWithItsWeightAndOptions) {
  const Tensor x = frozen(random_leaf({3, 7, 4})), lengths = tensor({7, 0, 3});
  const ConvTranspose1d layer(4, 6, 3,
                              {.stride = 2,
                               .padding = 1,
                               .output_padding = 1,
                               .dilation = 2,
                               .groups = 2,
                               .dtype = DType::float64});
  const ConvolutionTransposeOptions options{.stride = 2,
                                            .padding = 1,
                                            .output_padding = 1,
                                            .dilation = 2,
                                            .groups = 2,
                                            .lengths = lengths};
  EXPECT_EQ(values_of(layer(x, {.lengths = lengths})),
            values_of(conv_transpose1d(x, layer.weight, layer.bias, options)));
  EXPECT_EQ(values_of(layer.output_lengths(lengths)),
            values_of(conv_transpose1d_lengths(lengths, 3, options)));
  EXPECT_EQ(layer(x).shape(), (Shape{3, 16, 6}));
}

TEST(Conv1d, HasTheParametersOfPyTorch) {
  const Conv1d layer(4, 6, 3, {.groups = 2}), bare(4, 6, 3, {.bias = false});
  ASSERT_EQ(layer.parameters().size(), 2U);
  EXPECT_EQ(layer.parameters()[0].path, "weight");
  EXPECT_EQ(layer.weight.shape(), (Shape{6, 2, 3}));
  EXPECT_EQ(layer.parameters()[1].path, "bias");
  EXPECT_EQ(layer.bias.shape(), (Shape{6}));
  EXPECT_EQ(bare.parameters().size(), 1U);
  EXPECT_FALSE(bare.bias.defined());
  const ConvTranspose1d transposed(4, 6, 3, {.groups = 2});
  EXPECT_EQ(transposed.weight.shape(), (Shape{4, 3, 3}));
  EXPECT_EQ(transposed.bias.shape(), (Shape{6}));
  for (const auto& [in, out, K] :
       {std::tuple(layer.in_channels(), layer.out_channels(), layer.kernel_size()),
        std::tuple(transposed.in_channels(), transposed.out_channels(),
                   transposed.kernel_size())}) {
    EXPECT_EQ(in, 4);
    EXPECT_EQ(out, 6);
    EXPECT_EQ(K, 3);
  }
}

// 1 / sqrt(n) is the greatest of them, and their standard deviation is that / sqrt(3).
void expect_uniform(const Tensor& x, double n) {
  double greatest = 0, squares = 0;
  for (const double v : values_of(x)) {
    greatest = std::max(greatest, std::abs(v));
    squares += v * v;
  }
  EXPECT_LE(greatest, 1 / std::sqrt(n));
  EXPECT_GT(greatest, 0.98 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(x.numel()) * n * 3), 1, 0.05);
}

TEST(Conv1d, StartsUniformWithinOneByTheRootOfItsInputs) {
  Generator generator(1);
  const Conv1d layer(40, 600, 5, {.groups = 4}, generator);
  expect_uniform(layer.weight, 10 * 5);
  expect_uniform(layer.bias, 10 * 5);
  const ConvTranspose1d transposed(600, 1200, 5, {.groups = 100}, generator);
  expect_uniform(transposed.weight, 12 * 5);
  expect_uniform(transposed.bias, 12 * 5);
}

TEST(Conv1d, Trains) {
  const Conv1d layer(2, 3, 2);
  layer(ones({1, 4, 2})).backward(ones({1, 3, 3}));
  EXPECT_EQ(gradient_of(layer.weight), std::vector<double>(12, 3));
  EXPECT_EQ(gradient_of(layer.bias), std::vector<double>(3, 3));
}

TEST(Conv1d, DescribesItself) {
  EXPECT_EQ(Conv1d(4, 6, 3).str(), "Conv1d(4, 6, kernel_size=3)");
  EXPECT_EQ(
      Conv1d(4, 6, 3, {.stride = 2, .padding = 1, .dilation = 3, .groups = 2, .bias = false}).str(),
      "Conv1d(4, 6, kernel_size=3, stride=2, padding=1, dilation=3, groups=2, bias=false)");
  EXPECT_EQ(Conv1d(4, 6, 3, {.padding = Padding::same}).str(),
            "Conv1d(4, 6, kernel_size=3, padding=same)");
  EXPECT_EQ(ConvTranspose1d(4, 6, 3, {.stride = 2, .output_padding = 1}).str(),
            "ConvTranspose1d(4, 6, kernel_size=3, stride=2, output_padding=1)");
}

TEST(Conv1d, SaysWhatDoesNotFit) {
  EXPECT_ERROR(Conv1d(0, 6, 3), ValueError,
               "Conv1d: in_channels is 0, out_channels is 6, groups is 1: each must be at least 1");
  EXPECT_ERROR(Conv1d(4, 6, 3, {.groups = 4}), ValueError,
               "Conv1d: groups is 4, it must divide in_channels, 4, and out_channels, 6");
  EXPECT_ERROR(Conv1d(4, 6, 0), ValueError, "Conv1d: kernel_size is 0, it must be at least 1");
  EXPECT_ERROR(Conv1d(4, 6, 3, {.stride = 2, .padding = Padding::same}), ValueError,
               "Conv1d: stride is 2, but padding `same` needs a stride of 1");
  EXPECT_ERROR(ConvTranspose1d(4, 6, 3, {.groups = 3}), ValueError,
               "ConvTranspose1d: groups is 3, it must divide in_channels, 4, and out_channels, 6");
  EXPECT_ERROR(ConvTranspose1d(4, 6, 3, {.output_padding = 1}), ValueError,
               "ConvTranspose1d: output_padding is 1, it must be less than the stride, 1, or the "
               "dilation, 1");
  const std::int64_t huge = std::int64_t{1} << 57;
  EXPECT_THROW(Conv1d(huge, huge, 3), ShapeError);
  EXPECT_THROW(Conv1d(1, 1, huge), Error);
  EXPECT_ERROR(Conv1d(4, 6, 3)(zeros({2, 5, 3})), ShapeError,
               "conv1d: x is [2, 5, 3], its last axis must be 4, as weight is [6, 4, 3] and groups "
               "is 1: transpose() x if its channels come before time");
}

}  // namespace
}  // namespace gradus
