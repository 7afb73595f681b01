#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/pooling.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <algorithm>

namespace gradus {
namespace {

using Lengths = std::vector<std::int64_t>;
using Run = std::function<Tensor(const Tensor& x, const Tensor& lengths)>;

/// One way to pool: the op, and the elements of a sequence that each result is made of, with what
/// a mean divides by; no result for a sequence of no elements.
struct Window {
  Lengths elements;
  std::int64_t divisor;
};
struct Pool {
  std::string name;
  Run run;
  bool is_max;
  std::function<std::vector<Window>(std::int64_t length)> windows;
};

/// The windows of PyTorch's ceil_mode = false and true.
std::vector<Window> strided(std::int64_t length, std::int64_t size, std::int64_t stride,
                            std::int64_t padding, std::int64_t dilation, bool ceil, bool counted) {
  std::vector<Window> windows;
  for (std::int64_t start = -padding; length > 0; start += stride) {
    const std::int64_t last = start + (size - 1) * dilation;
    // Without ceil a window ends in the padding; with it the next one may start where it ended.
    const bool fits = last < length + padding;
    if (!fits && (!ceil || last - stride + 1 >= length + padding || start >= length)) break;
    Window window{{}, 0};
    for (std::int64_t t = start; t <= last; t += dilation) {
      if (t >= 0 && t < length) window.elements.push_back(t);
    }
    window.divisor = counted ? std::min(start + size, length + padding) - start
                             : static_cast<std::int64_t>(window.elements.size());
    windows.push_back(window);
  }
  return windows;
}

std::vector<Window> parts(std::int64_t length, std::int64_t count) {
  std::vector<Window> windows;
  for (std::int64_t i = 0; length > 0 && i < count; ++i) {
    Window window{{}, 0};
    for (std::int64_t t = 0; t < length; ++t) {
      if ((t + 1) * count > i * length && t * count < (i + 1) * length) {
        window.elements.push_back(t);
      }
    }
    window.divisor = static_cast<std::int64_t>(window.elements.size());
    windows.push_back(window);
  }
  return windows;
}

Pool max_pool(std::int64_t size, MaxPool1dOptions options) {
  return {"max_pool1d",
          [=](const Tensor& x, const Tensor& lengths) mutable {
            options.lengths = lengths;
            return max_pool1d(x, size, options);
          },
          true,
          [=](std::int64_t length) {
            return strided(length, size, options.stride.value_or(size), options.padding,
                           options.dilation, options.ceil_mode, false);
          }};
}

Pool avg_pool(std::int64_t size, AvgPool1dOptions options) {
  return {"avg_pool1d",
          [=](const Tensor& x, const Tensor& lengths) mutable {
            options.lengths = lengths;
            return avg_pool1d(x, size, options);
          },
          false,
          [=](std::int64_t length) {
            return strided(length, size, options.stride.value_or(size), options.padding, 1,
                           options.ceil_mode, options.count_include_pad);
          }};
}

Pool adaptive(bool is_max, std::int64_t count) {
  return {is_max ? "adaptive_max_pool1d" : "adaptive_avg_pool1d",
          [=](const Tensor& x, const Tensor& lengths) {
            return is_max ? adaptive_max_pool1d(x, count, {lengths})
                          : adaptive_avg_pool1d(x, count, {lengths});
          },
          is_max, [=](std::int64_t length) { return parts(length, count); }};
}

Pool over_time(bool is_max) {
  return {is_max ? "max_over_time" : "mean_over_time",
          [=](const Tensor& x, const Tensor& lengths) {
            return is_max ? max_over_time(x, {lengths}) : mean_over_time(x, {lengths});
          },
          is_max, [](std::int64_t length) { return parts(length, 1); }};
}

/// Window by window: the definition. [B, T', C], where T' is that of whole sequences.
Tensor composed(const Pool& pool, const Tensor& x, const Lengths& lengths) {
  std::vector<Tensor> sequences;
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    std::vector<Tensor> rows;
    const Tensor sequence = select(x, 0, b);
    const std::int64_t length = lengths.empty() ? x.size(1) : lengths[static_cast<std::size_t>(b)];
    for (const Window& window : pool.windows(length)) {
      const Tensor elements = index_select(sequence, 0, tensor(window.elements));
      rows.push_back(pool.is_max ? max(elements, 0).values
                                 : sum(elements, 0) / static_cast<double>(window.divisor));
    }
    rows.resize(pool.windows(x.size(1)).size(), zeros({x.size(2)}, x.dtype()));
    sequences.push_back(stack(rows, 0));
  }
  return stack(sequences, 0);
}

void expect_composed(const Pool& pool, const Shape& shape, const Lengths& lengths = {}) {
  SCOPED_TRACE(pool.name);
  const Tensor x = random_leaf(shape);
  const Tensor y = pool.run(x, lengths.empty() ? Tensor() : tensor(lengths));
  const Tensor z = reshape(composed(pool, x, lengths), y.shape());
  EXPECT_TRUE(is_close(y, z.shape(), values_of(z), 1e-14));
  std::vector<std::vector<double>> gradients;
  for (const Tensor& result : {y, z}) {
    result.backward(frozen(random_leaf(y.shape(), 2)));
    gradients.push_back(gradient_of(x));
    x.clear_grad();
  }
  EXPECT_TRUE(is_close(tensor(gradients[0]), {x.numel()}, gradients[1], 1e-14));
}

std::vector<Pool> all_pools() {
  return {max_pool(2, {}),
          max_pool(3, {.stride = 1, .padding = 1}),
          max_pool(3, {.stride = 2, .padding = 1, .ceil_mode = true}),
          max_pool(2, {.stride = 3, .dilation = 2}),
          max_pool(3, {.stride = 1, .padding = 2, .dilation = 2, .ceil_mode = true}),
          max_pool(2, {.stride = 4, .ceil_mode = true}),
          max_pool(1, {}),
          avg_pool(2, {}),
          avg_pool(3, {.stride = 1, .padding = 1}),
          avg_pool(3, {.stride = 2, .padding = 1, .ceil_mode = true}),
          avg_pool(3, {.stride = 2, .padding = 1, .count_include_pad = false}),
          avg_pool(4, {.stride = 3, .padding = 2, .ceil_mode = true, .count_include_pad = false}),
          adaptive(true, 3),
          adaptive(true, 9),
          adaptive(false, 3),
          adaptive(false, 9),
          over_time(true),
          over_time(false)};
}

Inputs leaf_of_sequences() { return {random_leaf({3, 7, 2})}; }
OpCase case_of(const OpCase& described, const Pool& pool, const Lengths& lengths) {
  OpCase result = described;
  result.inputs = leaf_of_sequences;
  result.apply = [pool, lengths](const Inputs& in) {
    return pool.run(in[0], lengths.empty() ? Tensor() : tensor(lengths));
  };
  return result;
}

const Lengths ragged{4, 0, 7};
const OpCases cases{
    case_of(OpCase{"max_pool1d", "overlapping", {}, {}}, max_pool(3, {.stride = 1}), {}),
    case_of(OpCase{"max_pool1d", "lengths", {}, {}}, max_pool(3, {.stride = 2, .padding = 1}),
            ragged),
    case_of(OpCase{"avg_pool1d", "overlapping", {}, {}}, avg_pool(3, {.stride = 1}), {}),
    case_of(OpCase{"avg_pool1d", "lengths", {}, {}}, avg_pool(3, {.stride = 2, .padding = 1}),
            ragged),
    case_of(OpCase{"adaptive_max_pool1d", "all of x", {}, {}}, adaptive(true, 3), {}),
    case_of(OpCase{"adaptive_max_pool1d", "lengths", {}, {}}, adaptive(true, 5), ragged),
    case_of(OpCase{"adaptive_avg_pool1d", "all of x", {}, {}}, adaptive(false, 3), {}),
    case_of(OpCase{"adaptive_avg_pool1d", "lengths", {}, {}}, adaptive(false, 5), ragged),
    case_of(OpCase{"max_over_time", "all of x", {}, {}}, over_time(true), {}),
    case_of(OpCase{"max_over_time", "lengths", {}, {}}, over_time(true), ragged),
    case_of(OpCase{"mean_over_time", "all of x", {}, {}}, over_time(false), {}),
    case_of(OpCase{"mean_over_time", "lengths", {}, {}}, over_time(false), ragged),
};

const Tensor x5 = tensor({1.0, 5.0, 2.0, 4.0, 3.0}, {1, 5, 1});

TEST(OpMaxPool1d, KnownValues) {
  EXPECT_TRUE(has_values(max_pool1d(x5, 2), {1, 2, 1}, {5, 4}));
  EXPECT_TRUE(has_values(max_pool1d(x5, 2, {.ceil_mode = true}), {1, 3, 1}, {5, 4, 3}));
  EXPECT_TRUE(
      has_values(max_pool1d(x5, 3, {.stride = 1, .padding = 1}), {1, 5, 1}, {5, 5, 5, 4, 4}));
  EXPECT_TRUE(has_values(max_pool1d(x5, 2, {.stride = 1, .dilation = 3}), {1, 2, 1}, {4, 5}));
  // A third window would start behind x.
  EXPECT_TRUE(has_values(max_pool1d(x5, 2, {.stride = 4, .ceil_mode = true}), {1, 2, 1}, {5, 3}));
  EXPECT_TRUE(has_values(max_pool1d(slice(x5, 1, 0, 4), 2, {.stride = 4, .ceil_mode = true}),
                         {1, 1, 1}, {5}));
  EXPECT_TRUE(has_values(max_pool1d(x5, 2, {.lengths = tensor({3})}), {1, 2, 1}, {5, 0}));
}
TEST(OpMaxPool1d, KnownValuesOfTheComposedForm) {
  for (const Pool& pool : all_pools()) {
    expect_composed(pool, {2, 7, 3});
    expect_composed(pool, {4, 7, 3}, {7, 0, 4, 5});
    expect_composed(pool, {1, 5, 1});
    expect_composed(pool, {2, 64, 40}, {64, 33});
  }
  for (const Pool& pool : {max_pool(1, {}), max_pool(3, {.padding = 1}), adaptive(true, 4),
                           adaptive(false, 4), over_time(true), over_time(false)}) {
    expect_composed(pool, {3, 1, 2}, {1, 0, 1});
  }
}
TEST(OpMaxPool1d, KnownValuesOfAWindowThatHasPaddingOnlyIsInfinite) {
  const Tensor x = leaf({3}, {1, 1, 1});
  const Tensor y = max_pool1d(x, 2, {.stride = 1, .padding = 1, .dilation = 2});
  EXPECT_TRUE(has_values(y, {1, 1, 1}, {-infinity}));
  y.backward(tensor({5.0}, {1, 1, 1}));
  EXPECT_EQ(gradient_of(x), std::vector<double>{0});
}
TEST(OpMaxPool1d, KnownValuesKeepNanAndInfinity) {
  const Tensor x = leaf({1, not_a_number, not_a_number, 4, -infinity, -infinity}, {1, 6, 1});
  const Tensor y = max_pool1d(x, 2);
  EXPECT_TRUE(has_values(y, {1, 3, 1}, {not_a_number, not_a_number, -infinity}));
  y.backward(tensor({5.0, 6.0, 7.0}, {1, 3, 1}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 5, 6, 0, 7, 0}));
}
TEST(OpMaxOverTime, KnownValues) {
  const Tensor x = tensor({1.0, -5.0, 2.0, -4.0, 3.0, -3.0}, {1, 3, 2});
  EXPECT_TRUE(has_values(max_over_time(x), {1, 2}, {3, -3}));
  EXPECT_TRUE(has_values(max_over_time(x, {tensor({2})}), {1, 2}, {2, -4}));
  EXPECT_TRUE(has_values(max_over_time(x, {tensor({0})}), {1, 2}, {0, 0}));
}
TEST(OpMaxOverTime, GradientGoesToTheFirstMaximum) {
  const Tensor x = leaf({1, 3, 3, 2}, {1, 4, 1});
  max_over_time(x).backward(tensor({5.0}, {1, 1}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 5, 0, 0}));
}
TEST(OpMeanOverTime, KnownValues) {
  const Tensor x = tensor({1.0, -5.0, 2.0, -4.0, 3.0, -3.0}, {1, 3, 2});
  EXPECT_TRUE(has_values(mean_over_time(x), {1, 2}, {2, -4}));
  EXPECT_TRUE(has_values(mean_over_time(x, {tensor({2})}), {1, 2}, {1.5, -4.5}));
  EXPECT_TRUE(has_values(mean_over_time(x, {tensor({0})}), {1, 2}, {0, 0}));
}
TEST(OpMeanOverTime, KnownValuesAreAccumulatedInDouble) {
  const Tensor x = full({1, 2'000'000, 1}, 0.1F);
  EXPECT_TRUE(has_values(mean_over_time(x), {1, 1}, {0.1F}));
}
TEST(OpAvgPool1d, KnownValues) {
  EXPECT_TRUE(has_values(avg_pool1d(x5, 2), {1, 2, 1}, {3, 3}));
  EXPECT_TRUE(has_values(avg_pool1d(x5, 2, {.ceil_mode = true}), {1, 3, 1}, {3, 3, 3}));
  EXPECT_TRUE(has_values(avg_pool1d(x5, 2, {.padding = 1}), {1, 3, 1}, {0.5, 3.5, 3.5}));
  EXPECT_TRUE(has_values(avg_pool1d(x5, 2, {.padding = 1, .count_include_pad = false}), {1, 3, 1},
                         {1, 3.5, 3.5}));
}
TEST(OpAdaptiveMaxPool1d, KnownValues) {
  EXPECT_TRUE(has_values(adaptive_max_pool1d(x5, 2), {1, 2, 1}, {5, 4}));
  EXPECT_TRUE(has_values(adaptive_max_pool1d(x5, 7), {1, 7, 1}, {1, 5, 5, 2, 4, 4, 3}));
}
TEST(OpAdaptiveAvgPool1d, KnownValues) {
  EXPECT_TRUE(has_values(adaptive_avg_pool1d(x5, 2), {1, 2, 1}, {8.0 / 3, 3}));
  EXPECT_TRUE(has_values(adaptive_avg_pool1d(x5, 1), {1, 1, 1}, {3}));
}

TEST(OpMaxPool1d, KnownValuesOfEmptySequences) {
  for (const Pool& pool :
       {max_pool(2, {.padding = 1}), avg_pool(2, {.padding = 1}), adaptive(true, 3),
        adaptive(false, 3), over_time(true), over_time(false)}) {
    SCOPED_TRACE(pool.name);
    for (const Shape& shape : {Shape{2, 0, 3}, Shape{2, 4, 3}, Shape{0, 4, 3}}) {
      const Tensor x = random_leaf(shape);
      const Tensor y = pool.run(x, shape[0] == 0 ? Tensor() : tensor({0, 0}));
      for (const double v : values_of(y)) EXPECT_EQ(v, 0);
      y.backward(ones(y.shape(), DType::float64));
      for (const double g : gradient_of(x)) EXPECT_EQ(g, 0);
    }
    EXPECT_EQ(pool.run(zeros({2, 0, 3}), {}).size(0), 2);
  }
}

TEST(OpMaxPool1d, KnownValuesDoNotDependOnThePadding) {
  for (const Pool& pool : all_pools()) {
    SCOPED_TRACE(pool.name);
    std::vector<std::vector<double>> values, gradients;
    for (const double padding : {7.0, not_a_number}) {
      const Tensor x = random_leaf({3, 7, 2});
      {
        const NoGradGuard no_grad;
        for (std::int64_t b = 0; b < 3; ++b) {
          for (std::int64_t t = ragged[static_cast<std::size_t>(b)]; t < 7; ++t) {
            x.detach()[b].set_row(t, full({2}, padding, DType::float64));
          }
        }
      }
      const Tensor y = pool.run(x, tensor(ragged)), g = frozen(random_leaf(y.shape(), 2));
      if (y.dim() == 3) {  // the cotangent after the end of a result has no effect
        for (std::int64_t b = 0; b < 3; ++b) {
          const auto end =
              static_cast<std::int64_t>(pool.windows(ragged[static_cast<std::size_t>(b)]).size());
          for (std::int64_t t = end; t < y.size(1); ++t) {
            g[b].set_row(t, full({2}, padding, DType::float64));
          }
        }
      }
      y.backward(g);
      values.push_back(values_of(y));
      gradients.push_back(gradient_of(x));
    }
    EXPECT_EQ(values[0], values[1]);
    EXPECT_EQ(gradients[0], gradients[1]);
  }
}

void expect_gradients(const std::string& name) {
  for (const Pool& pool : all_pools()) {
    if (pool.name != name) continue;
    for (const Lengths& lengths : {Lengths{}, ragged}) {
      const Tensor none = lengths.empty() ? Tensor() : tensor(lengths);
      EXPECT_TRUE(passes_gradcheck([&](const Inputs& in) { return pool.run(in[0], none); },
                                   leaf_of_sequences()));
    }
  }
}
TEST(OpMaxPool1d, Gradient) { expect_gradients("max_pool1d"); }
TEST(OpAvgPool1d, Gradient) { expect_gradients("avg_pool1d"); }
TEST(OpAdaptiveMaxPool1d, Gradient) { expect_gradients("adaptive_max_pool1d"); }
TEST(OpAdaptiveAvgPool1d, Gradient) { expect_gradients("adaptive_avg_pool1d"); }
TEST(OpMaxOverTime, Gradient) { expect_gradients("max_over_time"); }
TEST(OpMeanOverTime, Gradient) { expect_gradients("mean_over_time"); }

TEST(OpMaxPool1d, TheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  const Tensor x = frozen(random_leaf({20, 30, 9})).to(DType::float32).set_trainable(true);
  Lengths lengths;
  for (std::int64_t b = 0; b < 20; ++b) lengths.push_back(b * 7 % 31);
  for (const Pool& pool : all_pools()) {
    std::vector<double> first, first_gradient;
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      set_parallel_grain(threads == 1 ? detail::default_parallel_grain : 1);
      const Tensor y = pool.run(x, tensor(lengths));
      y.backward(frozen(random_leaf(y.shape(), 2)).to(DType::float32));
      if (threads == 1) first = values_of(y), first_gradient = gradient_of(x);
      EXPECT_EQ(values_of(y), first) << pool.name;
      EXPECT_EQ(gradient_of(x), first_gradient) << pool.name;
      x.clear_grad();
    }
  }
}

TEST(Pool1dLengths, AreThoseOfTheResults) {
  const Tensor lengths = tensor({0, 1, 2, 3, 7});
  EXPECT_TRUE(has_values(max_pool1d_lengths(lengths, 2), {5}, {0, 0, 1, 1, 3}));
  EXPECT_TRUE(
      has_values(max_pool1d_lengths(lengths, 2, {.ceil_mode = true}), {5}, {0, 1, 1, 2, 4}));
  EXPECT_TRUE(has_values(max_pool1d_lengths(lengths, 3, {.stride = 1, .dilation = 2}), {5},
                         {0, 0, 0, 0, 3}));
  EXPECT_TRUE(has_values(avg_pool1d_lengths(lengths, 3, {.stride = 2, .padding = 1}), {5},
                         {0, 1, 1, 2, 4}));
  EXPECT_ERROR(avg_pool1d_lengths(tensor({-1}), 3), IndexError,
               "avg_pool1d_lengths: length -1 at position [0] is outside [0, 2^58]");
}

TEST(OpMaxPool1d, BrokenInput) {
  const Tensor x = zeros({2, 5, 4});
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_ERROR(max_pool1d(zeros({5, 4}), 2), ShapeError,
               "max_pool1d: x is [5, 4], it must be 3-D [batch, time, channels]: unsqueeze() adds "
               "an axis of size 1");
  EXPECT_ERROR(max_pool1d(zeros({5, 4, 0}), 2), ShapeError,
               "max_pool1d: x is [5, 4, 0], which has no channels");
  EXPECT_ERROR(max_pool1d(x, 6), ShapeError,
               "max_pool1d: x is [2, 5, 4]: the window has 6 elements, but a sequence has 5, with "
               "padding: pad() x");
  EXPECT_ERROR(max_pool1d(x, 0), ValueError, "max_pool1d: kernel_size is 0, it must be at least 1");
  EXPECT_ERROR(max_pool1d(x, 2, {.stride = 0}), ValueError,
               "max_pool1d: stride is 0, it must be at least 1");
  EXPECT_ERROR(max_pool1d(x, 2, {.padding = 2}), ValueError,
               "max_pool1d: padding is 2, it must be at most half of a window of 2 elements");
  EXPECT_ERROR(max_pool1d(x, 2, {.padding = -1}), ValueError,
               "max_pool1d: padding is -1, it must be at least 0");
  EXPECT_ERROR(max_pool1d(x, 3, {.dilation = huge >> 4}), ValueError,
               "max_pool1d: a window of 3 elements with dilation 288230376151711744 is too long "
               "for any sequence");
  EXPECT_THROW(max_pool1d(x, huge), ValueError);
  EXPECT_THROW(max_pool1d(x, 2, {.stride = huge}), ValueError);
  EXPECT_EQ(max_pool1d(x, huge >> 4, {.padding = huge >> 5}).shape(), (Shape{2, 1, 4}));
  EXPECT_TRUE(has_values(max_pool1d(ones({1, 3, 1}), 2, {.stride = huge >> 4}), {1, 1, 1}, {1}));
  EXPECT_ERROR(max_pool1d(zeros({2, 5, 4}, DType::int64), 2), DTypeError,
               "max_pool1d: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_ERROR(max_pool1d(x, 2, {.lengths = tensor({1, 6})}), IndexError,
               "max_pool1d: length 6 at position [1] is outside [0, 5]: x is [2, 5, 4]");
}
TEST(OpAvgPool1d, BrokenInput) {
  EXPECT_ERROR(avg_pool1d(zeros({2, 5, 4}), 6), ShapeError,
               "avg_pool1d: x is [2, 5, 4]: the window has 6 elements, but a sequence has 5, with "
               "padding: pad() x");
  EXPECT_THROW(avg_pool1d(zeros({2, 5, 4}), 2, {.padding = 2}), ValueError);
  EXPECT_THROW(avg_pool1d(zeros({2, 5}), 2), ShapeError);
}
TEST(OpAdaptiveMaxPool1d, BrokenInput) {
  EXPECT_ERROR(adaptive_max_pool1d(zeros({2, 5, 4}), 0), ValueError,
               "adaptive_max_pool1d: output_size is 0, it must be at least 1");
  EXPECT_THROW(adaptive_max_pool1d(zeros({2, 5, 4}), std::int64_t{1} << 57), Error);
  EXPECT_THROW(adaptive_max_pool1d(zeros({2, 5, 4}), 2, {tensor({1})}), ShapeError);
}
TEST(OpAdaptiveAvgPool1d, BrokenInput) {
  EXPECT_ERROR(adaptive_avg_pool1d(zeros({2, 5, 4}), -1), ValueError,
               "adaptive_avg_pool1d: output_size is -1, it must be at least 1");
  EXPECT_THROW(adaptive_avg_pool1d(zeros({4}), 2), ShapeError);
}
TEST(OpMaxOverTime, BrokenInput) {
  EXPECT_ERROR(max_over_time(zeros({5, 4})), ShapeError,
               "max_over_time: x is [5, 4], it must be 3-D [batch, time, channels]: unsqueeze() "
               "adds an axis of size 1");
  EXPECT_THROW(max_over_time(zeros({2, 5, 4}), {ones({2})}), DTypeError);
}
TEST(OpMeanOverTime, BrokenInput) {
  EXPECT_ERROR(mean_over_time(zeros({2, 5, 4}), {tensor({-1, 6})}), IndexError,
               "mean_over_time: length -1 at position [0] is outside [0, 5]: x is [2, 5, 4]");
  EXPECT_THROW(mean_over_time(zeros({2, 5, 4}, DType::int64)), DTypeError);
}

// Sequences without elements need no memory, however many there are.
TEST(OpMaxPool1d, BrokenInputOfSizesThatCannotBeAddressed) {
  const Tensor x = zeros({std::int64_t{1} << 61, 0, 1});
  EXPECT_THROW(max_pool1d(x, 2, {.padding = 1}), Error);
  EXPECT_THROW(adaptive_avg_pool1d(x, 2), Error);
  EXPECT_THROW(max_over_time(x), Error);
}

}  // namespace
}  // namespace gradus
