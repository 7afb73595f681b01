// The same bits for a seed with any number of threads, and from run to run.
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/sgd.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <functional>

namespace gradus {
namespace {

using Hashes = std::vector<std::uint64_t>;

// Calls f with 1, 2, 3 and 8 threads, twice with 1 and 2, at both grains, and expects one result.
void expect_one_result(const std::function<Hashes()>& f) {
  const ThreadsGuard guard;
  for (const std::int64_t grain : {std::int64_t{64}, detail::default_parallel_grain}) {
    set_parallel_grain(grain);
    set_num_threads(1);
    const Hashes expected = f();
    for (const int threads : {1, 2, 3, 8, 2}) {
      set_num_threads(threads);
      EXPECT_EQ(f(), expected) << threads << " threads, grain " << grain;
    }
  }
}

struct Classifier : Module {
  Classifier(std::int64_t words, std::int64_t width, std::int64_t classes)
      : embedding(add("embedding", Embedding(words, width, {.padding_idx = 0, .sparse = true}))),
        hidden(add("hidden", Linear(width, width))),
        dropout(add("dropout", Dropout(0.3))),
        output(add("output", Linear(width, classes))) {}

  Tensor operator()(const Tensor& ids) const {  // [B, T] -> [B, classes]
    return output(dropout(tanh(hidden(mean(embedding(ids), 1)))));
  }

  const Embedding embedding;
  const Linear hidden;
  const Dropout dropout;
  const Linear output;
};

// A hash of the loss and of all parameters after each step.
template <class Optimizer, class Options>
Hashes train(const Options& options) {
  manual_seed(7);
  const Classifier model(300, 40, 30);
  Optimizer optimizer(model.parameters(), options);
  Generator generator(3);
  Hashes hashes;
  for (int step = 0; step < 4; ++step) {
    optimizer.zero_grad();
    const Tensor ids = randint(0, 300, {60, 7}, generator);
    const Tensor loss = cross_entropy(model(ids), randint(0, 30, {60}, generator));
    loss.backward();
    clip_grad_norm(model.parameters(), 0.5);
    optimizer.step();
    hashes.push_back(hash_of<float>(loss));
    for (const NamedParameter& p : model.parameters()) {
      hashes.push_back(hash_of<float>(p.parameter));
    }
  }
  return hashes;
}

TEST(SameBits, OfTrainingWithAdamForAnyNumberOfThreads) {
  expect_one_result([] { return train<Adam>(AdamOptions{.lr = 0.01, .lazy = true}); });
}

TEST(SameBits, OfTrainingWithMomentumForAnyNumberOfThreads) {
  expect_one_result([] { return train<SGD>(SGDOptions{.lr = 0.1, .momentum = 0.9}); });
}

TEST(SameBits, ChangeWithTheSeed) {  // so that the hashes above see something
  const Hashes one = train<SGD>(SGDOptions{.lr = 0.1});
  const Hashes other = train<SGD>(SGDOptions{.lr = 0.2});
  EXPECT_EQ(one[0], other[0]);
  EXPECT_NE(one.back(), other.back());
}

std::uint64_t bits_of(const Tensor& x) {
  return x.dtype() == DType::float32 ? hash_of<float>(x) : hash_of<double>(x);
}

// Hashes of y and of the gradients of all inputs for a random cotangent.
Hashes hashes_of(const Tensor& y, const std::vector<Tensor>& inputs) {
  Generator generator(5);
  y.backward(randn(y.shape(), 0, 1, y.dtype(), generator));
  Hashes hashes{bits_of(y)};
  for (const Tensor& input : inputs) {
    hashes.push_back(bits_of(input.grad().dense()));
    input.clear_grad();
  }
  return hashes;
}

Tensor random_leaf(const Shape& shape, std::uint64_t seed, DType dtype = DType::float32) {
  Generator generator(seed);
  return randn(shape, 0, 3, dtype, generator).set_trainable(true);
}

TEST(SameBits, OfProductsForAnyNumberOfThreads) {
  const Tensor a = random_leaf({150, 170}, 1), b = random_leaf({170, 130}, 2);
  const Tensor bias = random_leaf({150}, 3);
  expect_one_result([&] { return hashes_of(matmul(a, b), {a, b}); });
  expect_one_result([&] { return hashes_of(linear(transpose(b, 0, 1), a, bias), {a, b, bias}); });
  const Tensor c = random_leaf({9, 40, 30}, 4), d = random_leaf({9, 30, 40}, 5);
  expect_one_result([&] { return hashes_of(matmul(c, d), {c, d}); });
}

TEST(SameBits, OfSoftmaxForAnyNumberOfThreads) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor x = random_leaf({90, 1100}, 1, dtype);
    expect_one_result([&] { return hashes_of(softmax(x, 1), {x}); });
    expect_one_result([&] { return hashes_of(log_softmax(x, 0), {x}); });
  }
}

// In float64, whose sums show the order in which they were added.
TEST(SameBits, OfReductionsForAnyNumberOfThreads) {
  const Tensor x = random_leaf({3000, 70}, 1, DType::float64);
  for (const Axes& axes : {Axes(0), Axes(1), Axes{0, 1}}) {
    expect_one_result([&] { return hashes_of(sum(x, axes), {x}); });
    expect_one_result([&] { return hashes_of(mean(x, axes, true), {x}); });
    expect_one_result([&] { return hashes_of(amax(x, axes), {x}); });
  }
  const Tensor flat = random_leaf({210000}, 2, DType::float64);
  expect_one_result([&] { return hashes_of(sum(flat), {flat}); });
}

}  // namespace
}  // namespace gradus
