// Wide sums, NaN and the floating-point mode.
#include <gradus/framework/base/numerics.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_testing.h>

#include <atomic>
#include <cmath>
#include <thread>
#if defined(__SSE__)
#include <immintrin.h>
#endif

namespace gradus {
namespace {

#ifdef __FAST_MATH__
#error "the tests are built with -ffast-math: NaN and infinity would go unseen"
#endif

// Ones in float32. Added one by one in float, more than 2^24 of them give 2^24.
Tensor many_ones(const Shape& shape) {
  return tensor(std::vector<float>(static_cast<std::size_t>(shape.numel()), 1.0F), shape);
}

TEST(WideSums, OfTwentyMillionFloatsAreExact) {
  constexpr std::int64_t n = 20'000'000;
  const Tensor x = many_ones({n});
  EXPECT_EQ(sum(x).item(), n);
  EXPECT_EQ(mean(x).item(), 1);
  const Tensor rows = reshape(x, {2, n / 2}), columns = reshape(x, {n / 2, 2});
  EXPECT_TRUE(has_values(sum(rows, 1), {2}, {n / 2, n / 2}));
  EXPECT_TRUE(has_values(sum(columns, 0), {2}, {n / 2, n / 2}));
  EXPECT_TRUE(has_values(mean(columns, 0), {2}, {1, 1}));
}

TEST(WideSums, OfManyRoundedFloatsKeepTheirDigits) {
  constexpr std::int64_t n = 3'000'000;
  const Tensor x = tensor(std::vector<float>(n, 0.1F));
  const double exact = static_cast<double>(0.1F) * n;
  EXPECT_NEAR(sum(x).item(), exact, 0.02);  // half a unit in the last place of a float there
  EXPECT_NEAR(mean(x).item(), static_cast<double>(0.1F), 4e-9);
}

TEST(WideSums, AlongAnyAxisAndLayoutAgreeToALastPlace) {
  Generator generator(1);
  const Tensor x = rand({700, 3, 50}, 0, 1, DType::float32, generator);
  const Tensor expected = sum(x, 0);                    // [3, 50]
  const Tensor moved = sum(permute(x, {1, 2, 0}), -1);  // rows
  const Tensor middle = sum(permute(x, {1, 0, 2}), 1);  // columns
  for (std::int64_t i = 0; i < expected.numel(); ++i) {
    const float value = expected.data<float>()[i];
    const float most = std::nextafter(value, 1e9F) - value;
    EXPECT_NEAR(moved.data<float>()[i], value, most) << i;
    EXPECT_NEAR(middle.data<float>()[i], value, most) << i;
  }
  const Tensor copied = permute(permute(x, {2, 0, 1}), {1, 2, 0});  // the values of x again
  EXPECT_TRUE(has_values(sum(copied, 0), expected.shape(), values_of(expected)));
}

TEST(NotANumber, IsSeenInWhatTheBuiltFlagsCompute) {
  const Tensor zero = tensor({0.0, 0.0, 0.0}), big = tensor({infinity, infinity, 1.0});
  const Tensor found = isnan(zero / zero + (big - big));
  EXPECT_EQ(values_of(found), (std::vector<double>{1, 1, 1}));
  EXPECT_EQ(values_of(isnan(big - big)), (std::vector<double>{1, 1, 0}));
  EXPECT_EQ(values_of(isnan(sqrt(tensor({-1.0, 4.0})))), (std::vector<double>{1, 0}));
  const Tensor narrow = tensor({-1.0F, 4.0F});
  EXPECT_EQ(values_of(isnan(log(narrow))), (std::vector<double>{1, 0}));
}

#if defined(__SSE__)

constexpr unsigned flags = 0x3F;  // which exceptions have happened; the rest is the mode

// The modes of this thread and of those that run chunks.
std::vector<unsigned> modes() {
  std::vector<unsigned> result{_mm_getcsr() & ~flags};
  std::atomic<unsigned> seen{result[0]};
  parallel_for(64, 1 << 20, [&](std::int64_t, std::int64_t) {
    const unsigned mode = _mm_getcsr() & ~flags;
    if (mode != result[0]) seen = mode;
  });
  result.push_back(seen);
  return result;
}

void use_everything() {
  Generator generator(1);
  const Tensor x = randn({300, 300}, 0, 1, DType::float32, generator).set_trainable(true);
  sum(softmax(exp(matmul(x, x) * 0.01) + tanh(x), 1)).backward();
}

TEST(FloatingPointMode, OfTheHostIsLeftAlone) {
  constexpr unsigned usual = 0x1F80;  // round to nearest, denormals kept, no traps
  EXPECT_EQ(modes(), (std::vector<unsigned>{usual, usual}));
  use_everything();
  EXPECT_EQ(modes(), (std::vector<unsigned>{usual, usual}));
  const Tensor tiny = tensor({1e-310, 2e-310});
  EXPECT_EQ(sum(tiny * 0.5 + tiny).item(), 1.5e-310 + 3e-310);
}

TEST(FloatingPointMode, ThatTheUserSetIsKeptInEveryThread) {
  const unsigned before = _mm_getcsr();
  const unsigned flushed = (before | 0x8040) & ~flags;  // denormals count as zero
  _mm_setcsr(flushed);
  use_everything();
  const std::vector<unsigned> found = modes();
  _mm_setcsr(before);
  EXPECT_EQ(found, (std::vector<unsigned>{flushed, flushed}));
  EXPECT_EQ(modes()[1], modes()[0]);
}

TEST(FlushDenormal, HoldsInEveryWorkerAndIsRestored) {
  const std::vector<unsigned> before = modes();
  EXPECT_FALSE(flush_denormal());
  {
    const FlushDenormalGuard guard;
    EXPECT_TRUE(flush_denormal());
    EXPECT_EQ(modes(), (std::vector<unsigned>{before[0] | 0x8040, before[0] | 0x8040}));
    bool other = true;
    std::thread([&] { other = flush_denormal(); }).join();
    EXPECT_TRUE(other);  // a thread starts with the mode of the one that makes it
    { const FlushDenormalGuard inner; }
    EXPECT_TRUE(flush_denormal());
  }
  EXPECT_EQ(modes(), before);
  EXPECT_TRUE(set_flush_denormal(true));
  EXPECT_TRUE(set_flush_denormal(false));
  EXPECT_EQ(modes(), before);
}

TEST(FlushDenormal, MakesDenormalResultsZeroInEveryChunk) {
  const Tensor tiny = full({1 << 18}, 2e-38);  // normal; a tenth of it is not
  EXPECT_GT(min(tiny * 0.1).item(), 0);
  const FlushDenormalGuard guard;
  EXPECT_EQ(max(tiny * 0.1).item(), 0);
  EXPECT_EQ(max(matmul(reshape(tiny, {512, 512}), full({512, 512}, 1e-4))).item(), 0);
}

#endif

}  // namespace
}  // namespace gradus
