// Memory over many training steps.
#include <gradus/framework/base/memory.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/optim/adam.h>
#include <gradus/optim/training/clip.h>
#include <gradus/tests/support/threads_guard.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

struct Model : Module {
  Model()
      : embedding(add("embedding", Embedding(500, 24, {.padding_idx = 0, .sparse = true}))),
        hidden(add("hidden", Linear(24, 48))),
        output(add("output", Linear(48, 5))) {}

  Tensor operator()(const Tensor& ids) const {  // [B, T] -> [B, 5]
    return output(relu(hidden(mean(embedding(ids), 1))));
  }

  const Embedding embedding;
  const Linear hidden, output;
};

TEST(SteadyMemory, OverAThousandTrainingSteps) {
  const OneThread one;
  Generator generator(1);
  const Model model;
  Adam optimizer(model.parameters(), {.lr = 1e-2, .lazy = true});
  Tensor last;       // a loss that outlives its step
  double total = 0;  // of losses as numbers
  const auto step = [&] {
    optimizer.zero_grad();
    const Tensor ids = randint(0, 500, {16, 6}, generator);
    const Tensor loss = cross_entropy(model(ids), randint(0, 5, {16}, generator));
    loss.backward();
    clip_grad_norm(model.parameters(), 1.0);
    optimizer.step();
    total += loss.item();
    last = loss;
  };
  for (int i = 0; i < 100; ++i) step();
  model.zero_grad();
  const std::int64_t live = memory_stats().live;
  reset_peak_memory();
  for (int i = 0; i < 100; ++i) step();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 1000; ++i) step();
  const MemoryStats after = memory_stats();
  model.zero_grad();
  EXPECT_EQ(memory_stats().live, live);
#ifndef GRADUS_DEBUG_MEMORY  // which takes every block from the system
  EXPECT_EQ(after.fresh, before.fresh);
  EXPECT_EQ(after.reserved, before.reserved);
#endif
  EXPECT_LE(after.peak, before.peak + 65536);  // a batch may hold more distinct words
  EXPECT_GT(total, 0);
}

TEST(SteadyMemory, GrowsByGraphsThatAreHeld) {  // so that the test above sees something
  const Model model;
  Tensor total = zeros({});
  const Tensor ids = ones({16, 6}, DType::int64);
  total = total + sum(model(ids));
  const std::int64_t one = memory_stats().live;
  for (int i = 0; i < 10; ++i) total = total + sum(model(ids));
  EXPECT_GT(memory_stats().live, one + 10 * 16 * 48 * 4);
}

}  // namespace
}  // namespace gradus
