// Tensors of more than 2^31 elements, where products and offsets of 32 bits go wrong. Each needs up
// to 9 GB of memory, and is skipped where that is missing. They carry the label `huge`, which
// ./dev test leaves out: ctest --test-dir build/release -L huge
#include <gradus/framework/base/memory.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/scatter.h>
#include <gradus/framework/ops/search.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_testing.h>

#include <atomic>
#include <fstream>
#include <string>
#include <utility>

namespace gradus {
namespace {

constexpr std::int64_t limit = std::int64_t{1} << 31;
constexpr std::int64_t R = 65537, C = 32769;  // R C is above 2^31, and R C / 2 is not
static_assert(R * C > limit && R * C / 2 < limit);

// Bytes that programs can still get; as good as none where the system does not say.
double available_bytes() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    double kilobytes = 0;
    if (word == "MemAvailable:" && file >> kilobytes) return 1024 * kilobytes;
  }
  return 0;
}

class Huge : public testing::Test {
 protected:
  void TearDown() override { trim_memory(); }

  // False, and the test is skipped, if that many GB are not there.
  static bool has_memory(double gigabytes) { return available_bytes() > gigabytes * 1e9; }
};

#define NEEDS_GIGABYTES(n) \
  if (!has_memory(n)) GTEST_SKIP() << "there are no " << (n) << " GB of memory"

// A bit for each place, without a period that a wrong offset could hit.
bool bit(std::int64_t i) { return static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15u >> 63 != 0; }

Tensor bits(const Shape& shape) {
  const Tensor x = empty(shape, DType::boolean);
  bool* values = x.mutable_data<bool>();
  parallel_for(x.numel(), 1, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) values[i] = bit(i);
  });
  return x;
}

// Where x[i] == expected(i) does not hold first, or -1.
template <class T, class F>
std::int64_t first_wrong(const Tensor& x, const F& expected) {
  const T* values = x.data<T>();
  std::atomic<std::int64_t> first{x.numel()};
  parallel_for(x.numel(), 4, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      if (values[i] == expected(i)) continue;
      std::int64_t seen = first;
      while (i < seen && !first.compare_exchange_weak(seen, i)) {
      }
      return;
    }
  });
  return first < x.numel() ? first.load() : -1;
}

TEST_F(Huge, FillAddSumAndArgmax) {
  NEEDS_GIGABYTES(9.5);
  Tensor x = full({R, C}, 2);
  x.mutable_data<float>()[R * C - 1] = 3;
  EXPECT_EQ(argmax(x).item<std::int64_t>(), R * C - 1);
  const Tensor row = arange(C).to(DType::float32);
  const Tensor y = add(std::move(x), row);  // over the values of x
  EXPECT_EQ(
      first_wrong<float>(
          y, [](std::int64_t i) { return static_cast<float>(i % C + (i == R * C - 1 ? 3 : 2)); }),
      -1);
  EXPECT_EQ(sum(y).item<float>(), static_cast<float>(R * (C * (C - 1) / 2 + 2 * C) + 1));
  const Tensor columns = sum(y, 0);
  EXPECT_EQ(
      first_wrong<float>(
          columns, [](std::int64_t c) { return static_cast<float>(R * (c + 2) + (c == C - 1)); }),
      -1);
}

TEST_F(Huge, SliceAndSelect) {
  NEEDS_GIGABYTES(5);
  const Tensor x = bits({R, C});
  const Tensor reversed = slice(x, 1, -1, -C - 1, -1);
  EXPECT_EQ(reversed.shape(), x.shape());
  EXPECT_EQ(
      first_wrong<bool>(reversed, [](std::int64_t i) { return bit(i / C * C + C - 1 - i % C); }),
      -1);
  const Tensor rows = slice(x, 0, R - 2, R);
  EXPECT_EQ(first_wrong<bool>(rows, [](std::int64_t i) { return bit((R - 2) * C + i); }), -1);
  const Tensor column = select(x, 1, C - 1);
  EXPECT_EQ(first_wrong<bool>(column, [](std::int64_t r) { return bit(r * C + C - 1); }), -1);
}

TEST_F(Huge, SumOfBooleansAndNonzero) {
  NEEDS_GIGABYTES(3);
  const Tensor x = zeros({R, C}, DType::boolean);
  x.mutable_data<bool>()[R * C - 1] = true;
  x.mutable_data<bool>()[limit + 5] = true;
  const std::int64_t expected[] = {(limit + 5) / C, (limit + 5) % C, R - 1, C - 1};
  const Tensor places = nonzero(x);
  EXPECT_EQ(places.shape(), Shape({2, 2}));
  EXPECT_EQ(first_wrong<std::int64_t>(places, [&](std::int64_t i) { return expected[i]; }), -1);
}

TEST_F(Huge, CatAndSplitOnEitherAxis) {
  NEEDS_GIGABYTES(5);
  constexpr std::int64_t half = C / 2;
  {
    const Tensor top = bits({R / 2, C}), all = bits({1, C});
    const Tensor y = cat({top, top, all}, 0);
    EXPECT_EQ(y.shape(), Shape({R, C}));
    const auto expected = [](std::int64_t i) { return bit(i % (R / 2 * C)); };
    EXPECT_EQ(first_wrong<bool>(y, expected), -1);
  }
  const Tensor left = bits({R, half}), right = bits({R, C - half});
  const Tensor y = cat({left, right}, 1);
  EXPECT_EQ(first_wrong<bool>(y,
                              [](std::int64_t i) {
                                const std::int64_t r = i / C, c = i % C;
                                return c < half ? bit(r * half + c)
                                                : bit(r * (C - half) + c - half);
                              }),
            -1);
}

TEST_F(Huge, IndexSelectOfALargeResult) {
  NEEDS_GIGABYTES(3);
  const Tensor table = bits({7, C});
  const Tensor ids = arange(R);
  for (std::int64_t& id : ids.mutable_span<std::int64_t>()) id = (id * 5 + 3) % 7;
  const auto expected = [](std::int64_t i) { return bit((i / C * 5 + 3) % 7 * C + i % C); };
  EXPECT_EQ(first_wrong<bool>(index_select(table, 0, ids), expected), -1);
}

TEST_F(Huge, EmbeddingFromALargeTable) {
  NEEDS_GIGABYTES(9.5);
  constexpr std::int64_t V = (std::int64_t{1} << 21) + 3, D = 1024;
  static_assert(V * D > limit);
  const Tensor weight = zeros({V, D});
  const std::vector<std::int64_t> rows{0, V / 2, V - 2, V - 1};
  for (const std::int64_t row : rows) {
    for (std::int64_t d = 0; d < D; ++d) {
      weight.mutable_data<float>()[row * D + d] = static_cast<float>(row % 1000 + d);
    }
  }
  weight.set_trainable(true);
  const Tensor y = embedding(weight, tensor(rows), {.sparse = true});
  const auto expected = [&](std::int64_t i) {
    return static_cast<float>(rows[static_cast<std::size_t>(i / D)] % 1000 + i % D);
  };
  EXPECT_EQ(first_wrong<float>(y, expected), -1);
  sum(y).backward();
  EXPECT_EQ(weight.grad().sparse().nnz(), 4);
  EXPECT_EQ(first_wrong<float>(index_select(weight.detach(), 0, tensor(rows)), expected), -1);
}

TEST_F(Huge, MatmulOfALargeResult) {
  NEEDS_GIGABYTES(9.5);
  const Tensor a = empty({R, 2}), b = empty({2, C});
  for (std::int64_t i = 0; i < 2 * R; ++i) a.mutable_data<float>()[i] = static_cast<float>(i % 11);
  for (std::int64_t i = 0; i < 2 * C; ++i) b.mutable_data<float>()[i] = static_cast<float>(i % 13);
  const Tensor y = matmul(a, b);
  const float* p = a.data<float>();
  const float* q = b.data<float>();
  EXPECT_EQ(first_wrong<float>(y,
                               [=](std::int64_t i) {
                                 const std::int64_t r = i / C, c = i % C;
                                 return p[2 * r] * q[c] + p[2 * r + 1] * q[C + c];
                               }),
            -1);
}

// A sum longer than an int counts, as a product of two vectors and as one of a row and a column.
TEST_F(Huge, MatmulOverMoreThanAnIntCounts) {
  NEEDS_GIGABYTES(9.5);
  constexpr std::int64_t n = limit + 256;
  const Tensor x = ones({n});
  x.mutable_data<float>()[n - 1] = 257;
  const auto expected = static_cast<float>(n - 1 + 257 * 257);
  EXPECT_EQ(matmul(x, x).item<float>(), expected);
  const Tensor row = reshape(x, {1, n}), column = reshape(x, {n, 1});
  EXPECT_EQ(matmul(row, column).item<float>(), expected);
  EXPECT_EQ(matmul(column, row, {.trans_a = true, .trans_b = true}).item<float>(), expected);
}

// More ones into one place than a float counts one by one: it stops at 2^24.
TEST_F(Huge, PlacesCountMoreOnesThanAFloatDoes) {
  NEEDS_GIGABYTES(2);
  constexpr std::int64_t n = std::int64_t{1} << 25;
  const Tensor ids = zeros({n}, DType::int64), x = ones({n});
  const auto expected = static_cast<float>(n);
  EXPECT_EQ(scatter_add(zeros({2}), 0, ids, x).data<float>()[0], expected);
  EXPECT_EQ(index_add(zeros({2}), 0, ids, x).data<float>()[0], expected);
  for (const bool sparse : {false, true}) {
    const Tensor table = zeros({2, 1});
    table.set_trainable(true);
    sum(embedding(table, ids, {.sparse = sparse})).backward();
    EXPECT_EQ(table.grad().to_dense().data<float>()[0], expected);
    if (sparse) {
      EXPECT_EQ(table.grad().sparse().coalesce().values().data<float>()[0], expected);
    }
  }
  const Tensor vector = zeros({2});
  vector.set_trainable(true);
  sum(gather(vector, 0, ids)).backward();
  EXPECT_EQ(vector.grad().dense().data<float>()[0], expected);
  vector.clear_grad();
  sum(index_select(vector, 0, ids)).backward();
  EXPECT_EQ(vector.grad().dense().data<float>()[0], expected);
}

}  // namespace
}  // namespace gradus
