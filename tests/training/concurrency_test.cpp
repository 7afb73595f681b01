// One model used by several threads, each of which also runs parallel kernels.
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/thread_state.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
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

// Heads of different threads on one frozen table: what users do with pretrained vectors.
TEST(Concurrency, ThreadsTrainHeadsOnOneFrozenTable) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(64);
  Generator generator(1);
  const Embedding table =
      Embedding::from_pretrained(randn({50, 16}, 0, 1, DType::float32, generator), true);
  const std::uint64_t before = hash_of<float>(table.weight);
  const auto train = [&](std::uint64_t seed) {
    Generator own(seed);
    const Linear head(16, 3, {}, own);
    const Tensor ids = randint(0, 50, {30, 4}, own), labels = randint(0, 3, {30}, own);
    for (int step = 0; step < 10; ++step) {
      head.zero_grad();
      cross_entropy(head(mean(table(ids), 1)), labels).backward();
      const NoGradGuard no_grad;
      head.weight.add_(head.weight.grad().dense(), -0.5);
    }
    return hash_of<float>(head.weight);
  };
  std::vector<std::uint64_t> expected, found(4);
  for (std::uint64_t t = 0; t < 4; ++t) expected.push_back(train(t));
  run_on_threads(
      4, [&](int t) { found[static_cast<std::size_t>(t)] = train(static_cast<std::uint64_t>(t)); });
  EXPECT_EQ(found, expected);
  EXPECT_EQ(hash_of<float>(table.weight), before);
  EXPECT_TRUE(table.weight.grad().empty());
}

TEST(Concurrency, EachThreadHasItsOwnGradMode) {
  const Tensor x = ones({4}).set_trainable(true);
  const NoGradGuard no_grad;
  std::vector<int> recorded(4, -1), carried(4, -1);
  run_on_threads(4, [&](int t) {
    const auto i = static_cast<std::size_t>(t);
    if (t % 2 == 0) {
      const NoGradGuard own;
      recorded[i] = tanh(x).requires_grad() ? 1 : 0;
    } else {
      recorded[i] = tanh(x).requires_grad() ? 1 : 0;
    }
  });
  EXPECT_EQ(recorded, (std::vector<int>{0, 1, 0, 1}));
  run_on_threads(4, with_thread_state([&](int t) {
                   carried[static_cast<std::size_t>(t)] = tanh(x).requires_grad() ? 1 : 0;
                 }));
  EXPECT_EQ(carried, (std::vector<int>(4, 0)));
  EXPECT_FALSE(tanh(x).requires_grad());
}

// Products of several sizes, by BLAS and by the own kernel, each thread's also split over workers.
TEST(Concurrency, ProductsOfSeveralThreadsHaveTheBitsOfOne) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(1024);
  const std::vector<std::int64_t> sizes{3, 17, 64, 150, 260};
  const auto product = [&](std::uint64_t seed) {
    std::vector<std::uint64_t> hashes;
    for (const std::int64_t n : sizes) {
      Generator own(seed);
      const Tensor a = randn({n, n}, 0, 1, DType::float32, own).set_trainable(true);
      const Tensor b = randn({n, n}, 0, 1, DType::float32, own);
      const Tensor y = matmul(a, b);
      sum(y).backward();
      hashes.push_back(hash_of<float>(y));
      hashes.push_back(hash_of<float>(a.grad().dense()));
    }
    return hashes;
  };
  std::vector<std::vector<std::uint64_t>> expected, found(4);
  for (std::uint64_t t = 0; t < 4; ++t) expected.push_back(product(t));
  for (int round = 0; round < 3; ++round) {
    run_on_threads(4, [&](int t) {
      found[static_cast<std::size_t>(t)] = product(static_cast<std::uint64_t>(t));
    });
    EXPECT_EQ(found, expected);
  }
}

// An error on one thread leaves its modes, the loops and the other threads as they were.
TEST(Concurrency, AnErrorOnOneThreadHarmsNoOther) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(64);
  const Embedding table(10, 8);
  const Tensor good = tensor({1, 3, 3}), bad = tensor({1, 10});
  const Tensor weight = ones({8, 8}).set_trainable(true);
  std::vector<int> errors(4, 0), right(4, 0);
  run_on_threads(4, [&](int t) {
    const auto i = static_cast<std::size_t>(t);
    for (int round = 0; round < 25; ++round) {
      try {
        const NoGradGuard no_grad;
        static_cast<void>(table(t % 2 == 0 ? bad : good));
      } catch (const IndexError&) {
        ++errors[i];
      }
      try {
        parallel_for(100, 64, [&](std::int64_t begin, std::int64_t) {
          if (begin == 50 && t % 2 == 0) throw ValueError("chunk 50");
        });
      } catch (const ValueError&) {
        ++errors[i];
      }
      right[i] += grad_enabled() && matmul(table(good), weight).requires_grad() ? 1 : 0;
    }
  });
  EXPECT_EQ(errors, (std::vector<int>{50, 0, 50, 0}));
  EXPECT_EQ(right, std::vector<int>(4, 25));
}

// Ops called inside of a parallel loop run on the thread of the chunk and give the same values.
TEST(Concurrency, OpsMayBeCalledInsideOfAParallelLoop) {
  const ThreadsGuard guard;
  set_num_threads(2);
  set_parallel_grain(1);
  Generator generator(2);
  const Tensor x = randn({40, 30}, 0, 1, DType::float32, generator);
  const Tensor expected = softmax(matmul(x, x, {.trans_b = true}), 1);
  std::vector<int> equal(8, 0);
  parallel_for(8, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      equal[static_cast<std::size_t>(i)] =
          same_bytes(softmax(matmul(x, x, {.trans_b = true}), 1), expected) ? 1 : 0;
    }
  });
  EXPECT_EQ(equal, std::vector<int>(8, 1));
}

}  // namespace
}  // namespace gradus
