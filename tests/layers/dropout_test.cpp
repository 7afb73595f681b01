#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/sequential.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>

namespace gradus {
namespace {

TEST(Dropout, DropsInTrainingOnly) {
  Generator generator(1);
  const Dropout layer(0.5, generator);
  const Tensor x = ones({100});
  const auto trained = values_of(layer(x));
  EXPECT_GT(std::count(trained.begin(), trained.end(), 0.0), 20);
  EXPECT_GT(std::count(trained.begin(), trained.end(), 2.0), 20);
  layer.eval();
  EXPECT_TRUE(layer(x).is_same(x));
  EXPECT_EQ(generator.offset(), 100U);
}

TEST(Dropout, FollowsTheModeOfTheModelThatHoldsIt) {
  const Sequential model(relu, Dropout(1.0));
  const Tensor x = ones({3});
  EXPECT_TRUE(has_values(model(x), {3}, {0, 0, 0}));
  model.eval();
  EXPECT_TRUE(has_values(model(x), {3}, {1, 1, 1}));
}

TEST(Dropout, DrawsFromTheDefaultGenerator) {
  const Dropout layer(0.5);
  manual_seed(3);
  const auto first = values_of(layer(ones({100})));
  manual_seed(3);
  EXPECT_EQ(values_of(layer(ones({100}))), first);
}

TEST(Dropout, ChecksAndShowsItsProbability) {
  EXPECT_ERROR(Dropout(1.5), ValueError, "Dropout: p is 1.5, it must be between 0 and 1");
  EXPECT_ERROR(Dropout(-0.1), ValueError, "Dropout: p is -0.1, it must be between 0 and 1");
  EXPECT_EQ(Dropout(0.25).str(), "Dropout(p=0.25)");
}

TEST(LockedDropout, HasOneMaskPerSequenceInTrainingOnly) {
  Generator generator(1);
  const LockedDropout layer(0.5, generator);
  const Tensor x = ones({2, 3, 40});
  const Tensor y = layer(x);
  EXPECT_EQ(values_of(y[0][0]), values_of(y[0][2]));
  EXPECT_NE(values_of(y[0][0]), values_of(y[1][0]));
  EXPECT_NE(values_of(layer(x)), values_of(y));
  layer.eval();
  EXPECT_TRUE(layer(x).is_same(x));
  EXPECT_EQ(layer.str(), "LockedDropout(p=0.5)");
  EXPECT_ERROR(LockedDropout(2), ValueError, "LockedDropout: p is 2, it must be between 0 and 1");
}

TEST(EmbeddingDropout, DropsWholeWordsInTrainingOnly) {
  Generator generator(1);
  const EmbeddingDropout layer(0.5, generator);
  const Embedding table = Embedding::from_pretrained(ones({50, 4}), /*freeze=*/false);
  const Tensor ids = cat({arange(50), arange(50)});
  const std::vector<double> y = values_of(layer(table, ids));
  EXPECT_TRUE(std::equal(y.begin(), y.begin() + 200, y.begin() + 200));
  EXPECT_GT(std::count(y.begin(), y.end(), 0.0), 80);
  EXPECT_GT(std::count(y.begin(), y.end(), 2.0), 80);
  sum(layer(table, ids)).backward();
  EXPECT_TRUE(table.weight.grad().is_dense());
  layer.eval();
  EXPECT_EQ(values_of(layer(table, ids)), std::vector<double>(400, 1));
  EXPECT_EQ(layer.str(), "EmbeddingDropout(p=0.5)");
  EXPECT_ERROR(EmbeddingDropout(-1), ValueError,
               "EmbeddingDropout: p is -1, it must be between 0 and 1");
}

}  // namespace
}  // namespace gradus
