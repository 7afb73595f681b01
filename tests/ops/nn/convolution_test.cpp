#include <gradus/framework/base/memory.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/convolution.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/threads_guard.h>

#include <algorithm>

namespace gradus {
namespace {

using Tensors = std::vector<Tensor>;
using Lengths = std::vector<std::int64_t>;

/// Sizes of a problem; of a transposed convolution if `output_padding` is not negative.
struct Form {
  std::int64_t B = 2, T = 6, in = 3, out = 2, K = 3;
  std::int64_t stride = 1, dilation = 1, groups = 1;
  std::variant<std::int64_t, Padding> padding = 0;
  bool bias = true;
  Lengths lengths = {};
  std::int64_t output_padding = -1;

  bool is_transposed() const { return output_padding >= 0; }
  std::int64_t span() const { return dilation * (K - 1) + 1; }
  std::int64_t total_padding() const {
    if (const auto* zeros = std::get_if<std::int64_t>(&padding)) return 2 * *zeros;
    return std::get<Padding>(padding) == Padding::same ? span() - 1 : 0;
  }
  std::int64_t zeros_before() const { return total_padding() / 2; }
  std::int64_t result_length(std::int64_t length) const {
    if (length == 0) return 0;
    if (is_transposed()) {
      return (length - 1) * stride + span() + output_padding - total_padding();
    }
    std::int64_t windows = 0;
    while (windows * stride + span() <= length + total_padding()) ++windows;
    return windows;
  }
};

/// The leaves x, weight and bias, and the ways to compute the results.
struct Problem {
  explicit Problem(const Form& f, DType dtype = DType::float64) : form(f) {
    add({f.B, f.T, f.in}, dtype);
    add(f.is_transposed() ? Shape{f.in, f.out / f.groups, f.K} : Shape{f.out, f.in / f.groups, f.K},
        dtype);
    if (f.bias) add({f.out}, dtype);
    if (!f.lengths.empty()) lengths = tensor(f.lengths);
  }

  Tensor run(const Tensors& in) const {
    const Tensor bias = form.bias ? in[2] : Tensor();
    if (form.is_transposed()) {
      return conv_transpose1d(in[0], in[1], bias,
                              {.stride = form.stride,
                               .padding = form.zeros_before(),
                               .output_padding = form.output_padding,
                               .dilation = form.dilation,
                               .groups = form.groups,
                               .lengths = lengths});
    }
    return conv1d(in[0], in[1], bias, options());
  }
  Tensor run() const { return run(leaves); }
  Tensor relu_max(const Tensors& in) const {
    return conv1d_relu_max(in[0], in[1], form.bias ? in[2] : Tensor(), options());
  }

  /// Product by product: the definition.
  Tensor composed() const {
    Tensors sequences;
    for (std::int64_t b = 0; b < form.B; ++b) {
      const std::int64_t length =
          form.lengths.empty() ? form.T : form.lengths[static_cast<std::size_t>(b)];
      Tensors rows = sums(slice(leaves[0], 0, b, b + 1), length);
      if (form.bias) {
        for (Tensor& row : rows) row = row + leaves[2];
      }
      const Tensor zero = zeros({1, form.out}, leaves[0].dtype());
      rows.resize(static_cast<std::size_t>(form.result_length(form.T)), zero);
      sequences.push_back(stack(rows, 1));
    }
    return cat(sequences, 0);
  }

  Tensors gradients(const Tensor& y) const {
    y.backward(frozen(random_leaf(y.shape(), 20)).to(y.dtype()));
    Tensors all;
    for (const Tensor& leaf : leaves) {
      all.push_back(leaf.grad().to_dense());
      leaf.clear_grad();
    }
    return all;
  }

  const Form form;
  Tensors leaves;
  Tensor lengths;

 private:
  void add(const Shape& shape, DType dtype) {
    leaves.push_back(frozen(random_leaf(shape, leaves.size() + 1)).to(dtype).set_trainable(true));
  }
  ConvolutionOptions options() const {
    return {form.stride, form.padding, form.dilation, form.groups, lengths};
  }
  /// Row [1, in] times tap k of the weight: [1, out].
  Tensor product(const Tensor& row, std::int64_t k) const {
    const std::int64_t in = form.in / form.groups;
    const std::int64_t rows = leaves[1].size(0) / form.groups;
    Tensors parts;
    for (std::int64_t g = 0; g < form.groups; ++g) {
      const Tensor tap = select(slice(leaves[1], 0, g * rows, (g + 1) * rows), 2, k);
      parts.push_back(
          matmul(slice(row, 1, g * in, (g + 1) * in), tap, {.trans_b = !form.is_transposed()}));
    }
    return cat(parts, 1);
  }
  /// The elements [1, out] of the result of one sequence [1, T, in], without the bias.
  Tensors sums(const Tensor& x, std::int64_t length) const {
    Tensors rows(static_cast<std::size_t>(form.result_length(length)),
                 zeros({1, form.out}, x.dtype()));
    const std::int64_t elements = form.is_transposed() ? length : form.result_length(length);
    for (std::int64_t i = 0; i < elements; ++i) {
      for (std::int64_t k = 0; k < form.K; ++k) {
        const std::int64_t other = i * form.stride + k * form.dilation - form.zeros_before();
        const std::int64_t t = form.is_transposed() ? i : other;
        const std::int64_t u = form.is_transposed() ? other : i;
        if (t < 0 || t >= length || u < 0 || u >= form.result_length(length)) continue;
        Tensor& row = rows[static_cast<std::size_t>(u)];
        row = row + product(select(x, 1, t), k);
      }
    }
    return rows;
  }
};

std::vector<std::vector<double>> all_values(const Tensors& tensors) {
  std::vector<std::vector<double>> values;
  values.reserve(tensors.size());
  for (const Tensor& x : tensors) values.push_back(values_of(x));
  return values;
}

void expect_close(const Tensors& actual, const Tensors& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t k = 0; k < actual.size(); ++k) {
    EXPECT_TRUE(is_close(actual[k], expected[k].shape(), values_of(expected[k]), tolerance)) << k;
  }
}

void expect_composed(const Form& form) {
  const Problem problem(form);
  const Tensor y = problem.run(), z = problem.composed();
  EXPECT_TRUE(is_close(y, z.shape(), values_of(z), 1e-12));
  expect_close(problem.gradients(y), problem.gradients(z), 1e-12);
}

/// The fused op is the composition of its parts, gradients included.
void expect_relu_max(const Form& form) {
  const Problem problem(form);
  const Tensor fused = problem.relu_max(problem.leaves);
  const Tensor composed = max(relu(problem.run()), 1).values;
  EXPECT_EQ(values_of(fused), values_of(composed));
  expect_close(problem.gradients(fused), problem.gradients(composed), 1e-12);
}

/// Every pair of these options, and more.
std::vector<Form> forms() {
  std::vector<Form> all;
  int i = 0;
  for (const std::int64_t stride : {1, 2, 3}) {
    for (const std::int64_t dilation : {1, 2}) {
      for (const std::int64_t groups : {1, 2}) {
        for (const std::int64_t padding : {0, 1, 3}) {
          Form form{.B = 4, .T = 7, .in = 4, .out = 6, .K = 3, .stride = stride};
          form.dilation = dilation;
          form.groups = groups;
          form.padding = padding;
          form.bias = ++i % 2 == 0;
          if (i % 3 == 0) form.lengths = {7, 0, 1, 4};
          if (i % 5 == 0) form.K = 2;
          all.push_back(form);
        }
      }
    }
  }
  return all;
}

std::function<Inputs()> leaves_of(const Form& form) {
  return [form] { return Problem(form).leaves; };
}
std::function<Tensor(const Inputs&)> run_of(const Form& form) {
  return [form](const Inputs& in) { return Problem(form).run(in); };
}
std::function<Tensor(const Inputs&)> relu_max_of(const Form& form) {
  return [form](const Inputs& in) { return Problem(form).relu_max(in); };
}

const Form plain{}, ragged{.B = 4, .lengths = {2, 0, 6, 1}};
const Form ragged_same{.B = 4, .padding = Padding::same, .lengths = {2, 0, 6, 1}};
const Form mixed{.in = 4, .stride = 2, .dilation = 2, .groups = 2, .padding = 2, .bias = false};
const Form up{.output_padding = 0};
const Form mixed_up{.B = 4,
                    .in = 4,
                    .out = 6,
                    .stride = 3,
                    .dilation = 2,
                    .groups = 2,
                    .padding = 1,
                    .lengths = {6, 0, 1, 3},
                    .output_padding = 2};

const OpCases cases{
    OpCase{"conv1d", "all inputs", leaves_of(plain), run_of(plain)},
    OpCase{"conv1d", "lengths", leaves_of(ragged), run_of(ragged)},
    OpCase{"conv1d", "stride, dilation, groups", leaves_of(mixed), run_of(mixed)},
    OpCase{"conv1d_relu_max", "all inputs", leaves_of(plain), relu_max_of(plain)},
    OpCase{"conv1d_relu_max", "lengths", leaves_of(ragged_same), relu_max_of(ragged_same)},
    OpCase{"conv1d_relu_max", "stride, dilation, groups", leaves_of(mixed), relu_max_of(mixed)},
    OpCase{"conv_transpose1d", "all inputs", leaves_of(up), run_of(up)},
    OpCase{"conv_transpose1d", "every option", leaves_of(mixed_up), run_of(mixed_up)},
};

TEST(OpConv1d, KnownValues) {
  // x = 1 2 3 4 with weight 1 10 100.
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0}, {1, 4, 1});
  const Tensor w = tensor({1.0, 10.0, 100.0}, {1, 1, 3}), bias = tensor({0.5});
  EXPECT_TRUE(has_values(conv1d(x, w), {1, 2, 1}, {321, 432}));
  EXPECT_TRUE(
      has_values(conv1d(x, w, bias, {.padding = 1}), {1, 4, 1}, {210.5, 321.5, 432.5, 43.5}));
  EXPECT_TRUE(
      has_values(conv1d(x, w, {}, {.padding = Padding::same}), {1, 4, 1}, {210, 321, 432, 43}));
  EXPECT_TRUE(has_values(conv1d(x, w, {}, {.padding = Padding::valid}), {1, 2, 1}, {321, 432}));
  EXPECT_TRUE(has_values(conv1d(x, w, {}, {.stride = 2, .padding = 1}), {1, 2, 1}, {210, 432}));
  EXPECT_TRUE(
      has_values(conv1d(x, w, {}, {.padding = 2, .dilation = 2}), {1, 4, 1}, {310, 420, 31, 42}));
  EXPECT_TRUE(has_values(conv1d(x, w, bias, {.padding = 1, .lengths = tensor({2})}), {1, 4, 1},
                         {210.5, 21.5, 0, 0}));
  // The odd zero of an even window is behind.
  EXPECT_TRUE(has_values(conv1d(x, tensor({1.0, 10.0}, {1, 1, 2}), {}, {.padding = Padding::same}),
                         {1, 4, 1}, {21, 32, 43, 4}));
}
TEST(OpConv1d, KnownValuesOfGroupsSeeTheirOwnChannels) {
  const Tensor x = tensor({1.0, 10.0, 2.0, 20.0}, {1, 2, 2});
  EXPECT_TRUE(has_values(conv1d(x, tensor({1.0, 3.0}, {2, 1, 1}), {}, {.groups = 2}), {1, 2, 2},
                         {1, 30, 2, 60}));
}
TEST(OpConv1d, KnownValuesOfTheComposedForm) {
  for (const Form& form : forms()) expect_composed(form);
  for (const std::int64_t K : {1, 2, 3, 4}) {
    for (const std::int64_t dilation : {1, 2}) {
      expect_composed(
          {.B = 3, .K = K, .dilation = dilation, .padding = Padding::same, .lengths = {6, 1, 3}});
    }
  }
}
TEST(OpConv1d, KnownValuesOfTheComposedFormForOneElementAndOneSequence) {
  expect_composed({.T = 1, .K = 1});
  expect_composed({.B = 1, .T = 1, .padding = 1});
  expect_composed({.T = 3});
  expect_composed({.B = 1, .T = 3, .stride = 5});
  expect_composed({.in = 1, .out = 1});
  expect_composed({.in = 5, .out = 5, .groups = 5});
  expect_composed({.in = 3, .out = 6, .groups = 3});
}
TEST(OpConv1d, KnownValuesOfTheComposedFormForWholeTilesOfRows) {
  expect_composed({.B = 3, .T = 70, .in = 3, .out = 2});
  expect_composed({.B = 2, .T = 180, .in = 1, .out = 1, .K = 2, .lengths = {175, 170}});
  expect_composed({.B = 1, .T = 12, .in = 40, .out = 37, .padding = 2});
  expect_composed({.B = 2, .T = 90, .in = 600, .out = 1, .K = 2});  // a window of more than 1024
}

TEST(OpConv1dReluMax, KnownValues) {
  const Tensor x = tensor({1.0, -2.0, 3.0, 0.0, 9.0}, {1, 5, 1});
  const Tensor w = tensor({1.0, -1.0, -1.0, 1.0}, {2, 1, 2}), bias = tensor({0.5, 0.25});
  // Channel 0: 3.5, -4.5, 3.5, -8.5; channel 1: -2.75, 5.25, -2.75, 9.25.
  EXPECT_TRUE(has_values(conv1d_relu_max(x, w, bias), {1, 2}, {3.5, 9.25}));
  EXPECT_TRUE(
      has_values(conv1d_relu_max(x, w, bias, {.lengths = tensor({4})}), {1, 2}, {3.5, 5.25}));
  EXPECT_TRUE(has_values(conv1d_relu_max(x, w, bias, {.lengths = tensor({1})}), {1, 2}, {0, 0}));
  EXPECT_TRUE(has_values(conv1d_relu_max(x, w, tensor({-9.0, -9.0})), {1, 2}, {0, 0.0}));
}
TEST(OpConv1dReluMax, KnownValuesOfTheComposedForm) {
  for (const Form& form : forms()) expect_relu_max(form);
  for (const std::int64_t T : {1, 3, 5}) {
    expect_relu_max({.B = 3, .T = T, .padding = Padding::same, .lengths = {T, 1, 0}});
  }
  expect_relu_max({.B = 200, .T = 4});
  expect_relu_max({.B = 3, .T = 400, .in = 2, .out = 40, .lengths = {400, 171, 1}});
  expect_relu_max({.in = 5, .out = 5, .groups = 5});
}
TEST(OpConv1dReluMax, KnownValuesKeepNan) {
  const Tensor x = leaf({1, not_a_number, 5, not_a_number, 7}, {1, 5, 1});
  const Tensor y = conv1d_relu_max(x, tensor({1.0, -1.0}, {2, 1, 1}));
  EXPECT_TRUE(has_values(y, {1, 2}, {not_a_number, not_a_number}));
  y.backward(tensor({2.0, 0.0}, {1, 2}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 2, 0, 0, 0}));  // to the first
}

TEST(OpConvTranspose1d, KnownValues) {
  const Tensor x = tensor({1.0, 2.0}, {1, 2, 1});
  const Tensor w = tensor({1.0, 10.0, 100.0}, {1, 1, 3}), bias = tensor({0.5});
  EXPECT_TRUE(has_values(conv_transpose1d(x, w), {1, 4, 1}, {1, 12, 120, 200}));
  EXPECT_TRUE(has_values(conv_transpose1d(x, w, bias, {.stride = 2}), {1, 5, 1},
                         {1.5, 10.5, 102.5, 20.5, 200.5}));
  EXPECT_TRUE(
      has_values(conv_transpose1d(x, w, {}, {.stride = 2, .padding = 1, .output_padding = 1}),
                 {1, 4, 1}, {10, 102, 20, 200}));
  EXPECT_TRUE(has_values(conv_transpose1d(x, w, bias, {.stride = 2, .lengths = tensor({1})}),
                         {1, 5, 1}, {1.5, 10.5, 100.5, 0, 0}));
}
TEST(OpConvTranspose1d, KnownValuesOfTheComposedForm) {
  int i = 0;
  for (Form form : forms()) {
    if (form.total_padding() > 2) continue;
    form.output_padding = ++i % static_cast<int>(std::max(form.stride, form.dilation));
    expect_composed(form);
  }
  expect_composed({.B = 1, .T = 1, .output_padding = 0});
}
TEST(OpConvTranspose1d, KnownValuesOfTheGradientOfConv1d) {
  const Problem problem({.T = 9, .in = 4, .out = 2, .stride = 2, .groups = 2, .bias = false});
  const Tensor y = problem.run(), g = frozen(random_leaf(y.shape(), 3));
  y.backward(g);
  const Tensor x = conv_transpose1d(g, problem.leaves[1], {}, {.stride = 2, .groups = 2});
  EXPECT_TRUE(is_close(x, {2, 9, 4}, gradient_of(problem.leaves[0]), 1e-14));
}

TEST(OpConv1d, KnownValuesOfEmptySequences) {
  for (const Form& form : {Form{.padding = 2, .lengths = {0, 0}}, Form{.T = 0, .padding = 2},
                           Form{.B = 0}, Form{.lengths = {0, 0}, .output_padding = 0},
                           Form{.T = 0, .output_padding = 0}, Form{.B = 0, .output_padding = 0}}) {
    const Problem problem(form);
    std::vector<Tensor> results{problem.run()};
    if (!form.is_transposed()) results.push_back(problem.relu_max(problem.leaves));
    for (const Tensor& y : results) {
      for (const double v : values_of(y)) EXPECT_EQ(v, 0);
      for (const Tensor& g : problem.gradients(y)) {
        for (const double v : values_of(g)) EXPECT_EQ(v, 0);
      }
    }
  }
  EXPECT_EQ(Problem({.T = 0, .padding = 2}).run().shape(), (Shape{2, 2, 2}));
}

void fill_padding(const Problem& problem, double value) {
  const NoGradGuard no_grad;
  auto values = problem.leaves[0].mutable_span<double>();
  const std::int64_t row = problem.form.in, all = problem.form.T * row;
  for (std::int64_t b = 0; b < problem.form.B; ++b) {
    const std::int64_t length = problem.form.lengths[static_cast<std::size_t>(b)];
    std::fill(values.begin() + b * all + length * row, values.begin() + (b + 1) * all, value);
  }
}

TEST(OpConv1d, KnownValuesDoNotDependOnThePadding) {
  Form form{.B = 4, .T = 6, .in = 4, .out = 6, .padding = 2, .lengths = {2, 0, 6, 1}};
  for (const std::int64_t groups : {1, 2}) {
    for (const std::int64_t output_padding : {-1, 0}) {
      form.groups = groups;
      form.output_padding = output_padding;
      const Problem problem(form);
      std::vector<std::vector<std::vector<double>>> values;
      for (const double padding : {7.0, not_a_number}) {
        fill_padding(problem, padding);
        Tensors all{problem.run()};
        for (const Tensor& g : problem.gradients(all[0])) all.push_back(g);
        if (!form.is_transposed()) {
          all.push_back(problem.relu_max(problem.leaves));
          for (const Tensor& g : problem.gradients(all.back())) all.push_back(g);
        }
        values.push_back(all_values(all));
      }
      EXPECT_EQ(values[0], values[1]);
    }
  }
}

TEST(OpConv1d, GradientIgnoresTheCotangentOfThePadding) {
  const Form same{.B = 4, .padding = Padding::same, .lengths = {2, 0, 6, 1}};
  const Form wide{.B = 4, .padding = 1, .lengths = {2, 0, 6, 1}, .output_padding = 0};
  for (const Form& form : {same, wide}) {
    const Problem problem(form);
    std::vector<std::vector<std::vector<double>>> gradients;
    for (const double padding : {0.0, not_a_number}) {
      const Tensor y = problem.run(), g = frozen(random_leaf(y.shape(), 5));
      for (std::int64_t b = 0; b < 4; ++b) {
        const std::int64_t length = form.lengths[static_cast<std::size_t>(b)];
        for (std::int64_t t = length; t < y.size(1); ++t) {
          g[b].set_row(t, full({2}, padding, DType::float64));
        }
      }
      y.backward(g);
      gradients.emplace_back();
      for (const Tensor& leaf : problem.leaves) {
        gradients.back().push_back(gradient_of(leaf));
        leaf.clear_grad();
      }
    }
    EXPECT_EQ(gradients[0], gradients[1]);
  }
}

TEST(OpConv1d, GivesASequenceWhatItGivesAlone) {
  const Form form{.B = 4, .stride = 2, .padding = 1, .lengths = {2, 5, 6, 1}};
  const Problem problem(form);
  const Tensor y = problem.run();
  for (std::int64_t b = 0; b < form.B; ++b) {
    const std::int64_t length = form.lengths[static_cast<std::size_t>(b)];
    const Tensor x = slice(slice(problem.leaves[0], 0, b, b + 1), 1, 0, length);
    const Tensor alone =
        conv1d(x, problem.leaves[1], problem.leaves[2], {.stride = 2, .padding = 1});
    EXPECT_EQ(values_of(slice(slice(y, 0, b, b + 1), 1, 0, alone.size(1))), values_of(alone));
  }
}

TEST(OpConv1d, Gradient) {
  for (const Form& form : {plain, ragged, mixed, Form{.T = 3}, Form{.T = 1, .padding = 1}}) {
    EXPECT_TRUE(passes_gradcheck(run_of(form), leaves_of(form)()));
  }
}
TEST(OpConv1dReluMax, Gradient) {
  for (const Form& form : {plain, ragged, ragged_same, mixed, Form{.T = 3}}) {
    EXPECT_TRUE(passes_gradcheck(relu_max_of(form), leaves_of(form)()));
  }
}
TEST(OpConvTranspose1d, Gradient) {
  for (const Form& form : {up, mixed_up, Form{.T = 1, .output_padding = 0}}) {
    EXPECT_TRUE(passes_gradcheck(run_of(form), leaves_of(form)()));
  }
}

// Of equal maxima the first gets the gradient, and maxima of 0 and less get none.
TEST(OpConv1dReluMax, GradientGoesToTheFirstMaximum) {
  const Tensor x = leaf({1, 3, 2, 3, -1}, {1, 5, 1}), w = leaf({2, -2}, {2, 1, 1});
  const Tensor bias = leaf({0, -2});
  const Tensor y = conv1d_relu_max(x, w, bias);
  EXPECT_TRUE(has_values(y, {1, 2}, {6, 0}));
  y.backward(tensor({5.0, 7.0}, {1, 2}));
  EXPECT_EQ(gradient_of(x), (std::vector<double>{0, 10, 0, 0, 0}));
  EXPECT_EQ(gradient_of(w), (std::vector<double>{15, 0}));
  EXPECT_EQ(gradient_of(bias), (std::vector<double>{5, 0}));
}

TEST(OpConv1d, TheSameBitsForAnyNumberOfThreads) {
  const ThreadsGuard guard;
  Lengths lengths;
  for (std::int64_t b = 0; b < 40; ++b) lengths.push_back(b * 17 % 61);
  const Form even{.B = 40, .T = 60, .in = 5, .out = 9}, odd{.B = 40, .T = 60, .lengths = lengths};
  const Form grouped{.B = 40, .T = 60, .in = 4, .out = 6, .stride = 2, .groups = 2, .padding = 1};
  for (const Form& form : {even, odd, grouped}) {
    const Problem problem(form, DType::float32);
    std::vector<std::vector<double>> first;
    for (const int threads : {1, 2, 3, 8}) {
      set_num_threads(threads);
      set_parallel_grain(threads == 1 ? detail::default_parallel_grain : 1);
      Tensors all{problem.run(), problem.relu_max(problem.leaves)};
      for (const Tensor& y : Tensors(all)) {
        for (const Tensor& g : problem.gradients(y)) all.push_back(g);
      }
      if (threads == 1) first = all_values(all);
      EXPECT_EQ(all_values(all), first) << threads;
    }
  }
}

TEST(OpConv1dReluMax, NeedsNoMemoryForWhatIsNotAMaximum) {
  const OneThread one_thread;
  const Problem problem({.B = 8, .T = 1000, .in = 4, .out = 50}, DType::float32);
  reset_peak_memory();
  const std::int64_t before = memory_stats().live;
  problem.gradients(problem.relu_max(problem.leaves));
  EXPECT_LT(memory_stats().peak - before, 8 * 1000 * 50 * 4);  // the result of conv1d()
}

TEST(OpConv1d, TakesNoMemoryFromTheSystemAfterTheFirstSteps) {
  const OneThread one_thread;
  const Problem problem({.B = 14, .T = 90, .in = 20, .out = 30}, DType::float32);
  const auto step = [&] {
    problem.gradients(problem.run());
    problem.gradients(problem.relu_max(problem.leaves));
  };
  for (int i = 0; i < 3; ++i) step();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(memory_stats().live, before.live);
#ifndef GRADUS_DEBUG_MEMORY  // which takes every block from the system
  EXPECT_EQ(memory_stats().fresh, before.fresh);
#endif
}

TEST(Conv1dLengths, AreThoseOfTheResults) {
  const Tensor lengths = tensor({0, 1, 2, 3, 7});
  EXPECT_TRUE(has_values(conv1d_lengths(lengths, 3), {5}, {0, 0, 0, 1, 5}));
  EXPECT_TRUE(
      has_values(conv1d_lengths(lengths, 3, {.stride = 2, .padding = 1}), {5}, {0, 1, 1, 2, 4}));
  EXPECT_TRUE(has_values(conv1d_lengths(lengths, 3, {.padding = Padding::same, .dilation = 4}), {5},
                         {0, 1, 2, 3, 7}));
  EXPECT_TRUE(has_values(conv_transpose1d_lengths(lengths, 3, {.stride = 2, .padding = 1}), {5},
                         {0, 1, 3, 5, 13}));
  EXPECT_TRUE(has_values(conv_transpose1d_lengths(tensor({1}), 1, {.padding = 3}), {1}, {0}));
  EXPECT_TRUE(has_values(conv1d_lengths(zeros({0}, DType::int64), 3), {0}, {}));
}
TEST(Conv1dLengths, SayWhatIsWrong) {
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_ERROR(conv1d_lengths(tensor({1, -1}), 3), IndexError,
               "conv1d_lengths: length -1 at position [1] is outside [0, 2^58]");
  EXPECT_THROW(conv1d_lengths(tensor({huge}), 3), IndexError);
  EXPECT_ERROR(conv1d_lengths(zeros({2, 2}, DType::int64), 3), ShapeError,
               "conv1d_lengths: lengths are [2, 2], one length per sequence is needed, [B]");
  EXPECT_ERROR(conv1d_lengths(ones({2}), 3), DTypeError,
               "conv1d_lengths: lengths are float32, int64 is needed: convert them with "
               "to(DType::int64)");
  EXPECT_ERROR(conv1d_lengths(tensor({1}), 0), ValueError,
               "conv1d_lengths: kernel_size is 0, it must be at least 1");
  EXPECT_ERROR(conv_transpose1d_lengths(tensor({std::int64_t{3}, huge >> 8}), 3, {.stride = 1024}),
               ShapeError,
               "conv_transpose1d_lengths: 18014398509481984 elements with a stride of 1024 make "
               "too long a sequence");
}

TEST(OpConv1d, BrokenInput) {
  const Tensor x = zeros({2, 5, 4}), w = zeros({6, 4, 3});
  const auto run = [&](const ConvolutionOptions& options) {
    return [&x, &w, options] { conv1d(x, w, {}, options); };
  };
  EXPECT_ERROR(conv1d(zeros({5, 4}), w), ShapeError,
               "conv1d: x is [5, 4], it must be 3-D [batch, time, channels]: unsqueeze() adds an "
               "axis of size 1");
  EXPECT_ERROR(conv1d(zeros({2, 4, 5}), w), ShapeError,
               "conv1d: x is [2, 4, 5], its last axis must be 4, as weight is [6, 4, 3] and groups "
               "is 1: transpose() x if its channels come before time");
  EXPECT_ERROR(run({.groups = 2})(), ShapeError,
               "conv1d: x is [2, 5, 4], its last axis must be 8, as weight is [6, 4, 3] and groups "
               "is 2: transpose() x if its channels come before time");
  EXPECT_ERROR(run({.groups = 4})(), ShapeError,
               "conv1d: weight is [6, 4, 3]: groups is 4, which does not divide 6 channels");
  EXPECT_ERROR(conv1d(x, zeros({6, 4})), ShapeError,
               "conv1d: weight is [6, 4], it must be [out, channels / groups, kernel_size], none "
               "of them 0");
  EXPECT_THROW(conv1d(x, zeros({6, 4, 0})), ShapeError);
  EXPECT_THROW(conv1d(x, zeros({0, 4, 3})), ShapeError);
  EXPECT_ERROR(conv1d(x, w, zeros({5})), ShapeError,
               "conv1d: bias is [5], it must be [6]: one number for each channel of the result");
  EXPECT_ERROR(conv1d(zeros({2, 2, 4}), w), ShapeError,
               "conv1d: x is [2, 2, 4]: the window has 3 elements, but a sequence has 2, with "
               "padding: pad() x");
  EXPECT_ERROR(run({.padding = 1, .dilation = 4})(), ShapeError,
               "conv1d: x is [2, 5, 4]: the window has 9 elements, but a sequence has 7, with "
               "padding: pad() x");
  EXPECT_ERROR(run({.stride = 0})(), ValueError, "conv1d: stride is 0, it must be at least 1");
  EXPECT_ERROR(run({.padding = -1})(), ValueError, "conv1d: padding is -1, it must be at least 0");
  EXPECT_ERROR(run({.dilation = 0})(), ValueError, "conv1d: dilation is 0, it must be at least 1");
  EXPECT_ERROR(run({.groups = 0})(), ValueError, "conv1d: groups is 0, it must be at least 1");
  EXPECT_ERROR(run({.stride = 2, .padding = Padding::same})(), ValueError,
               "conv1d: stride is 2, but padding `same` needs a stride of 1");
  EXPECT_ERROR(conv1d(zeros({2, 5, 4}, DType::int64), w), DTypeError,
               "conv1d: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(conv1d(zeros({2, 5, 4}, DType::float64), w), DTypeError);
  EXPECT_THROW(conv1d(x, w, zeros({6}, DType::float64)), DTypeError);
}
TEST(OpConv1d, BrokenInputOfLengths) {
  const auto run = [&](const Tensor& lengths) {
    conv1d(zeros({2, 5, 4}), zeros({6, 4, 3}), {}, {.lengths = lengths});
  };
  EXPECT_ERROR(run(tensor({1, 6})), IndexError,
               "conv1d: length 6 at position [1] is outside [0, 5]: x is [2, 5, 4]");
  EXPECT_ERROR(run(tensor({1})), ShapeError,
               "conv1d: lengths are [1], x is [2, 5, 4]: one length per sequence is needed, [2]");
  EXPECT_ERROR(run(ones({2})), DTypeError,
               "conv1d: lengths are float32, int64 is needed: convert them with to(DType::int64)");
}
TEST(OpConv1d, BrokenInputOfSizesThatCannotBeAddressed) {
  const Tensor x = zeros({1, 3, 1}), w = zeros({1, 1, 3});
  const std::int64_t huge = std::int64_t{1} << 62;
  EXPECT_ERROR(conv1d(x, w, {}, {.padding = huge}), ValueError,
               "conv1d: padding is 4611686018427387904, it must be at most 288230376151711744");
  EXPECT_ERROR(conv1d(x, w, {}, {.padding = Padding::same, .dilation = huge >> 4}), ValueError,
               "conv1d: a window of 3 elements with dilation 288230376151711744 is too long for "
               "any sequence");
  EXPECT_THROW(conv1d(x, w, {}, {.dilation = huge}), ValueError);
  EXPECT_THROW(conv1d(x, w, {}, {.stride = huge}), ValueError);
  EXPECT_THROW(conv1d(x, w, {}, {.groups = huge}), ValueError);
  EXPECT_THROW(conv1d(x, w, {}, {.padding = huge >> 4}), Error);
  EXPECT_THROW(conv_transpose1d(x, w, {}, {.stride = huge >> 4}), Error);
  const ConvolutionOptions far{.stride = huge >> 4, .padding = huge >> 5};
  EXPECT_TRUE(has_values(conv1d(x, w, {}, far), {1, 2, 1}, {0, 0}));
}
TEST(OpConv1dReluMax, BrokenInput) {
  EXPECT_ERROR(conv1d_relu_max(zeros({2, 2, 4}), zeros({6, 4, 3})), ShapeError,
               "conv1d_relu_max: x is [2, 2, 4]: the window has 3 elements, but a sequence has 2, "
               "with padding: pad() x");
  EXPECT_THROW(conv1d_relu_max(zeros({2, 5, 4}), zeros({6, 3, 3})), ShapeError);
  EXPECT_THROW(conv1d_relu_max(zeros({2, 5, 4}), zeros({6, 4, 3}), {}, {.lengths = tensor({6, 1})}),
               IndexError);
}
TEST(OpConvTranspose1d, BrokenInput) {
  const Tensor x = zeros({2, 5, 4}), w = zeros({4, 6, 3});
  const auto run = [&](const ConvolutionTransposeOptions& options) {
    return [&x, &w, options] { conv_transpose1d(x, w, {}, options); };
  };
  EXPECT_ERROR(conv_transpose1d(zeros({2, 5, 6}), w), ShapeError,
               "conv_transpose1d: x is [2, 5, 6], its last axis must be 4, as weight is [4, 6, 3] "
               "and groups is 1: transpose() x if its channels come before time");
  EXPECT_ERROR(run({.groups = 3})(), ShapeError,
               "conv_transpose1d: weight is [4, 6, 3]: groups is 3, which does not divide 4 "
               "channels");
  EXPECT_ERROR(conv_transpose1d(x, zeros({4, 6})), ShapeError,
               "conv_transpose1d: weight is [4, 6], it must be [channels, out / groups, "
               "kernel_size], none of them 0");
  EXPECT_ERROR(conv_transpose1d(x, w, zeros({6}), {.groups = 2}), ShapeError,
               "conv_transpose1d: bias is [6], it must be [12]: one number for each channel of the "
               "result");
  EXPECT_ERROR(run({.stride = 2, .output_padding = 2})(), ValueError,
               "conv_transpose1d: output_padding is 2, it must be less than the stride, 2, or the "
               "dilation, 1");
  EXPECT_ERROR(run({.padding = 4})(), ShapeError,
               "conv_transpose1d: x is [2, 5, 4]: padding cuts 4 elements off both sides, which "
               "leaves nothing");
  EXPECT_THROW(run({.padding = -1})(), ValueError);
  EXPECT_THROW(run({.output_padding = -1})(), ValueError);
}

}  // namespace
}  // namespace gradus
