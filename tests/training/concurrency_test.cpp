// One model used by several threads, each of which also runs parallel kernels.
#include <gradus/framework/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/softmax.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/sequential.h>
#include <gradus/tests/optim/optim_testing.h>
#include <gtest/gtest.h>

#include <functional>
#include <thread>

namespace gradus {
namespace {

Sequential model() {
  return Sequential(
      Embedding(50, 32), [](const Tensor& x) { return mean(x, 1); }, Linear(32, 64), tanh,
      Dropout(0.5), Linear(64, 7), [](const Tensor& x) { return softmax(x, 1); });
}

void run_on_threads(int count, const std::function<void(int)>& f) {
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) threads.emplace_back(f, t);
  for (std::thread& thread : threads) thread.join();
}

TEST(Concurrency, ForwardOnOneModelInEvalModeGivesWhatOneThreadGives) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(64);
  const Sequential net = model();
  net.eval();
  std::vector<Tensor> inputs, expected;
  for (unsigned i = 0; i < 4; ++i) {
    Generator generator(i);
    inputs.push_back(randint(0, 50, {20, 5}, generator));
    expected.push_back(net(inputs.back()));
  }
  for (const bool recording : {false, true}) {
    std::vector<int> equal(4, 0);
    run_on_threads(4, [&](int t) {
      const auto i = static_cast<std::size_t>(t);
      for (int round = 0; round < 20; ++round) {
        if (recording) {
          const Tensor y = net(inputs[i]);
          equal[i] += y.requires_grad() && same_bytes(y, expected[i]) ? 1 : 0;
        } else {
          const NoGradGuard no_grad;
          const Tensor y = net(inputs[i]);
          equal[i] += !y.requires_grad() && same_bytes(y, expected[i]) ? 1 : 0;
        }
      }
    });
    EXPECT_EQ(equal, std::vector<int>(4, 20)) << "recording: " << recording;
  }
}

TEST(Concurrency, BackwardIntoSharedLeavesAddsWhatOneThreadAdds) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(64);
  for (const bool sparse : {false, true}) {
    // Integers in double: sums are exact in any order.
    const Embedding table = Embedding::from_pretrained(ones({6, 8}, DType::float64),
                                                       /*freeze=*/false, {.sparse = sparse});
    const Tensor ids = tensor({1, 3, 3, 5});
    run_on_threads(4, [&](int) {
      for (int round = 0; round < 25; ++round) sum(table(ids) * 2.0).backward();
    });
    const Tensor gradient = table.weight.grad().to_dense();
    EXPECT_EQ(table.weight.grad().is_sparse(), sparse);
    for (std::int64_t row = 0; row < 6; ++row) {
      const double lookups = row == 3 ? 2 : row % 2 == 1 ? 1 : 0;
      EXPECT_EQ(gradient.data<double>()[row * 8], 200 * lookups) << row;
    }
  }
}

TEST(Concurrency, ReadingGradientsWritesNothing) {
  for (const bool sparse : {false, true}) {
    const Embedding table = Embedding::from_pretrained(ones({6, 8}, DType::float64),
                                                       /*freeze=*/false, {.sparse = sparse});
    const Tensor without = ones({2}).set_trainable(true);  // has no gradient yet
    const Tensor product = table.weight * 2.0;             // and never has one
    sum(table(tensor({1, 3, 3}))).backward();
    run_on_threads(4, [&](int) {
      for (int round = 0; round < 200; ++round) {
        const Gradient gradient = table.weight.grad();  // a handle of its own
        EXPECT_EQ(gradient.is_sparse(), sparse);
        EXPECT_EQ(gradient.to_dense().data<double>()[3 * 8], 2);
        EXPECT_TRUE(without.grad().empty());
        EXPECT_TRUE(product.grad().empty());
        EXPECT_FALSE(table.weight.grad().str().empty());
      }
    });
    EXPECT_EQ(table.weight.grad().to_dense().data<double>()[3 * 8], 2);
  }
}

TEST(Concurrency, ThreadsTrainModelsOfTheirOwnAtTheSameTime) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(64);
  const auto train = [](std::uint64_t seed) {
    Generator generator(seed);
    const Linear layer(16, 9, {}, generator);
    const Tensor x = randn({40, 16}, 0, 1, DType::float32, generator);
    const Tensor labels = randint(0, 9, {40}, generator);
    for (int step = 0; step < 10; ++step) {
      layer.zero_grad();
      cross_entropy(layer(x), labels).backward();
      const NoGradGuard no_grad;
      for (const NamedParameter& p : layer.parameters()) {
        p.parameter.add_(p.parameter.grad().dense(), -0.5);
      }
    }
    return hash_of<float>(layer.weight);
  };
  std::vector<std::uint64_t> expected, found(4);
  for (std::uint64_t t = 0; t < 4; ++t) expected.push_back(train(t));
  run_on_threads(
      4, [&](int t) { found[static_cast<std::size_t>(t)] = train(static_cast<std::uint64_t>(t)); });
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace gradus
