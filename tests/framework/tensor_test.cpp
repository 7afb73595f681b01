#include <gmock/gmock.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/creation.h>
#include <gradus/framework/error.h>
#include <gradus/framework/memory.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Shape, KnowsItsSizesAndText) {
  const Shape shape{2, 0, 3};
  EXPECT_EQ(shape.rank(), 3);
  EXPECT_EQ(shape.numel(), 0);
  EXPECT_EQ(shape.str(), "[2, 0, 3]");
  EXPECT_EQ(Shape{}.numel(), 1);
  EXPECT_EQ(Shape{}.str(), "[]");
  EXPECT_NE((Shape{2, 3}), (Shape{2, 3, 1}));
}

TEST(Shape, RefusesNegativeHugeAndDeep) {
  EXPECT_THAT(message_of<ShapeError>([] { Shape{2, -1}; }), HasSubstr("size -1 in [2, -1]"));
  const std::int64_t big = std::int64_t{1} << 31;
  EXPECT_THAT(message_of<ShapeError>([&] { Shape{big, big, 2}; }), HasSubstr("2^62"));
  EXPECT_THROW((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  EXPECT_EQ((Shape{0, big, big}).numel(), 0);
  // Strides are products of the other sizes.
  EXPECT_THAT(message_of<ShapeError>([&] { Shape{0, big, big, big}; }), HasSubstr("2^62"));
}

TEST(Tensor, RefusesMoreBytesThanCanBeAddressed) {
  const std::int64_t count = std::int64_t{1} << 61;
  EXPECT_THAT(message_of<ShapeError>([&] { empty({count}); }),
              HasSubstr("empty: [2305843009213693952] of float32 has more bytes than can be"));
  EXPECT_THAT(message_of<ShapeError>([&] {
                empty({count / 2, 2}, DType::int64);
              }),
              HasSubstr("[1152921504606846976, 2] of int64 has more bytes"));
  EXPECT_THAT(message_of<ShapeError>([&] { zeros({count}); }), HasSubstr("more bytes"));
}

TEST(Shape, BroadcastsAsNumPy) {
  EXPECT_EQ(broadcast_shapes({2, 1, 3}, {4, 1}, "t"), (Shape{2, 4, 3}));
  EXPECT_EQ(broadcast_shapes({}, {0, 2}, "t"), (Shape{0, 2}));
  EXPECT_EQ(broadcast_shapes({1}, {0}, "t"), (Shape{0}));
  EXPECT_THAT(message_of<ShapeError>([] {
                broadcast_shapes({2, 3}, {2}, "mul");
              }),
              HasSubstr("mul: shapes do not broadcast: a is [2, 3], b is [2]"));
}

TEST(Shape, CountsAxesFromTheEnd) {
  EXPECT_EQ(normalize_axis(-1, 3, "t"), 2);
  EXPECT_THAT(message_of<IndexError>([] { normalize_axis(3, 3, "sum"); }),
              HasSubstr("sum: axis 3 is outside [-3, 3)"));
}

TEST(Tensor, UndefinedHandleSaysSo) {
  const Tensor none;
  EXPECT_FALSE(none.defined());
  EXPECT_THAT(message_of<Error>([&] { none.shape(); }), HasSubstr("undefined"));
  EXPECT_EQ(none.str(), "tensor(undefined)");
}

TEST(Tensor, CopiesShareValuesGradientAndFlags) {
  const Tensor a = zeros({2});
  const Tensor b = a;  // NOLINT(performance-unnecessary-copy-initialization): what is tested
  b.fill_(3);
  b.set_trainable(true);
  b.set_grad(ones({2}));
  EXPECT_THAT(a.span<float>(), ElementsAre(3, 3));
  EXPECT_TRUE(a.trainable());
  EXPECT_TRUE(a.grad().is_dense());
  EXPECT_TRUE(a.is_same(b));
}

TEST(Tensor, CloneIsApartAndDetachShares) {
  const Tensor a = tensor({1.0f, 2.0f});
  const Tensor copy = a.clone();
  const Tensor shared = a.detach();
  a.fill_(7);
  EXPECT_THAT(copy.span<float>(), ElementsAre(1, 2));
  EXPECT_THAT(shared.span<float>(), ElementsAre(7, 7));
}

TEST(Tensor, ChecksTheElementType) {
  const Tensor a = zeros({2});
  EXPECT_THAT(message_of<DTypeError>([&] { a.data<double>(); }),
              HasSubstr("data: the tensor [2] holds float32, not float64"));
  EXPECT_THROW(a.mutable_data<std::int64_t>(), DTypeError);
}

TEST(Tensor, ItemNeedsOneElement) {
  EXPECT_EQ(tensor({5}).item<int>(), 5);
  EXPECT_EQ(scalar(true).item<bool>(), true);
  EXPECT_THAT(message_of<ShapeError>([] { (void)zeros({2}).item(); }),
              HasSubstr("item: the tensor [2] has 2 elements"));
}

TEST(Tensor, SizeCountsFromTheEndAndChecks) {
  const Tensor a = zeros({2, 5});
  EXPECT_EQ(a.size(-1), 5);
  EXPECT_THROW((void)a.size(2), IndexError);
}

TEST(Creation, MakesTheDTypeOfItsValues) {
  EXPECT_EQ(tensor({1.0f}).dtype(), DType::float32);
  EXPECT_EQ(tensor({1.0}).dtype(), DType::float64);
  EXPECT_EQ(tensor({true}).dtype(), DType::boolean);
  EXPECT_EQ(tensor(std::vector<std::uint8_t>{200}).dtype(), DType::int64);
  EXPECT_EQ(tensor(std::vector<std::uint8_t>{200}).item<int>(), 200);
  EXPECT_THAT(message_of<ShapeError>([] {
                tensor({1, 2, 3}, {2, 2});
              }),
              HasSubstr("tensor: 3 values for the shape [2, 2]"));
}

TEST(Creation, FillsCountsAndIdentifies) {
  EXPECT_THAT(full({3}, 2.5, DType::float64).span<double>(), Each(2.5));
  EXPECT_THAT(ones({2}, DType::int64).span<std::int64_t>(), Each(1));
  EXPECT_THAT(arange(2, 5).span<std::int64_t>(), ElementsAre(2, 3, 4));
  EXPECT_THAT(eye(2).span<float>(), ElementsAre(1, 0, 0, 1));
  EXPECT_EQ(arange(0).numel(), 0);
  EXPECT_THROW(arange(3, 1), ValueError);
}

TEST(Creation, RandomIsAFunctionOfSeedAndPlace) {
  Generator a(3);
  Generator b(3);
  const Tensor first = rand({100}, 0, 1, DType::float32, a);
  const Tensor second = rand({100}, 0, 1, DType::float32, a);
  const Tensor again = rand({100}, 0, 1, DType::float32, b);
  EXPECT_TRUE(std::equal(first.span<float>().begin(), first.span<float>().end(),
                         again.span<float>().begin()));
  EXPECT_FALSE(std::equal(first.span<float>().begin(), first.span<float>().end(),
                          second.span<float>().begin()));
}

TEST(Creation, PermutationHoldsEachNumberOnce) {
  Generator generator(1);
  const Tensor order = randperm(100, generator);
  std::vector<int> count(100);
  for (const std::int64_t i : order.span<std::int64_t>()) ++count[static_cast<std::size_t>(i)];
  EXPECT_THAT(count, Each(1));
  EXPECT_NE(order.data<std::int64_t>()[0] + order.data<std::int64_t>()[1], 1);
}

TEST(Generator, BelowIsUniform) {
  Generator generator(5);
  std::vector<double> count(7);
  const int draws = 70000;
  for (int i = 0; i < draws; ++i) ++count[static_cast<std::size_t>(generator.below(7))];
  double chi2 = 0;
  for (const double c : count) chi2 += (c - draws / 7.0) * (c - draws / 7.0) / (draws / 7.0);
  EXPECT_LT(chi2, 22.5);  // 6 degrees of freedom, p = 0.001
  EXPECT_THROW(generator.below(0), ValueError);
}

TEST(InPlace, FunctionsChangeEveryView) {
  const Tensor a = tensor({1.0f, 2.0f, 3.0f, 4.0f}, {2, 2});
  const Tensor view = a.detach();
  a.add_(ones({2, 2}), 0.5);
  a.mul_(2);
  a.mul_(tensor({1.0f, 0.0f, 1.0f, 1.0f}, {2, 2}));
  EXPECT_THAT(view.span<float>(), ElementsAre(3, 0, 7, 9));
  a.set_row(0, tensor({8.0f, 9.0f}));
  EXPECT_THAT(view.span<float>(), ElementsAre(8, 9, 7, 9));
  a.set_rows(tensor({1, 1}), tensor({1.0f, 1.0f, 2.0f, 2.0f}, {2, 2}));
  EXPECT_THAT(view.span<float>(), ElementsAre(8, 9, 2, 2));
  a.copy_(zeros({2, 2}));
  EXPECT_THAT(view.span<float>(), Each(0));
}

TEST(InPlace, EveryFunctionIsNoticedByBackward) {
  const Tensor row = full({2}, 2.0), rows = full({1, 2}, 3.0), all = full({2, 2}, 4.0);
  const std::vector<std::pair<std::string, std::function<void(const Tensor&)>>> changes{
      {"copy_", [&](const Tensor& x) { x.copy_(all); }},
      {"fill_", [&](const Tensor& x) { x.fill_(5); }},
      {"zero_", [&](const Tensor& x) { x.zero_(); }},
      {"add_", [&](const Tensor& x) { x.add_(all); }},
      {"mul_ by a number", [&](const Tensor& x) { x.mul_(6); }},
      {"mul_ by a tensor", [&](const Tensor& x) { x.mul_(all); }},
      {"set_row", [&](const Tensor& x) { x.set_row(1, row); }},
      {"set_rows", [&](const Tensor& x) { x.set_rows(tensor({0}), rows); }},
      {"mutable_data", [&](const Tensor& x) { *x.mutable_data<float>() = 7; }},
      {"mutable_span", [&](const Tensor& x) { x.mutable_span<float>()[3] = 8; }},
  };
  for (const auto& [what, change] : changes) {
    const Tensor weight = ones({2, 2}).set_trainable(true), x = ones({2, 2});
    const Tensor y = weight * x;  // needs x as it is
    change(x.detach());
    EXPECT_THAT(message_of<AutogradError>([&] {
                  y.backward(ones({2, 2}));
                }),
                HasSubstr("backward of mul: a value [2, 2] that it needs was changed in place"))
        << what;
    EXPECT_TRUE(weight.grad().empty()) << what;
  }
}

TEST(InPlace, BadArgumentsChangeNothing) {
  const Tensor a = ones({2, 2});
  EXPECT_THROW(a.copy_(zeros({2})), ShapeError);
  EXPECT_THROW(a.add_(zeros({2, 2}, DType::float64)), DTypeError);
  EXPECT_THROW(a.set_row(2, zeros({2})), IndexError);
  EXPECT_THROW(a.set_row(0, zeros({3})), ShapeError);
  EXPECT_THAT(message_of<IndexError>([&] {
                a.set_rows(tensor({0, -1}), zeros({2, 2}));
              }),
              HasSubstr("set_rows: index -1 at position 1 is outside [0, 2)"));
  EXPECT_THAT(a.span<float>(), Each(1));
}

TEST(InPlace, IsRefusedInAGraphAndOnATrainableLeaf) {
  const Tensor x = ones({2}).set_trainable(true);
  EXPECT_THAT(message_of<AutogradError>([&] { x.fill_(0); }),
              HasSubstr("fill_: this tensor [2] is a trainable leaf"));
  EXPECT_THROW(x.mutable_data<float>(), AutogradError);
  const Tensor y = x * 2.0;
  EXPECT_THAT(message_of<AutogradError>([&] { y.mul_(2); }),
              HasSubstr("mul_: this tensor [2] is part of a graph (made by mul)"));
  const NoGradGuard guard;
  x.fill_(5);
  EXPECT_THAT(x.span<float>(), Each(5));
  EXPECT_THROW(y.zero_(), AutogradError);
}

TEST(Tensor, ConvertsDTypesAndCarriesGradients) {
  const Tensor x = tensor({1.5f, -2.0f}).set_trainable(true);
  const Tensor y = x.to(DType::float64);
  EXPECT_EQ(y.dtype(), DType::float64);
  y.backward(tensor({3.0, 4.0}));
  EXPECT_THAT(x.grad().dense().span<float>(), ElementsAre(3, 4));
  EXPECT_THAT(tensor({0.0, 2.0}).to(DType::boolean).span<bool>(), ElementsAre(false, true));
  EXPECT_TRUE(x.to(DType::float32).is_same(x));
}

TEST(Tensor, FlagsOfLeavesAndResults) {
  const Tensor x = ones({1}).set_trainable(true);
  const Tensor y = x * 2.0;
  EXPECT_TRUE(x.is_leaf());
  EXPECT_FALSE(y.is_leaf());
  EXPECT_TRUE(y.requires_grad());
  EXPECT_FALSE(y.trainable());
  EXPECT_THROW(y.set_trainable(true), AutogradError);
  EXPECT_THROW(ones({1}, DType::int64).set_trainable(true), DTypeError);
  EXPECT_THROW(y.set_grad(ones({1})), AutogradError);
  EXPECT_THROW(x.set_grad(ones({2})), ShapeError);
  EXPECT_THROW(x.set_grad(ones({1}, DType::float64)), DTypeError);
}

TEST(Gradient, AskedForTheWrongKindSaysWhatIsThere) {
  const Tensor x = ones({4, 2}).set_trainable(true);
  EXPECT_THAT(message_of<AutogradError>([&] { (void)x.grad().dense(); }),
              HasSubstr("there is no gradient"));
  x.set_grad(SparseGrad(tensor({1, 1}), ones({2, 2}), {4, 2}));
  EXPECT_THAT(
      message_of<AutogradError>([&] { (void)x.grad().dense(); }),
      HasSubstr("there is SparseGrad(nnz=2, shape=[4, 2], float32, uncoalesced): use sparse()"));
  x.set_grad(ones({4, 2}));
  EXPECT_THAT(message_of<AutogradError>([&] { (void)x.grad().sparse(); }),
              HasSubstr("there is dense gradient [4, 2]"));
}

TEST(Print, ShowsValuesShapeAndFlags) {
  EXPECT_EQ(tensor({1.0f, -2.5f}).str(), "tensor([ 1.0000, -2.5000], float32 [2])");
  EXPECT_EQ(tensor({1, 20, 3, 4}, {2, 2}).str(),
            "tensor([[ 1, 20],\n        [ 3,  4]], int64 [2, 2])");
  EXPECT_EQ(scalar(2.0).str(), "tensor(2., float64 [])");
  EXPECT_EQ(zeros({0, 3}).str(), "tensor([], float32 [0, 3])");
  EXPECT_EQ(tensor({true, false}).str(), "tensor([ true, false], boolean [2])");
  const Tensor x = ones({1}).set_trainable(true);
  EXPECT_EQ(x.str(), "tensor([1.], float32 [1], trainable)");
  EXPECT_EQ((x * 2.0).str(), "tensor([2.], float32 [1], from mul)");
}

TEST(Print, ElidesLargeTensors) {
  const std::string text = arange(5000).str();
  EXPECT_EQ(text, "tensor([   0,    1,    2, ..., 4997, 4998, 4999], int64 [5000])");
  std::ostringstream out;
  out << zeros({2000, 2000});
  EXPECT_LT(out.str().size(), 1000U);
  EXPECT_THAT(out.str(), HasSubstr("..."));
}

TEST(Print, ShowsNaNAndInfinity) {
  const double inf = std::numeric_limits<double>::infinity();
  EXPECT_EQ(tensor({std::nan(""), inf, 1.0}).str(), "tensor([nan, inf,  1.], float64 [3])");
}

TEST(MemoryStats, CountsLiveAndPeakBytes) {
  const MemoryStats before = memory_stats();
  reset_peak_memory();
  {
    const Tensor big = empty({1 << 20});
    EXPECT_GE(memory_stats().live, before.live + (4 << 20));
  }
  const MemoryStats after = memory_stats();
  EXPECT_EQ(after.live, before.live);
  EXPECT_GE(after.peak, before.live + (4 << 20));
  EXPECT_GE(after.reserved, after.live);
}

TEST(MemoryStats, TrimGivesCachedMemoryBack) {
  { const Tensor big = empty({1 << 20}); }
  trim_memory();
  EXPECT_EQ(memory_stats().reserved, memory_stats().live);
  EXPECT_THROW(set_memory_cache_limit(-1), ValueError);
}

TEST(Memory, RefusesWhatTheSystemCannotGive) {
  EXPECT_THAT(message_of<Error>([] { empty({std::int64_t{1} << 55}); }),
              HasSubstr("memory: the system cannot give"));
}

TEST(Storage, IsAlignedAndStaggered) {
  for (const std::int64_t n : {1, 17, 1 << 18, 1 << 22}) {
    const Tensor t = empty({n});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.data<float>()) % 64, 0U) << n;
  }
}

}  // namespace
}  // namespace gradus
