#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/memory.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
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
using testing::StrEq;

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
              StrEq("mul: shapes do not broadcast: a is [2, 3], b is [2]: axes align from the last "
                    "one: reshape b to [2, 1]"));
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_shapes({4}, {2, 4, 3}, "add");
            }),
            "add: shapes do not broadcast: a is [4], b is [2, 4, 3]: axes align from the last one: "
            "reshape a to [4, 1]");
  EXPECT_EQ(message_of<ShapeError>([] {
              broadcast_shapes({2, 3}, {5}, "add");
            }),
            "add: shapes do not broadcast: a is [2, 3], b is [5]");
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

TEST(Tensor, AnyUseOfAnUndefinedOneNamesTheFunction) {
  const Tensor none, x = ones({2, 2}), row = ones({2}), ids = tensor({0, 1});
  const std::string undefined = " is an undefined tensor (default-constructed or moved from)";
  const std::vector<std::pair<std::string, std::function<void()>>> uses{
      {"shape: this", [&] { (void)none.shape(); }},
      {"dim: this", [&] { (void)none.dim(); }},
      {"numel: this", [&] { (void)none.numel(); }},
      {"dtype: this", [&] { (void)none.dtype(); }},
      {"size: this", [&] { (void)none.size(0); }},
      {"data: this", [&] { none.data<float>(); }},
      {"data: this", [&] { none.mutable_data<float>(); }},
      {"item: this", [&] { (void)none.item(); }},
      {"item: this", [&] { (void)none.item<int>(); }},
      {"is_read_only: this", [&] { (void)none.is_read_only(); }},
      {"clone: this", [&] { (void)none.clone(); }},
      {"detach: this", [&] { (void)none.detach(); }},
      {"to: this", [&] { (void)none.to(DType::float64); }},
      {"copy_: this", [&] { none.copy_(x); }},
      {"copy_: the argument", [&] { x.copy_(none); }},
      {"fill_: this", [&] { none.fill_(1); }},
      {"zero_: this", [&] { none.zero_(); }},
      {"add_: this", [&] { none.add_(x); }},
      {"add_: the argument", [&] { x.add_(none); }},
      {"mul_: this", [&] { none.mul_(2); }},
      {"mul_: this", [&] { none.mul_(x); }},
      {"mul_: the argument", [&] { x.mul_(none); }},
      {"set_row: this", [&] { none.set_row(0, row); }},
      {"set_row: values", [&] { x.set_row(0, none); }},
      {"set_rows: this", [&] { none.set_rows(ids, x); }},
      {"set_rows: ids", [&] { x.set_rows(none, x); }},
      {"set_rows: values", [&] { x.set_rows(ids, none); }},
      {"is_leaf: this", [&] { (void)none.is_leaf(); }},
      {"trainable: this", [&] { (void)none.trainable(); }},
      {"set_trainable: this", [&] { none.set_trainable(true); }},
      {"requires_grad: this", [&] { (void)none.requires_grad(); }},
      {"grad: this", [&] { (void)none.grad(); }},
      {"set_grad: this", [&] { none.set_grad(x); }},
      {"clear_grad: this", [&] { none.clear_grad(); }},
      {"backward: this", [&] { none.backward(); }},
      {"backward: this", [&] { none.backward(x); }},
      {"backward: cotangent", [&] { x.backward(none); }},
      {"empty_like: other", [&] { empty_like(none); }},
      {"zeros_like: other", [&] { zeros_like(none); }},
      {"ones_like: other", [&] { ones_like(none); }},
      {"full_like: other", [&] { full_like(none, 1); }},
      {"SparseGrad: ids",
       [&] {
         SparseGrad(none, x, {2, 2});
       }},
      {"SparseGrad: values",
       [&] {
         SparseGrad(ids, none, {2, 2});
       }},
      {"SparseGrad: dense",
       [&] {
         SparseGrad(ids, x, {2, 2}).add_to(none);
       }},
      {"Generator::set_state: state", [&] { Generator().set_state(none); }},
      {"resize_rows: parameter", [&] { resize_rows(none, 2); }},
      {"remap_rows: sources", [&] { remap_rows(x, none); }},
      {"uniform_: tensor", [&] { uniform_(none, 0, 1); }},
      {"normal_: tensor", [&] { normal_(none, 0, 1); }},
      {"xavier_uniform_: tensor", [&] { xavier_uniform_(none); }},
      {"kaiming_normal_: tensor", [&] { kaiming_normal_(none); }},
      {"trunc_normal_: tensor", [&] { trunc_normal_(none); }},
      {"orthogonal_: tensor", [&] { orthogonal_(none); }},
      {"sparse_: tensor", [&] { sparse_(none, 0.5); }},
      {"constant_: tensor", [&] { constant_(none, 0); }},
      {"zeros_: tensor", [&] { zeros_(none); }},
  };
  for (const auto& [what, use] : uses) EXPECT_EQ(message_of<Error>(use), what + undefined);
  EXPECT_THAT(x.span<float>(), Each(1));
}

TEST(Tensor, IsUndefinedOnceItWasMovedFrom) {
  Tensor a = zeros({2}), b = ones({3});
  const Tensor first = std::move(a);
  EXPECT_FALSE(a.defined());  // NOLINT(bugprone-use-after-move): what is tested
  Tensor second = zeros({4});
  second = std::move(b);
  EXPECT_FALSE(b.defined());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(second.shape(), (Shape{3}));
  Tensor& same = second;
  second = std::move(same);
  EXPECT_EQ(second.shape(), (Shape{3}));
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

TEST(Tensor, ItemGivesAnInt64Exactly) {
  using Limits = std::numeric_limits<std::int64_t>;
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;  // not a double
  for (const std::int64_t value : {odd, -odd, Limits::max(), Limits::max() - 1, Limits::min()}) {
    EXPECT_EQ(scalar(value).item<std::int64_t>(), value);
    EXPECT_EQ(scalar(value).item<long double>(), static_cast<long double>(value));
  }
  EXPECT_EQ(scalar(odd).item<std::uint64_t>(), static_cast<std::uint64_t>(odd));
  // Halfway between two floats for a double that has lost the last bit.
  const std::int64_t above_half = (std::int64_t{1} << 54) + (std::int64_t{1} << 30) + 1;
  EXPECT_EQ(scalar(above_half).item<float>(), 0x1.000002p54F);
  EXPECT_EQ(scalar(odd).item<double>(), 0x1p53);
}

TEST(Tensor, ItemRefusesAnIntegerTypeThatTheValueDoesNotFit) {
  EXPECT_EQ(scalar(-2.75).item<int>(), -2);
  EXPECT_EQ(scalar(127.9).item<std::int8_t>(), 127);
  EXPECT_EQ(scalar(0x1p63).item<std::uint64_t>(), std::uint64_t{1} << 63);
  EXPECT_EQ(scalar(-0x1p63).item<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(scalar(-0.5).item<unsigned>(), 0U);
  EXPECT_EQ(scalar(true).item<std::uint8_t>(), 1);
  EXPECT_EQ(message_of<ValueError>([] { (void)scalar(200).item<std::int8_t>(); }),
            "item: the value 200 does not fit an integer type from -128 to 127");
  EXPECT_EQ(message_of<ValueError>([] { (void)scalar(-1).item<std::uint8_t>(); }),
            "item: the value -1 does not fit an integer type from 0 to 255");
  EXPECT_EQ(message_of<ValueError>([] { (void)scalar(0x1p63).item<std::int64_t>(); }),
            "item: the value 9.223372036854776e+18 does not fit an integer type from "
            "-9223372036854775808 to 9223372036854775807");
  EXPECT_THROW((void)scalar(std::nan("")).item<int>(), ValueError);
  EXPECT_THROW((void)scalar(-INFINITY).item<std::int64_t>(), ValueError);
  EXPECT_THROW((void)scalar(-1.0).item<std::uint64_t>(), ValueError);
  EXPECT_THROW((void)scalar(0x1p64).item<std::uint64_t>(), ValueError);
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

TEST(Creation, FillsInt64WithTheNumberItself) {
  using Limits = std::numeric_limits<std::int64_t>;
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;
  for (const std::int64_t value : {odd, -odd, Limits::max(), Limits::min()}) {
    EXPECT_THAT(full({2}, value, DType::int64).span<std::int64_t>(), Each(value));
    EXPECT_THAT(full_like(tensor({1, 2}), value).span<std::int64_t>(), Each(value));
    EXPECT_THAT(zeros({2}, DType::int64).fill_(value).span<std::int64_t>(), Each(value));
  }
  EXPECT_THAT(full({2}, -0x1p63, DType::int64).span<std::int64_t>(), Each(Limits::min()));
  EXPECT_THAT(full({2}, 3.0F, DType::int64).span<std::int64_t>(), Each(3));
  EXPECT_THAT(full({2}, 7U, DType::int64).span<std::int64_t>(), Each(7));
  EXPECT_THAT(full({2}, 1, DType::boolean).span<bool>(), Each(true));
  EXPECT_THAT(full({2}, -0.0, DType::boolean).span<bool>(), Each(false));
}

TEST(Creation, RefusesANumberThatTheDTypeDoesNotHold) {
  const Tensor ids = tensor({5, 6}), mask = tensor({true, false});
  for (const double bad :
       {1e300, double{INFINITY}, std::nan(""), 0x1p63, -0x1.0000000000001p63, 3.14, 0.5}) {
    EXPECT_THROW(full({2}, bad, DType::int64), DTypeError) << bad;
    EXPECT_THROW(full_like(ids, bad), DTypeError) << bad;
    EXPECT_THROW(ids.fill_(bad), DTypeError) << bad;
  }
  EXPECT_THROW(full({2}, std::numeric_limits<std::uint64_t>::max(), DType::int64), DTypeError);
  for (const double bad : {0.5, 2.0, -1.0, std::nan(""), double{INFINITY}}) {
    EXPECT_THROW(full({2}, bad, DType::boolean), DTypeError) << bad;
    EXPECT_THROW(full_like(mask, bad), DTypeError) << bad;
    EXPECT_THROW(mask.fill_(bad), DTypeError) << bad;
  }
  EXPECT_EQ(message_of<DTypeError>([] { full({2}, 3.14, DType::int64); }),
            "full: the number 3.14 is not an int64: use a float dtype");
  EXPECT_EQ(message_of<DTypeError>([&] { mask.fill_(2); }),
            "fill_: the number 2 is not a boolean: use 0, 1 or another dtype");
  EXPECT_THAT(ids.span<std::int64_t>(), ElementsAre(5, 6));
  EXPECT_THAT(mask.span<bool>(), ElementsAre(true, false));
}

TEST(Creation, RandomNumbersStayWithinTheirBounds) {
  Generator generator(1);
  const auto inside = [&](double low, double high, DType dtype) {
    const Tensor x = rand({1000}, low, high, dtype, generator).to(DType::float64);
    const auto values = x.span<double>();
    return std::all_of(values.begin(), values.end(),
                       [=](double v) { return v >= low && v < high; });
  };
  EXPECT_TRUE(inside(1, 1 + 0x1p-23, DType::float32));  // two floats
  EXPECT_TRUE(inside(1, 1 + 0x1p-52, DType::float64));
  EXPECT_TRUE(inside(-2, -1, DType::float32));
  EXPECT_TRUE(inside(-0x1p127, 0x1p127, DType::float32));
  EXPECT_TRUE(inside(-0x1p1023, 0x1p1023, DType::float64));
  EXPECT_TRUE(inside(0, 0x1p-149, DType::float32));
  EXPECT_THAT(rand({3}, 2, 2).span<float>(), Each(2));
  EXPECT_THAT(randn({3}, 2, 0).span<float>(), Each(2));
}

TEST(Creation, RandomNumbersOfBoundsThatMakeNoSenseAreRefused) {
  Generator generator(1);
  const auto uniform = [&](double low, double high, DType dtype = DType::float32) {
    return message_of<ValueError>([&] { rand({3}, low, high, dtype, generator); });
  };
  const auto normal = [&](double mean, double std, DType dtype = DType::float32) {
    return message_of<ValueError>([&] { randn({3}, mean, std, dtype, generator); });
  };
  const double inf = INFINITY, nan = std::nan("");
  EXPECT_EQ(uniform(2, 1), "rand: low is 2, high is 1");
  EXPECT_EQ(uniform(nan, 1), "rand: low is nan, high is 1");
  EXPECT_EQ(uniform(0, nan), "rand: low is 0, high is nan");
  EXPECT_EQ(uniform(0, inf), "rand: high is inf, it must be finite in float32");
  EXPECT_EQ(uniform(-inf, 0), "rand: low is -inf, it must be finite in float32");
  EXPECT_EQ(uniform(0, 1e39), "rand: high is 1e+39, it must be finite in float32");
  EXPECT_EQ(uniform(0, inf, DType::float64), "rand: high is inf, it must be finite in float64");
  EXPECT_EQ(normal(0, -1), "randn: std is -1, it must be at least 0");
  EXPECT_EQ(normal(0, nan), "randn: std is nan, it must be at least 0");
  EXPECT_EQ(normal(0, inf), "randn: std is inf, it must be finite in float32");
  EXPECT_EQ(normal(nan, 1), "randn: mean is nan, it must be finite in float32");
  EXPECT_EQ(normal(-1e39, 1), "randn: mean is -1e+39, it must be finite in float32");
  EXPECT_THROW(rand({3}, 0, 1, DType::int64, generator), DTypeError);
  EXPECT_EQ(generator.offset(), 0U);  // nothing was drawn
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

// The same function on a copy of the source and on the source itself, which overlaps.
void expect_as_if_copied(const std::function<void(const Tensor& base, bool copy)>& change,
                         const Tensor& start) {
  const Tensor expected = start.clone(), actual = start.clone();
  change(expected, true);
  change(actual, false);
  EXPECT_EQ(actual.str(), expected.str());
}

TEST(InPlace, ReadsASourceThatOverlapsAsItWas) {
  const std::int64_t n = 100;
  const auto source = [&](const Tensor& base, std::int64_t begin, bool copy) {
    const Tensor view = slice(base, 0, begin, begin + n - 1);
    return copy ? view.clone() : view;
  };
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const std::int64_t to : {0, 1}) {  // forwards and backwards
      SCOPED_TRACE(to);
      const Tensor start = (arange(n) * 3 + 1).to(dtype);
      expect_as_if_copied(
          [&](const Tensor& base, bool copy) {
            slice(base, 0, to, to + n - 1).add_(source(base, 1 - to, copy), 0.5);
          },
          start);
      expect_as_if_copied(
          [&](const Tensor& base, bool copy) {
            slice(base, 0, to, to + n - 1).mul_(source(base, 1 - to, copy));
          },
          start);
      expect_as_if_copied(
          [&](const Tensor& base, bool copy) {
            slice(base, 0, to, to + n - 1).copy_(source(base, 1 - to, copy));
          },
          start);
    }
  }
  const Tensor ones_before = ones({20});
  slice(ones_before, 0, 1, 20).add_(slice(ones_before, 0, 0, 19));
  EXPECT_THAT(slice(ones_before, 0, 1, 20).span<float>(), Each(2));
  const Tensor x = tensor({2.0f, 3.0f});
  x.add_(x).mul_(x);
  EXPECT_THAT(x.span<float>(), ElementsAre(16, 36));
}

TEST(InPlace, WritesRowsThatOverlapAsTheyWere) {
  const Tensor x = reshape(arange(6), {3, 2});
  x.set_rows(tensor({1, 2}), slice(x, 0, 0, 2));
  EXPECT_THAT(x.span<std::int64_t>(), ElementsAre(0, 1, 0, 1, 2, 3));
  const Tensor all = reshape(arange(6), {3, 2});
  all.set_rows(tensor({2, 0, 1}), all);
  EXPECT_THAT(all.span<std::int64_t>(), ElementsAre(2, 3, 4, 5, 0, 1));
  const Tensor row = arange(6);
  reshape(row, {2, 3}).set_row(0, slice(row, 0, 2, 5));
  EXPECT_THAT(row.span<std::int64_t>(), ElementsAre(2, 3, 4, 3, 4, 5));
  // Ids that are among what is written, by values that are not ids.
  const Tensor ids = tensor({2, 0, 1});
  ids.set_rows(ids, tensor({1000, 2000, 3000}));
  EXPECT_THAT(ids.span<std::int64_t>(), ElementsAre(2000, 3000, 1000));
}

TEST(InPlace, AddsASparseGradientOfItsOwnRowsAsTheyWere) {
  const Tensor x = tensor({1.0, 2.0, 3.0, 4.0, 5.0, 6.0}, {3, 2});
  SparseGrad(tensor({1, 2}), slice(x, 0, 0, 2), {3, 2}).add_to(x);
  EXPECT_THAT(x.span<double>(), ElementsAre(1, 2, 4, 6, 8, 10));
}

TEST(InPlace, BadArgumentsChangeNothing) {
  const Tensor a = ones({2, 2});
  EXPECT_THROW(a.copy_(zeros({2})), ShapeError);
  EXPECT_THROW(a.add_(zeros({2, 2}, DType::float64)), DTypeError);
  EXPECT_EQ(message_of<IndexError>([&] { a.set_row(2, zeros({2})); }),
            "set_row: index 2 is outside [0, 2)");
  EXPECT_EQ(message_of<IndexError>([&] { a.set_row(-1, zeros({2})); }),
            "set_row: index -1 is outside [0, 2)");
  EXPECT_EQ(message_of<ShapeError>([&] { a.set_row(0, zeros({3})); }),
            "set_row: values [3] for a tensor [2, 2]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              a.set_row(0, tensor({1, 2}));
            }),
            "set_row: values of dtype int64 for a tensor of dtype float32");
  EXPECT_EQ(message_of<DTypeError>([&] {
              a.set_rows(zeros({1}), zeros({1, 2}));
            }),
            "set_rows: ids are float32, int64 is needed: convert them with to(DType::int64)");
  EXPECT_EQ(message_of<DTypeError>([&] {
              a.set_rows(tensor({1}), tensor({1, 2}, {1, 2}));
            }),
            "set_rows: values of dtype int64 for a tensor of dtype float32");
  EXPECT_THROW(scalar(1.0).set_row(0, scalar(1.0)), ShapeError);
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
  EXPECT_EQ(message_of<DTypeError>([] { ones({1}, DType::int64).set_trainable(true); }),
            "set_trainable: a tensor of dtype int64 cannot have a gradient: convert it with "
            "to(DType::float32)");
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

TEST(Print, ShowsEveryDigitOfInt64) {
  using Limits = std::numeric_limits<std::int64_t>;
  EXPECT_EQ(
      tensor({Limits::max(), Limits::min(), (std::int64_t{1} << 53) + 1}).str(),
      "tensor([ 9223372036854775807, -9223372036854775808,     9007199254740993], int64 [3])");
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

// Of all sizes that are kept apart inside.
std::vector<Tensor> tensors_of_many_sizes() {
  std::vector<Tensor> all;
  for (std::int64_t n = 1; n <= 1 << 21; n = n * 3 / 2 + 1) {
    for (int copies = 0; copies < 3; ++copies)
      all.push_back(full({n}, static_cast<double>(all.size())));
  }
  return all;
}

bool holds_only(const Tensor& x, std::size_t value) {
  const auto values = x.span<float>();
  return std::all_of(values.begin(), values.end(),
                     [=](float v) { return v == static_cast<float>(value); });
}

TEST(Memory, TrimLeavesTheBlocksThatLive) {
  for (int round = 0; round < 3; ++round) {  // later ones reuse blocks
    std::vector<Tensor> all = tensors_of_many_sizes();
    for (std::size_t i = 0; i < all.size(); i += 2) all[i] = Tensor();
    trim_memory();
    const std::vector<Tensor> others = tensors_of_many_sizes();
    for (std::size_t i = 1; i < all.size(); i += 2) EXPECT_TRUE(holds_only(all[i], i)) << i;
    for (std::size_t i = 0; i < others.size(); ++i) EXPECT_TRUE(holds_only(others[i], i)) << i;
  }
}

#ifndef GRADUS_DEBUG_MEMORY  // which leaves it to malloc when memory goes back to the system
std::int64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

TEST(Memory, TrimReturnsWhatLiesBetweenLiveBlocks) {
  constexpr std::int64_t each = 1 << 20, count = 64;
  std::vector<Tensor> live, freed;
  for (std::int64_t i = 0; i < count; ++i) {
    freed.push_back(ones({each / 4}));
    live.push_back(ones({each / 64}));
  }
  const std::int64_t before = resident_bytes();
  freed.clear();
  trim_memory();
  EXPECT_LT(resident_bytes(), before - count * each / 2);
}
#endif

TEST(Memory, RefusesWhatTheSystemCannotGive) {
  EXPECT_THAT(message_of<Error>([] { empty({std::int64_t{1} << 55}); }),
              HasSubstr("memory: cannot allocate"));
}

TEST(Storage, IsAlignedAndStaggered) {
  for (const std::int64_t n : {1, 17, 1 << 18, 1 << 22}) {
    const Tensor t = empty({n});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(t.data<float>()) % 64, 0U) << n;
  }
}

}  // namespace
}  // namespace gradus
