#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/nn/skip_gram.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

// Other tests of the op are those of the layers that call it: tests/layers/skip_gram_test.cpp.

std::function<Inputs()> tables_and_pairs() {
  return leaves_and({{4, 3}, {5, 3}}, [] {
    return Inputs{tensor<std::int64_t>({2, 0, 2}), tensor<std::int64_t>({1, 4, 1}),
                  tensor<std::int64_t>({0, 1, 3, 3, 4, 2}, {3, 2})};
  });
}

const OpCases cases{
    OpCase{"skip_gram_loss", "a sum", tables_and_pairs(),
           [](const Inputs& in) { return skip_gram_loss(in[0], in[1], in[2], in[3], in[4]); }},
    OpCase{"skip_gram_loss", "losses of pairs", tables_and_pairs(),
           [](const Inputs& in) {
             return skip_gram_loss(in[0], in[1], in[2], in[3], in[4],
                                   {.reduction = Reduction::none});
           }},
    OpCase{"skip_gram_loss", "a sparse gradient", tables_and_pairs(),
           [](const Inputs& in) {
             return skip_gram_loss(in[0], in[1], in[2], in[3], in[4],
                                   {.reduction = Reduction::mean, .input = {.sparse = true}});
           }},
};

TEST(OpSkipGramLoss, GradientFollowsTheLookupOfEachTable) {
  const Tensor input = ones({4, 3}), output = ones({5, 3});
  input.set_trainable(true);
  output.set_trainable(true);
  skip_gram_loss(input, output, tensor({2, 0}), tensor({1, 4}), tensor({1, 3}, {2, 1}),
                 {.input = {.padding_idx = 2}, .output = {.padding_idx = 1, .sparse = true}})
      .backward();
  EXPECT_TRUE(input.grad().is_dense());
  EXPECT_EQ(select(input.grad().dense(), 0, 2).span<float>()[0], 0);
  EXPECT_NE(select(input.grad().dense(), 0, 0).span<float>()[0], 0);
  EXPECT_TRUE(has_values(output.grad().sparse().ids(), {2}, {4, 3}));
}

TEST(OpSkipGramLoss, BrokenInputNamesTheTables) {
  const Tensor ids = tensor({1, 2}), negatives = tensor({0, 1}, {2, 1});
  EXPECT_ERROR(skip_gram_loss(ones({4}), ones({4, 3}), ids, ids, negatives), ShapeError,
               "skip_gram_loss: input is [4], output is [4, 3]: tables [V, D] are needed");
  EXPECT_ERROR(skip_gram_loss(ones({4, 3}), ones({4, 3}), ids, ids, negatives,
                              {.output = {.padding_idx = -2}}),
               IndexError,
               "skip_gram_loss: padding_idx -2 of output is outside [0, 4): -1 stands for none");
  EXPECT_THROW(skip_gram_loss(ones({4, 3}), ones({4, 3}), ids, ids, negatives,
                              {.input = {.padding_idx = 4}}),
               IndexError);
  EXPECT_ERROR(skip_gram_loss(ones({4, 3}), ones({4, 3}, DType::float64), ids, ids, negatives),
               DTypeError,
               "skip_gram_loss: dtypes differ: input is float32, output is float64: convert one "
               "with to()");
  EXPECT_ERROR(skip_gram_loss(ones({4, 3}), ones({2, 3}), ids, ids, negatives), IndexError,
               "skip_gram_loss: contexts: index 2 at position [1] is outside [0, 2)");
}

}  // namespace
}  // namespace gradus
