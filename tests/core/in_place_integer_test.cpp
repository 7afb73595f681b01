// add_ and mul_ of int64 tensors.
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/tests/support/op_testing.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace gradus {
namespace {

constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();

std::vector<std::int64_t> integers(const Tensor& x) {
  const auto values = x.span<std::int64_t>();
  return {values.begin(), values.end()};
}

using Integers = std::vector<std::int64_t>;

TEST(InPlaceIntegers, AddAndMultiply) {
  const Tensor x = tensor({1, -2, 3});
  x.add_(tensor({10, 20, 30}));
  EXPECT_EQ(integers(x), (Integers{11, 18, 33}));
  x.add_(tensor({1, 1, 1}), -3);
  EXPECT_EQ(integers(x), (Integers{8, 15, 30}));
  x.mul_(2);
  EXPECT_EQ(integers(x), (Integers{16, 30, 60}));
  x.mul_(tensor({0, -1, 2}));
  EXPECT_EQ(integers(x), (Integers{0, -30, 120}));
  x.mul_(-1.0).add_(tensor({1, 2, 3}), 2.0);  // whole numbers of any C++ type
  EXPECT_EQ(integers(x), (Integers{2, 34, -114}));
  zeros({0}, DType::int64).add_(zeros({0}, DType::int64)).mul_(3);
}

TEST(InPlaceIntegers, KeepAllDigits) {
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;  // not a double
  const Tensor x = tensor({odd});
  x.mul_(odd - odd + 3);
  EXPECT_EQ(integers(x), (Integers{3 * odd}));
  EXPECT_EQ(integers(tensor({1}).mul_(odd)), (Integers{odd}));
  EXPECT_EQ(integers(tensor({0}).add_(tensor({1}), odd)), (Integers{odd}));
  EXPECT_EQ(integers(tensor({0}).add_(tensor({1}), least)), (Integers{least}));
}

TEST(InPlaceIntegers, WrapAroundAsTheOpsDo) {
  const Tensor edges = tensor({largest, least, std::int64_t{-1}, std::int64_t{1} << 62});
  const Tensor other = tensor({std::int64_t{1}, std::int64_t{-1}, least, largest});
  EXPECT_EQ(integers(edges.clone().add_(other)), integers(edges + other));
  EXPECT_EQ(integers(edges.clone().add_(other, -5)), integers(edges + other * -5));
  EXPECT_EQ(integers(edges.clone().mul_(other)), integers(edges * other));
  EXPECT_EQ(integers(edges.clone().mul_(6)), integers(edges * 6));
  EXPECT_EQ(integers(edges.clone().add_(other))[0], least);
}

TEST(InPlaceIntegers, OfManyElementsAreTheSame) {
  Generator generator(4);
  const Tensor x = randint(-1'000'000, 1'000'000, {100'003}, generator);
  const Tensor y = randint(-1'000'000, 1'000'000, {100'003}, generator);
  EXPECT_EQ(integers(x.clone().add_(y, 7)), integers(x + y * 7));
  EXPECT_EQ(integers(x.clone().mul_(y)), integers(x * y));
  EXPECT_EQ(integers(x.clone().mul_(-9)), integers(x * -9));
}

TEST(InPlaceIntegers, AreNoticedByBackward) {
  const Tensor ids = tensor({1, 2});
  const Saved saved(ids);
  ids.add_(tensor({1, 0}));
  EXPECT_THROW(*saved, AutogradError);
}

TEST(InPlaceIntegers, BrokenInputChangesNothing) {
  const Tensor x = tensor({1, 2});
  const auto refused = [&](const std::function<void()>& f) {
    std::string message = "nothing was thrown";
    try {
      f();
    } catch (const DTypeError& error) {
      message = error.what();
    }
    EXPECT_EQ(integers(x), (Integers{1, 2}));
    return message;
  };
  EXPECT_EQ(refused([&] { x.mul_(0.5); }),
            "mul_: the number 0.5 is not an int64: use a float dtype");
  EXPECT_EQ(refused([&] { x.add_(x.clone(), 1.5); }),
            "add_: the number 1.5 is not an int64: use a float dtype");
  EXPECT_EQ(refused([&] { x.mul_(not_a_number); }),
            "mul_: the number nan is not an int64: use a float dtype");
  EXPECT_EQ(refused([&] { x.mul_(1e300); }),
            "mul_: the number 1e+300 is not an int64: use a float dtype");
  EXPECT_EQ(refused([&] { x.add_(zeros({2})); }),
            "add_: dtypes differ: this is int64, the argument is float32");
  const Tensor mask = tensor({true, false});
  EXPECT_ERROR(mask.add_(mask.clone()), DTypeError, "add_: not defined for boolean tensors");
  EXPECT_ERROR(mask.mul_(mask.clone()), DTypeError, "mul_: not defined for boolean tensors");
  EXPECT_ERROR(mask.mul_(1), DTypeError, "mul_: not defined for boolean tensors");
  EXPECT_TRUE(has_values(mask, {2}, {1, 0}));
}

}  // namespace
}  // namespace gradus
