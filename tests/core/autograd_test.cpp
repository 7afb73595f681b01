#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/inspect/gradcheck.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "graph_testing.h"

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Backward, AddsEveryUseOfALeafExactly) {
  for (int uses = 1; uses <= 100; uses = uses < 16 ? uses + 1 : uses + 84) {
    const Tensor x = leaf({3});
    Tensor sum = x * 1.0;
    for (int i = 2; i <= uses; ++i) sum = sum + x * static_cast<double>(i);
    sum.backward();
    EXPECT_THAT(grad(x), ElementsAre(uses * (uses + 1) / 2)) << uses << " uses";
  }
}

TEST(Backward, AddsToTheGradientThatIsThere) {
  const Tensor x = leaf({2, 5});
  (x * 3.0).backward(ones_like(x));
  (x * 4.0).backward(ones_like(x));
  EXPECT_THAT(grad(x), ElementsAre(7, 7));
}

TEST(Backward, GivesARepeatedInputBothContributions) {
  const Tensor x = leaf({3});
  mul(x, x).backward();
  EXPECT_THAT(grad(x), ElementsAre(6));
}

TEST(Backward, SumsOverBroadcastAxes) {
  const Tensor a = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {2, 1, 3}).set_trainable(true);
  const Tensor b = tensor({1.0, 10.0}, {2, 1}).set_trainable(true);
  const Tensor c = scalar(2.0).set_trainable(true);
  const Tensor y = a * b * c;  // [2, 2, 3]
  y.backward(ones_like(y));
  EXPECT_EQ(a.grad().dense().shape(), (Shape{2, 1, 3}));
  EXPECT_THAT(grad(a), ElementsAre(22, 22, 22, 22, 22, 22));
  EXPECT_THAT(grad(b), ElementsAre(42, 42));
  EXPECT_THAT(grad(c), ElementsAre(21 * 11));
}

TEST(Backward, NeverLetsTwoLeavesShareAGradient) {
  const Tensor a = leaf({1, 2});
  const Tensor b = leaf({3, 4});
  const Tensor cotangent = tensor({1.0, 1.0});
  add(a, b).backward(cotangent);
  const double* ga = a.grad().dense().data<double>();
  const double* gb = b.grad().dense().data<double>();
  EXPECT_NE(ga, gb);
  EXPECT_NE(ga, cotangent.data<double>());
  EXPECT_NE(gb, cotangent.data<double>());
}

TEST(Backward, LeavesTheCotangentAsItWas) {
  const Tensor x = leaf({1});
  const Tensor w = leaf({1});
  const Tensor cotangent = tensor({3.0});
  add(w, add(x, x)).backward(cotangent);  // all of them get the same one
  EXPECT_THAT(values(cotangent), ElementsAre(3));
  EXPECT_THAT(grad(w), ElementsAre(3));
  EXPECT_THAT(grad(x), ElementsAre(6));
}

TEST(Backward, LeavesAGradientThatTheUserHoldsAsItWas) {
  const Tensor x = leaf({1});
  (x * 2.0).backward();
  const Tensor held = x.grad().dense();
  (x * 5.0).backward();
  EXPECT_THAT(values(held), ElementsAre(2));
  EXPECT_THAT(grad(x), ElementsAre(7));
}

TEST(Backward, SkipsWhatIsFrozen) {
  const Tensor x = leaf({2});
  const Tensor frozen = tensor({5.0});
  mul(x, frozen).backward();
  EXPECT_THAT(grad(x), ElementsAre(5));
  EXPECT_TRUE(frozen.grad().empty());
}

TEST(Backward, SkipsALeafThatWasFrozenAfterTheForward) {
  const Tensor x = leaf({2});
  const Tensor w = leaf({3});
  const Tensor y = x * w;
  w.set_trainable(false);
  y.backward();
  EXPECT_THAT(grad(x), ElementsAre(3));
  EXPECT_TRUE(w.grad().empty());
}

TEST(Backward, OfALeafIsTheCotangent) {
  const Tensor x = leaf({2, 3});
  x.backward(tensor({4.0, 5.0}));
  EXPECT_THAT(grad(x), ElementsAre(4, 5));
}

TEST(Backward, NeedsOneElementOrACotangent) {
  const Tensor y = leaf({1, 2}) * 2.0;
  EXPECT_THAT(message_of<ShapeError>([&] { y.backward(); }), HasSubstr("backward: the tensor [2]"));
  EXPECT_THAT(message_of<ShapeError>([&] { y.backward(ones({3}, DType::float64)); }),
              HasSubstr("cotangent [3] for a tensor [2]"));
  EXPECT_THAT(message_of<DTypeError>([&] { y.backward(ones({2})); }), HasSubstr("float32"));
}

TEST(Backward, AfterAFailureSaysWhichOpFailed) {
  const Tensor x = leaf({3});
  const Tensor bad =
      record("bad", x.clone(), vjp(x, [](const Tensor&) -> Tensor { throw ValueError("broken"); }));
  const Tensor y = bad * x;
  EXPECT_THROW(y.backward(), ValueError);
  const std::string text =
      "backward: the graph of mul was freed by an earlier backward() that failed in bad: compute "
      "the loss again";
  EXPECT_EQ(message_of<AutogradError>([&] { y.backward(); }), text);
  EXPECT_EQ(message_of<AutogradError>([&] { (y + x).backward(); }), text);  // built on it
  EXPECT_TRUE(x.grad().empty());
  // An attempt on a graph that was freed in the usual way is no failure of its own.
  const Tensor z = x * x;
  z.backward();
  EXPECT_THROW(z.backward(), AutogradError);
  EXPECT_THAT(message_of<AutogradError>([&] { (z + x).backward(); }),
              HasSubstr("was freed by an earlier backward(): add the losses"));
}

TEST(Backward, WithoutATrainableLeafSaysSo) {
  const Tensor y = tensor({1.0}) * 2.0;
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(); }), HasSubstr("frozen"));
}

TEST(Backward, FreesTheGraphUnlessToldToRetainIt) {
  const Tensor x = leaf({3});
  const Tensor y = x * x;
  y.backward({.retain_graph = true});
  y.backward();
  EXPECT_THAT(grad(x), ElementsAre(12));
  const std::string message = message_of<AutogradError>([&] { y.backward(); });
  EXPECT_THAT(message, HasSubstr("graph of mul was freed"));
  EXPECT_THAT(message, HasSubstr("retain_graph"));
  EXPECT_THAT(grad(x), ElementsAre(12));
}

TEST(Backward, NamesTheFreedOpThatTwoLossesShare) {
  const Tensor x = leaf({3});
  const Tensor shared = exp(x);
  const Tensor second = shared * 3.0;
  (shared * 2.0).backward();
  EXPECT_THAT(message_of<AutogradError>([&] { second.backward(); }),
              HasSubstr("graph of exp was freed"));
}

TEST(Backward, NamesTheFreedOpThatALaterLossUses) {
  const Tensor x = leaf({3});
  const Tensor shared = exp(x);
  (shared * 2.0).backward();
  const Tensor second = shared * 3.0 + x;
  EXPECT_TRUE(second.requires_grad());
  EXPECT_EQ(second.item(), 3 * std::exp(3.0) + 3);
  EXPECT_THAT(message_of<AutogradError>([&] { second.backward(); }),
              HasSubstr("graph of exp was freed"));
  EXPECT_THAT(grad(x), ElementsAre(2 * std::exp(3.0)));
}

TEST(Backward, ThatThrowsChangesNoGradient) {
  const Tensor a = leaf({3});
  const Tensor b = leaf({4});
  const Tensor c = tensor({2.0});
  const Tensor early = mul(b, c);  // needs c, which is changed below
  const Tensor y = a * 5.0 + early;
  c.fill_(9);
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(); }),
              HasSubstr("backward of mul: a value [1] that it needs was changed in place"));
  EXPECT_TRUE(a.grad().empty());
  EXPECT_TRUE(b.grad().empty());
}

TEST(Backward, NoticesAChangeThroughADetachedHandle) {
  const Tensor x = leaf({3});
  const Tensor y = exp(x);
  y.detach().fill_(0);
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(); }), HasSubstr("backward of exp"));
}

TEST(Backward, MayNotBeCalledInsideBackward) {
  const Tensor x = leaf({3});
  const Tensor inner = leaf({1}) * 2.0;
  const Tensor y = record("probe", x.clone(), vjp(x, [inner](const Tensor& g) {
                            inner.backward();
                            return g;
                          }));
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(); }),
              HasSubstr("gradients of gradients are not supported"));
}

TEST(Backward, RecordsNothingItself) {
  const Tensor x = leaf({3});
  bool recording = true;
  const Tensor y = record("probe", x.clone(), vjp(x, [&](const Tensor& g) {
                            recording = grad_enabled();
                            return g;
                          }));
  y.backward();
  EXPECT_FALSE(recording);
  EXPECT_TRUE(grad_enabled());
}

TEST(Backward, OfSeveralThreadsIntoOneLeafAddsAll) {
  const Tensor x = leaf({1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&x] {
      for (int i = 0; i < 100; ++i) (x * 3.0).backward();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(grad(x), ElementsAre(1200));
}

TEST(Reading, BetweenForwardAndBackwardChangesNothing) {
  const auto gradients = [](bool reads) {
    const Tensor x = leaf({1, 2, 3});
    const Tensor w = leaf({2});
    const Tensor y = exp(x * w);
    const Tensor loss = sum(y * y);
    if (reads) {
      for (const Tensor& t : {x, w, y, loss}) {
        EXPECT_TRUE(t.grad().empty());
        EXPECT_EQ(t.grad().str(), "no gradient");
        EXPECT_THROW((void)t.grad().dense(), AutogradError);
        EXPECT_FALSE(t.str().empty());
        EXPECT_EQ(values(t).size(), static_cast<std::size_t>(t.numel()));
        EXPECT_EQ(t.clone().numel(), t.detach().numel());
      }
      EXPECT_GT(loss.item(), 0);
      EXPECT_FALSE(y.is_leaf());
    }
    loss.backward();
    if (reads) {
      EXPECT_TRUE(y.grad().empty());
    }
    return std::pair(grad(x), grad(w));
  };
  EXPECT_EQ(gradients(true), gradients(false));
}

TEST(Reading, OfTheLastStepsGradientsBeforeBackwardStaysAsItWas) {
  const Tensor x = leaf({3});
  (x * 2.0).backward();
  const Tensor y = x * 5.0;
  const Tensor before = x.grad().dense();
  EXPECT_THAT(values(before), ElementsAre(2));
  y.backward();
  EXPECT_THAT(values(before), ElementsAre(2));
  EXPECT_THAT(grad(x), ElementsAre(7));
}

TEST(NoGradGuard, RecordsNothingAndIsUndoneByExceptions) {
  const Tensor x = leaf({1});
  try {
    const NoGradGuard guard;
    EXPECT_FALSE((x * 2.0).requires_grad());
    throw 1;
  } catch (int) {
  }
  EXPECT_TRUE((x * 2.0).requires_grad());
}

TEST(NoGradGuard, HoldsOnAfterTheEndOfAnInnerOne) {
  const NoGradGuard outer;
  { const NoGradGuard inner; }
  EXPECT_FALSE(grad_enabled());
}

TEST(NoGradGuard, HoldsForItsThreadOnly) {
  const NoGradGuard guard;
  bool other = false;
  std::thread([&] { other = grad_enabled(); }).join();
  EXPECT_TRUE(other);
  EXPECT_FALSE(grad_enabled());
}

TEST(Record, KeepsNoClosureOfAFrozenInput) {
  const Tensor x = leaf({1});
  const Tensor frozen = tensor({1.0});
  auto token = std::make_shared<int>(0);
  const Tensor y = record("probe", x.clone(), vjp(x, [](const Tensor& g) { return g; }),
                          vjp(frozen, [token](const Tensor& g) { return g; }));
  EXPECT_EQ(token.use_count(), 1);
}

TEST(Record, RefusesAResultThatIsPartOfAGraph) {
  const Tensor x = leaf({1});
  const Tensor y = x * 2.0;
  const auto pass = [](const Tensor& g) { return g; };
  EXPECT_THAT(message_of<AutogradError>([&] { record("again", y, vjp(x, pass)); }),
              HasSubstr("again: the result is already part of a graph"));
}

TEST(Record, RefusesAGradientOfAnotherShapeOrDType) {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = record("bad_shape", x.clone(),
                          vjp(x, [](const Tensor&) { return zeros({2}, DType::float64); }));
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(ones_like(y)); }),
              HasSubstr("backward of bad_shape: gradient [2] for input 0 of shape [3]"));
  const Tensor z = record("bad_dtype", x.clone(), vjp(x, [](const Tensor&) { return zeros({3}); }));
  EXPECT_THAT(message_of<DTypeError>([&] { z.backward(ones_like(z)); }),
              HasSubstr("backward of bad_dtype: gradient of dtype float32"));
}

TEST(Saved, ThrowsOnceItWasMovedFrom) {
  Saved a(tensor({1.0}));
  const Saved b = std::move(a);
  EXPECT_THROW(*a, Error);  // NOLINT(bugprone-use-after-move): what is tested
  EXPECT_THAT(values(*b), ElementsAre(1));
}

TEST(Saved, HoldsAnUndefinedTensorAsSuch) {
  const Saved none{Tensor()};
  EXPECT_FALSE(none.defined());
  EXPECT_FALSE((*none).defined());
  EXPECT_TRUE(Saved(tensor({1.0})).defined());
}

TEST(Record, TakesAnOptionalInputThatWasLeftOut) {
  const Tensor x = leaf({1, 2}), none;
  const auto scaled = [&](const Tensor& factor) {
    const Tensor y = factor.defined() ? x.detach() * factor.detach() : x.clone();
    return record("scaled", y,
                  vjp(x, [f = Saved(factor)](const Tensor& g) { return f.defined() ? g * *f : g; }),
                  vjp(factor, [x = Saved(x)](const Tensor& g) { return g * *x; }));
  };
  sum(scaled(none)).backward();
  EXPECT_THAT(values(x.grad().dense()), ElementsAre(1, 1));
  x.clear_grad();
  const Tensor factor = leaf({3, 4});
  sum(scaled(factor)).backward();
  EXPECT_THAT(values(x.grad().dense()), ElementsAre(3, 4));
  EXPECT_THAT(values(factor.grad().dense()), ElementsAre(1, 2));
  EXPECT_FALSE(
      record("alone", x.clone(), vjp(none, [](const Tensor& g) { return g; })).requires_grad());
}

TEST(RecordJoint, TakesOptionalInputsThatWereLeftOut) {
  const Tensor x = leaf({1, 2}), y = x.clone(), none;
  std::vector<bool> needed;
  record_joint("joint", {y}, {none, x, none}, [&](Cotangents g, Needs needs) {
    needed.assign(needs.begin(), needs.end());
    return std::vector<Gradient>{Tensor(), g[0], Tensor()};
  });
  sum(y).backward();
  EXPECT_EQ(needed, (std::vector<bool>{false, true, false}));
  EXPECT_THAT(values(x.grad().dense()), ElementsAre(1, 1));
}

TEST(Record, RefusesAVjpThatReturnsNothing) {
  const Tensor x = leaf({1, 2}), w = leaf({3, 4});
  const Tensor plain = record("plain", x.clone(), vjp(x, [](const Tensor&) { return Tensor(); }));
  const auto text = [](const char* op, int input) {
    return "backward of " + std::string(op) + ": the gradient of input " + std::to_string(input) +
           " is an undefined tensor: return zeros where it is 0";
  };
  EXPECT_EQ(message_of<AutogradError>([&] { plain.backward(ones_like(plain)); }), text("plain", 0));
  const Tensor second = record("second", x.clone(), vjp(x, [](const Tensor& g) { return g; }),
                               elementwise_vjp(w, [](const Tensor&) { return Tensor(); }));
  EXPECT_EQ(message_of<AutogradError>([&] { second.backward(ones_like(second)); }),
            text("second", 1));
  const Tensor any = record("any", x.clone(), vjp(x, [](const Tensor&) { return Gradient(); }));
  EXPECT_EQ(message_of<AutogradError>([&] { any.backward(ones_like(any)); }), text("any", 0));
  const Tensor repeated =
      record("repeated", x.clone(), vjp(x, [](const Tensor&) { return Repeated{}; }));
  EXPECT_EQ(message_of<AutogradError>([&] { repeated.backward(ones_like(repeated)); }),
            text("repeated", 0));
  EXPECT_TRUE(x.grad().empty());
  EXPECT_TRUE(w.grad().empty());
}

TEST(RecordJoint, RefusesAMissingGradientUnlessACotangentIsMissing) {
  const Tensor a = leaf({1}), b = leaf({2});
  const auto split = [&] {
    std::vector<Tensor> parts{a.detach().clone(), b.detach().clone()};
    record_joint("apart", parts, std::vector<Tensor>{a, b}, [](Cotangents g, Needs) {
      return std::vector<Gradient>{g[0], g[0].defined() && g[1].defined() ? Tensor() : g[1]};
    });
    return parts;
  };
  const std::vector<Tensor> used = split();
  EXPECT_EQ(message_of<AutogradError>([&] { (used[0] + used[1]).backward(); }),
            "backward of apart: the gradient of input 1 is an undefined tensor: return zeros where "
            "it is 0");
  const std::vector<Tensor> half = split();
  (half[1] * 3).backward();
  EXPECT_TRUE(a.grad().empty());
  EXPECT_THAT(grad(b), ElementsAre(3));
}

TEST(Record, LetsAVjpAddIntoTheSum) {
  const Tensor x = leaf({1, 2, 3, 4});
  const auto element = [&](std::int64_t i) {
    return record("element", tensor({x.data<double>()[i]}),
                  vjp(x, [i](const Tensor& g, const Tensor& sum) {
                    sum.mutable_data<double>()[i] += g.item();
                  }));
  };
  const Tensor y = element(1) * 10.0 + element(3) + element(1) * 100.0;
  y.backward();
  EXPECT_THAT(grad(x), ElementsAre(0, 110, 0, 1));
}

TEST(Temporary, IsOverwrittenWhereNobodyCanSeeIt) {
  const Tensor x = leaf({1, 2});
  const Tensor c = tensor({3.0, 4.0});
  const Tensor y = add(mul(sub(x * 2.0, c), c), c);  // ((2x - c) c + c
  EXPECT_THAT(values(y), ElementsAre(0, 4));
  y.backward(ones_like(y));
  EXPECT_THAT(grad(x), ElementsAre(6, 8));
  reset_peak_memory();
  const NoGradGuard no_grad;
  const Tensor big = ones({1 << 20});
  const std::int64_t before = memory_stats().live;
  reset_peak_memory();
  const Tensor z = (big * 2.0 + big) * big - big;
  EXPECT_LT(memory_stats().peak - before, (4 << 20) + (1 << 20));  // one buffer of 4 MiB
  EXPECT_EQ(z.data<float>()[5], 2.0F);
}

TEST(Temporary, IsKeptWhereItIsNeeded) {
  const Tensor x = leaf({0.5, 2});
  const Tensor w = leaf({3, 5});
  const Tensor y = mul(exp(x), w);  // backward needs exp(x), for x and for w
  y.backward(ones_like(y));
  EXPECT_NEAR(grad(x)[0], 3 * std::exp(0.5), 1e-12);
  EXPECT_NEAR(grad(w)[1], std::exp(2.0), 1e-12);
  Tensor held = x.detach() * 1.0;
  const Tensor second = held;
  const Tensor sum = std::move(held) + second;
  EXPECT_THAT(values(second), ElementsAre(0.5, 2));
  EXPECT_THAT(values(sum), ElementsAre(1, 4));
  EXPECT_EQ(mul(tensor({1.0}), tensor({2.0, 3.0})).numel(), 2);  // the result is larger
  EXPECT_THROW(mul(tensor({1.0f}), tensor({2.0})), DTypeError);
}

TEST(RepeatedCotangent, IsSummedRightThroughBroadcastsAndFanOut) {
  const Tensor a = tensor({1.0, 2.0, 3.0}, {3, 1}).set_trainable(true);
  const Tensor b = tensor({1.0, 2.0, 3.0, 4.0}).set_trainable(true);
  const auto f = [](const std::vector<Tensor>& in) {
    const Tensor y = in[0] * in[1];                 // [3, 4]
    const Tensor z = neg(y + in[0]) - in[1] * 2.0;  // both are broadcast
    return sum(z) + sum(z * y) + sum(mean(z, 0) * in[1]) + sum(exp(sum(y, 1)) * 1e-9);
  };
  EXPECT_TRUE(gradcheck(f, {a, b})) << gradcheck(f, {a, b}).message;
  const Tensor x = leaf({1, 2});
  const Tensor shared = x * 1.0;
  (sum(shared) + sum(shared * 2.0) + sum(shared * shared)).backward();
  EXPECT_THAT(grad(x), ElementsAre(1 + 2 + 2, 1 + 2 + 4));
  sum(x).backward();  // straight into a leaf
  EXPECT_THAT(grad(x), ElementsAre(6, 8));
}

TEST(RecordJoint, GivesCotangentsOfUsedOutputsOnlyAndSaysWhatIsNeeded) {
  const Tensor a = leaf({1});
  const Tensor b = tensor({1.0});
  const Tensor first = a.clone();
  const Tensor second = a.clone();
  std::vector<bool> seen;
  record_joint("probe", {first, second}, {a, b}, [&seen](Cotangents g, Needs needs) {
    seen = {g[0].defined(), g[1].defined(), needs[0], needs[1]};
    return std::vector<Gradient>{g[1], Gradient()};
  });
  (second * 7.0).backward();
  EXPECT_THAT(seen, ElementsAre(false, true, true, false));
  EXPECT_THAT(grad(a), ElementsAre(7));
}

TEST(RecordJoint, GivesWholeCotangentsBehindASum) {
  const Tensor x = leaf({1, 2, 3});
  const Tensor y = tensor({1.0, 2.0, 3.0});
  record_joint("probe", {y}, {x}, [](Cotangents g, Needs) {
    EXPECT_EQ(g[0].shape(), (Shape{3}));
    return std::vector<Gradient>{g[0]};
  });
  (sum(y) * 2.0).backward();
  EXPECT_THAT(grad(x), ElementsAre(2, 2, 2));
}

TEST(RecordJoint, NeedsNoGradientOfALeafThatWasFrozen) {
  const Tensor x = leaf({1}), frozen = leaf({2});
  frozen.set_trainable(false);
  const Tensor y = tensor({3.0});
  record_joint("probe", {y}, {x, frozen}, [](Cotangents g, Needs needs) {
    EXPECT_TRUE(needs[0]);
    EXPECT_FALSE(needs[1]);
    return std::vector<Gradient>{g[0], g[0]};
  });
  y.backward();
  EXPECT_THAT(grad(x), ElementsAre(1));
  EXPECT_TRUE(frozen.grad().empty());
}

TEST(RecordJoint, RefusesAWrongNumberOfGradients) {
  const Tensor a = leaf({1});
  const Tensor y = a.clone();
  record_joint("short", {y}, {a}, [](Cotangents, Needs) { return std::vector<Gradient>(); });
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(); }),
              HasSubstr("backward of short: 0 gradients for 1 inputs"));
}

TEST(AnomalyGuard, NamesTheOpThatMadeTheFirstNaN) {
  const Tensor x = leaf({0, 1});
  const Tensor y = sqrt(x) * 1.0;
  const AnomalyGuard guard;
  EXPECT_THAT(message_of<AutogradError>([&] { y.backward(ones_like(y)); }),
              HasSubstr("backward of sqrt: made the first non-finite gradient: inf at element 0"));
  EXPECT_TRUE(x.grad().empty());
}

}  // namespace
}  // namespace gradus
