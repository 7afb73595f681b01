// Recurrent layers learn to copy: they read some symbols, then as many blanks, at which they have
// to write the symbols down in order.
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/recurrent.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

constexpr std::int64_t kSymbols = 3, kLength = 6, kHidden = 20;

struct Batch {
  Tensor x;       ///< one-hot [B, 2 kLength, kSymbols + 1]
  Tensor labels;  ///< [B * kLength]
};

Batch make_batch(std::int64_t B, Generator& generator) {
  const Tensor symbols = randint(kSymbols, {B, kLength}, generator);
  const Tensor blanks = full({B, kLength}, kSymbols, DType::int64);
  const Tensor ids = cat({symbols, blanks}, 1);
  return {one_hot(ids, kSymbols + 1).to(DType::float32), reshape(symbols, {B * kLength})};
}

struct Training {
  double lr = 0.02;
  bool frozen = false;  ///< the recurrent weights
};

/// The share of symbols that are right after training.
template <class Layer>
double accuracy(const Training& training) {
  manual_seed(1);
  Generator generator(2);
  const Layer layer(kSymbols + 1, kHidden);
  const Linear output(kHidden, kSymbols);
  layer.weights(0).weight_hh.set_trainable(!training.frozen);
  std::vector<NamedParameter> parameters = layer.parameters();
  for (const NamedParameter& p : output.parameters()) {
    parameters.push_back({"output." + p.path, p.parameter});
  }
  const auto logits = [&](const Batch& batch) {
    const Tensor y = slice(layer(batch.x).output, 1, kLength, 2 * kLength);
    return output(reshape(y, {batch.labels.numel(), kHidden}));
  };
  Adam optimizer(parameters, {.lr = training.lr});
  for (int step = 0; step < 1000; ++step) {
    const Batch batch = make_batch(32, generator);
    optimizer.zero_grad();
    cross_entropy(logits(batch), batch.labels).backward();
    clip_grad_norm(parameters, 1.0);
    optimizer.step();
  }
  const Batch test = make_batch(500, generator);
  return mean(equal(argmax(logits(test), 1), test.labels).to(DType::float32)).item();
}

// With six other seeds: 0.97 or more; 0.84 or less; 0.35 or less.
template <class Layer>
void expect_learning() {
  EXPECT_GT(accuracy<Layer>({}), 0.92);
  EXPECT_LT(accuracy<Layer>({.frozen = true}), 0.88);
  EXPECT_LT(accuracy<Layer>({.lr = 0}), 0.45);
}

TEST(SlowRecurrentLearning, AnRnnLearnsToCopy) { expect_learning<RNN>(); }
TEST(SlowRecurrentLearning, AGruLearnsToCopy) { expect_learning<GRU>(); }
TEST(SlowRecurrentLearning, AnLstmLearnsToCopy) { expect_learning<LSTM>(); }

}  // namespace
}  // namespace gradus
