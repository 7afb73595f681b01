// What graphs hold on to, and that they are walked and freed without recursion.
#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <functional>
#include <string>
#include <vector>

#include "graph_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Runs f on a thread with a stack of 256 KiB.
void on_small_stack(std::function<void()> f) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{256} << 10), 0);
  pthread_t thread{};
  ASSERT_EQ(pthread_create(
                &thread, &attributes,
                [](void* work) -> void* {
                  (*static_cast<std::function<void()>*>(work))();
                  return nullptr;
                },
                &f),
            0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int deep = 100'000;  // still ten times what recursion would survive on 256 KiB
#else
constexpr int deep = 1'000'000;
#endif

// Makes a deep graph on a small stack, runs backward or not, and sees that nothing is left of it.
void expect_freed(const std::function<Tensor(const Tensor&)>& make, double gradient) {
  const MemoryStats before = memory_stats();
  for (const bool runs_backward : {true, false}) {
    on_small_stack([&] {
      const Tensor x = leaf({1});
      const Tensor y = make(x);
      if (!runs_backward) return;
      y.backward();
      EXPECT_THAT(grad(x), ElementsAre(gradient));
    });
    EXPECT_EQ(memory_stats().live, before.live) << runs_backward;
  }
}

TEST(DeepGraph, ChainIsWalkedAndFreedWithoutRecursion) {
  expect_freed(
      [](const Tensor& x) {
        Tensor y = x;
        for (int i = 0; i < deep; ++i) y = y + 1.0;
        return y;
      },
      1);
}

TEST(DeepGraph, OfDiamondsIsWalkedAndFreedWithoutRecursion) {
  expect_freed(
      [](const Tensor& x) {
        Tensor y = x;
        for (int i = 0; i < deep; ++i) y = i % 2 == 0 ? y + y : y * 0.5;
        return y;
      },
      1);
}

TEST(DeepGraph, WithSiblingOutputsIsWalkedAndFreedWithoutRecursion) {
  expect_freed(
      [](const Tensor& x) {
        Tensor a = x * 1.0;
        Tensor b = x * 1.0;
        for (int i = 0; i < deep; ++i) {
          Tensor c = a.detach();
          Tensor d = b.detach();
          record_joint("swap", {c, d}, {a, b}, [](Cotangents g, Needs) {
            return std::vector<Gradient>{g[0], g[1]};
          });
          a = c;
          b = d;
        }
        return a + b;
      },
      2);
}

TEST(DeepGraph, OfClosuresThatHoldTensorsIsFreedWithoutRecursion) {
  expect_freed(  // held by closures only
      [](const Tensor& x) {
        Tensor y = x * 1.0;
        for (int i = 0; i < deep; ++i) {
          y = record("holds", y.detach(), vjp(x, [y](const Tensor& g) { return g; }));
        }
        return y;
      },
      1);
  expect_freed(  // held by edges and closures
      [](const Tensor& x) {
        Tensor y = x * 1.0;
        for (int i = 0; i < deep; ++i) {
          y = record("holds", y.detach(), vjp(y, [y](const Tensor& g) { return g; }));
        }
        return y;
      },
      1);
}

TEST(Memory, IsFlatOverTrainingStepsAndTakesNothingFresh) {
  const Tensor w = full({64, 64}, 0.5).set_trainable(true);
  const Tensor x = full({64, 64}, 0.25);
  const auto step = [&] {
    w.clear_grad();
    const Tensor y = tanh(w * x) + w;
    y.backward(ones_like(y));
    const NoGradGuard no_grad;
    w.add_(w.grad().dense(), -0.001);
  };
  for (int i = 0; i < 10; ++i) step();
  const MemoryStats before = memory_stats();
  for (int i = 0; i < 1000; ++i) step();
  EXPECT_EQ(memory_stats().live, before.live);
#ifndef GRADUS_DEBUG_MEMORY
  EXPECT_EQ(memory_stats().fresh, before.fresh);
#endif
  EXPECT_LT(w.data<float>()[0], 0.5F);
}

TEST(Memory, OfALossThatRanBackwardHoldsNoGraph) {
  const Tensor w = full({1024}, 0.5, DType::float64).set_trainable(true);
  Tensor y;
  {
    const Tensor big = exp(w * 2.0);
    y = big + 1.0;
  }
  y.backward(ones_like(y));
  const std::int64_t with_loss = memory_stats().live;
  w.clear_grad();
  y = Tensor();
  // The loss itself and the gradient: two buffers of 8 KiB and small objects, no saved values.
  EXPECT_LT(with_loss - memory_stats().live, 3 * 8192);
}

TEST(Memory, OfALossThatRanBackwardHoldsNoOps) {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 1000; ++i) y = y + 1.0;
  y.backward();
  const std::int64_t with_loss = memory_stats().live;
  y = Tensor();
  EXPECT_LT(with_loss - memory_stats().live, 1000);  // bytes, where 1000 ops take 200 each
}

TEST(Memory, OfAnOpThatSavesItsOutputIsGivenBack) {
  const std::int64_t before = memory_stats().live;
  for (const bool runs_backward : {false, true}) {
    const Tensor x = full({1000}, 0.5, DType::float64).set_trainable(true);
    const std::int64_t with_leaf = memory_stats().live;
    {
      const Tensor own = x.detach().clone();
      const Tensor y =
          record("own", own, vjp(x, [own = Saved(own)](const Tensor& g) { return mul(g, *own); }));
      const std::vector<Tensor> outputs{exp(y), tanh(x), sqrt(y), sigmoid(x)};
      for (const Tensor& output : outputs) {
        if (runs_backward) output.backward(ones_like(output), {.retain_graph = true});
      }
    }
    x.clear_grad();
    EXPECT_EQ(memory_stats().live, with_leaf);
  }
  EXPECT_EQ(memory_stats().live, before);
}

TEST(Memory, OfASumOfLossesIsFlatInEveryStyle) {
  const Tensor w = full({64}, 0.5, DType::float64).set_trainable(true);
  const auto expect_flat = [&](const std::string& style, const std::function<void()>& step) {
    for (int i = 0; i < 10; ++i) step();
    const std::int64_t before = memory_stats().live;
    for (int i = 0; i < 1000; ++i) step();
    EXPECT_EQ(memory_stats().live, before) << style;
  };
  const auto trained = [&] {
    w.clear_grad();
    const Tensor loss = sum(exp(w * 2.0));
    loss.backward();
    return loss;
  };
  double number = 0;
  expect_flat("item", [&] { number += trained().item(); });
  Tensor tensor = scalar(0.0);
  expect_flat("a tensor, after backward", [&] { tensor = tensor + trained(); });
  EXPECT_DOUBLE_EQ(tensor.item(), number);
  EXPECT_THAT(message_of<AutogradError>([&] { tensor.backward(); }),
              HasSubstr("graph of sum was freed"));
  Tensor detached = scalar(0.0);
  expect_flat("a detached tensor", [&] { detached = detached + trained().detach(); });
  EXPECT_FALSE(detached.requires_grad());
  Tensor unrecorded = scalar(0.0);
  expect_flat("under NoGradGuard", [&] {
    const Tensor loss = trained();
    const NoGradGuard no_grad;
    unrecorded = unrecorded + loss;
  });
}

}  // namespace
}  // namespace gradus
