#include <gradus/layers/pooling.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

TEST(PoolingLayers, AreTheOpsWithTheirOptions) {
  const Tensor x = frozen(random_leaf({3, 7, 4})), lengths = tensor({7, 0, 3});
  const MaxPool1dOptions max_options{.stride = 2, .padding = 1, .dilation = 2, .ceil_mode = true};
  const AvgPool1dOptions avg_options{
      .stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false};
  MaxPool1dOptions max_with_lengths = max_options;
  AvgPool1dOptions avg_with_lengths = avg_options;
  max_with_lengths.lengths = avg_with_lengths.lengths = lengths;
  const MaxPool1d maxima(3, max_options);
  const AvgPool1d means(3, avg_options);
  EXPECT_EQ(values_of(maxima(x, {lengths})), values_of(max_pool1d(x, 3, max_with_lengths)));
  EXPECT_EQ(values_of(means(x, {lengths})), values_of(avg_pool1d(x, 3, avg_with_lengths)));
  EXPECT_EQ(values_of(maxima.output_lengths(lengths)),
            values_of(max_pool1d_lengths(lengths, 3, max_options)));
  EXPECT_EQ(values_of(means.output_lengths(lengths)),
            values_of(avg_pool1d_lengths(lengths, 3, avg_options)));
  EXPECT_EQ(values_of(AdaptiveMaxPool1d(3)(x, {lengths})),
            values_of(adaptive_max_pool1d(x, 3, {lengths})));
  EXPECT_EQ(values_of(AdaptiveAvgPool1d(3)(x, {lengths})),
            values_of(adaptive_avg_pool1d(x, 3, {lengths})));
}

TEST(PoolingLayers, DescribeThemselves) {
  EXPECT_EQ(MaxPool1d(3).str(), "MaxPool1d(kernel_size=3)");
  EXPECT_EQ(MaxPool1d(3, {.stride = 1, .padding = 1, .dilation = 2, .ceil_mode = true}).str(),
            "MaxPool1d(kernel_size=3, stride=1, padding=1, dilation=2, ceil_mode=true)");
  EXPECT_EQ(AvgPool1d(3, {.count_include_pad = false}).str(),
            "AvgPool1d(kernel_size=3, count_include_pad=false)");
  EXPECT_EQ(AdaptiveMaxPool1d(3).str(), "AdaptiveMaxPool1d(3)");
  EXPECT_EQ(AdaptiveAvgPool1d(3).str(), "AdaptiveAvgPool1d(3)");
}

TEST(PoolingLayers, SayWhatDoesNotFit) {
  EXPECT_ERROR(MaxPool1d(0), ValueError, "MaxPool1d: kernel_size is 0, it must be at least 1");
  EXPECT_ERROR(AvgPool1d(2, {.padding = 2}), ValueError,
               "AvgPool1d: padding is 2, it must be at most half of a window of 2 elements");
  EXPECT_ERROR(AdaptiveMaxPool1d(0), ValueError,
               "AdaptiveMaxPool1d: output_size is 0, it must be at least 1");
  EXPECT_ERROR(AdaptiveAvgPool1d(-1), ValueError,
               "AdaptiveAvgPool1d: output_size is -1, it must be at least 1");
  EXPECT_ERROR(MaxPool1d(2, {.lengths = tensor({1})}), ValueError,
               "MaxPool1d: lengths are those of a call: layer(x, {.lengths = lengths})");
}

}  // namespace
}  // namespace gradus
