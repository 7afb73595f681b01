#include <gradus/framework/kernels/copy.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <vector>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

using Sizes = std::vector<int64_t>;

int64_t product(const Sizes& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<>());
}

/// Bytes that differ from element to element in every byte of an element.
std::vector<unsigned char> pattern(int64_t bytes) {
  std::vector<unsigned char> x(at(bytes));
  uint32_t state = 12345;
  for (unsigned char& byte : x) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<unsigned char>(state >> 24);
  }
  return x;
}

/// Calls f(flat index of y, index) for every index of `shape`.
template <class F>
void for_each_index(const Sizes& shape, F&& f) {
  Sizes index(shape.size());
  for (int64_t flat = 0; flat < product(shape); ++flat) {
    f(flat, index);
    for (size_t i = shape.size(); i-- > 0;) {
      if (++index[i] < shape[i]) break;
      index[i] = 0;
    }
  }
}

/// y[index] = x[sum of index * stride]; strides in elements.
std::vector<unsigned char> strided(const std::vector<unsigned char>& x, const Sizes& shape,
                                   const Sizes& strides, int64_t size) {
  std::vector<unsigned char> y(at(product(shape) * size));
  for_each_index(shape, [&](int64_t flat, const Sizes& index) {
    const int64_t from =
        std::inner_product(index.begin(), index.end(), strides.begin(), int64_t{0});
    std::memcpy(&y[at(flat * size)], &x[at(from * size)], at(size));
  });
  return y;
}

void expect_permutes(const Sizes& shape, const Sizes& axes, int64_t size) {
  const auto x = pattern(product(shape) * size);
  Sizes strides(shape.size(), 1), y_shape, y_strides;
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  for (const int64_t axis : axes) {
    y_shape.push_back(shape[at(axis)]);
    y_strides.push_back(strides[at(axis)]);
  }
  auto expected = strided(x, y_shape, y_strides, size);
  auto y = pattern(product(shape) * size + 1);
  expected.push_back(y.back());  // the byte behind the end stays
  permute(x.data(), y.data(), static_cast<int>(shape.size()), shape.data(), axes.data(), at(size));
  EXPECT_EQ(y, expected) << ::testing::PrintToString(shape) << ::testing::PrintToString(axes)
                         << size;
}

TEST(Permute, TransposesMatricesOfAnySize) {
  for (const int64_t size : {1, 2, 4, 8, 16}) {
    for (const int64_t rows : {1, 2, 3, 7, 8, 9, 16, 63, 64, 65, 130}) {
      for (const int64_t columns : {1, 2, 5, 8, 15, 17, 64, 129}) {
        expect_permutes({rows, columns}, {1, 0}, size);
      }
    }
  }
}

TEST(Permute, TransposesMatricesWhoseRowsAreFarApart) {
  for (const int64_t size : {1, 4, 8}) {
    expect_permutes({1024, 70}, {1, 0}, size);
    expect_permutes({3, 2048, 9}, {0, 2, 1}, size);
    expect_permutes({70, 1024}, {1, 0}, size);
  }
}

TEST(Permute, ReordersAxesInEveryWay) {
  for (const Sizes& shape : {Sizes{2, 3, 4, 5}, Sizes{1, 9, 1, 10}, Sizes{8, 1, 16, 3},
                             Sizes{3, 2, 2, 2}, Sizes{5, 11, 2, 9}}) {
    for (const int64_t size : {1, 4, 8}) {
      Sizes axes = {0, 1, 2, 3};
      do expect_permutes(shape, axes, size);
      while (std::next_permutation(axes.begin(), axes.end()));
    }
  }
}

TEST(Permute, TakesAnyRankAndEmptyShapes) {
  expect_permutes({}, {}, 4);
  expect_permutes({7}, {0}, 4);
  expect_permutes({0, 3}, {1, 0}, 4);
  expect_permutes({3, 0, 2}, {2, 0, 1}, 4);
  expect_permutes({2, 3, 2, 3, 2, 3, 2, 3}, {7, 0, 6, 1, 5, 2, 4, 3}, 4);
  expect_permutes({2, 3, 2, 3, 2, 3, 2, 3}, {1, 0, 3, 2, 5, 4, 7, 6}, 8);
}

TEST(Permute, CopiesLargeArraysOnSeveralThreads) {
  const ThreadsGuard guard;
  set_num_threads(3);
  expect_permutes({300, 200}, {0, 1}, 8);
  expect_permutes({301, 203}, {1, 0}, 4);
  expect_permutes({20, 33, 4, 65}, {0, 2, 1, 3}, 4);
  expect_permutes({20, 33, 4, 65}, {2, 0, 3, 1}, 4);
  set_parallel_grain(1);
  expect_permutes({31, 20, 9}, {2, 1, 0}, 8);
  expect_permutes({31, 20, 9}, {1, 2, 0}, 4);
}

void expect_broadcasts(const Sizes& strides, const Sizes& shape, int64_t size) {
  int64_t most = 1;
  for (size_t i = 0; i < shape.size(); ++i) most += std::max<int64_t>(shape[i] - 1, 0) * strides[i];
  const auto x = pattern(most * size);
  auto y = pattern(product(shape) * size + 1);
  auto expected = strided(x, shape, strides, size);
  expected.push_back(y.back());
  broadcast(x.data(), y.data(), static_cast<int>(shape.size()), strides.data(), shape.data(),
            at(size));
  EXPECT_EQ(y, expected) << ::testing::PrintToString(strides) << ::testing::PrintToString(shape)
                         << size;
}

TEST(Broadcast, RepeatsAlongAxesOfStrideZero) {
  const ThreadsGuard guard;
  for (const int64_t grain : {int64_t{1}, detail::default_parallel_grain}) {
    set_num_threads(grain == 1 ? 3 : 1);
    set_parallel_grain(grain);
    for (const int64_t size : {1, 4, 8, 16}) {
      expect_broadcasts({0, 1}, {5, 7}, size);
      expect_broadcasts({1, 0}, {5, 7}, size);
      expect_broadcasts({0, 0}, {5, 7}, size);
      expect_broadcasts({7, 1}, {5, 7}, size);
      expect_broadcasts({0}, {100}, size);
      for (const int64_t n : {2, 3, 5, 15, 16, 17, 63, 64, 65, 129}) {  // about a cache line
        expect_broadcasts({0}, {n}, size);
        expect_broadcasts({1, 0}, {3, n}, size);
      }
      expect_broadcasts({0}, {200'001}, size);  // several chunks
      expect_broadcasts({}, {}, size);
      expect_broadcasts({3, 0, 1}, {4, 5, 3}, size);
      expect_broadcasts({2, 0, 1}, {4, 5, 2}, size);
      expect_broadcasts({0, 1, 0}, {4, 5, 3}, size);
      expect_broadcasts({0, 4, 0, 1}, {2, 3, 5, 4}, size);
      expect_broadcasts({0, 1}, {0, 7}, size);
      expect_broadcasts({0, 1}, {300, 401}, size);
      expect_broadcasts({0, 16, 0, 8, 0, 8, 0, 4, 0, 2, 0, 2, 0, 1, 0, 0},
                        {2, 2, 1, 2, 2, 1, 2, 2, 2, 2, 2, 1, 2, 2, 2, 1}, size);  // 16 axes
    }
  }
}

TEST(CopyBlocks, CopiesBlocksAndLeavesWhatLiesBetween) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const int64_t block : {0, 1, 2, 3, 4, 8, 12, 16, 100, 70000}) {
      for (const int64_t count : {0, 1, 2, 9, 200}) {
        for (const int64_t gap : {0, 5}) {
          const int64_t src_stride = block + gap, dst_stride = block + 2 * gap;
          const auto src = pattern(src_stride * count + 1);
          std::vector<unsigned char> dst(at(dst_stride * count + 1), 7), expected = dst;
          for (int64_t i = 0; i < count; ++i) {
            std::copy_n(&src[at(i * src_stride)], block, &expected[at(i * dst_stride)]);
          }
          copy_blocks(src.data(), src_stride, dst.data(), dst_stride, block, count);
          ASSERT_TRUE(dst == expected) << block << " " << count << " " << gap;
        }
      }
    }
  }
}

TEST(CopyBlocks, SplitsOneLongBlock) {
  const ThreadsGuard guard;
  set_num_threads(3);
  const auto src = pattern(1'000'003);
  std::vector<unsigned char> dst(src.size());
  copy_blocks(src.data(), 0, dst.data(), 0, 1'000'003, 1);
  EXPECT_TRUE(dst == src);
}

TEST(AddBlocks, AddsBlocksAndLeavesWhatLiesBetween) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const int64_t block : {0, 1, 3, 100, 70001}) {
      for (const int64_t count : {0, 1, 2, 9}) {
        for (const int64_t gap : {0, 2}) {
          const int64_t src_stride = block + gap, dst_stride = block + 3 * gap;
          std::vector<double> src(at(src_stride * count)), dst(at(dst_stride * count), 0.5);
          std::iota(src.begin(), src.end(), 1.0);
          auto expected = dst;
          for (int64_t i = 0; i < count; ++i) {
            for (int64_t j = 0; j < block; ++j) {
              expected[at(i * dst_stride + j)] += src[at(i * src_stride + j)];
            }
          }
          add_blocks(src.data(), src_stride, dst.data(), dst_stride, block, count);
          ASSERT_EQ(dst, expected) << block << " " << count << " " << gap;
        }
      }
    }
  }
}

struct Slice {
  int64_t outer, n, inner, start, step, count;
};

const Slice slices[] = {{1, 10, 1, 0, 3, 4},  {3, 7, 4, 1, 2, 3},   {2, 5, 3, 4, -2, 3},
                        {4, 6, 1, 5, -1, 6},  {2, 5, 130, 0, 1, 5}, {3, 9, 2, 2, 7, 1},
                        {0, 4, 4, 0, 1, 2},   {2, 4, 0, 0, 1, 2},   {2, 4, 3, 4, 1, 0},
                        {500, 40, 7, 3, 5, 7}};

TEST(CopyStrided, TakesEveryStepOfTheAxis) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const Slice& s : slices) {
      std::vector<float> src(at(s.outer * s.n * s.inner)), dst(at(s.outer * s.count * s.inner), -1);
      std::iota(src.begin(), src.end(), 0.0f);
      auto expected = dst;
      for_each_index({s.outer, s.count, s.inner}, [&](int64_t flat, const Sizes& i) {
        expected[at(flat)] = src[at((i[0] * s.n + s.start + i[1] * s.step) * s.inner + i[2])];
      });
      copy_strided(src.data(), dst.data(), s.outer, s.n, s.inner, s.start, s.step, s.count);
      ASSERT_EQ(dst, expected) << s.n << " " << s.step;
    }
  }
}

TEST(CopyStrided, TakesEveryElementType) {
  const bool flags[] = {true, false, false, true, true};
  bool some[3] = {};
  copy_strided(flags, some, 1, 5, 1, 0, 2, 3);
  EXPECT_TRUE(some[0] && !some[1] && some[2]);
  const int64_t ids[] = {1, 2, 3, 4, 5, 6};
  int64_t last[2] = {};
  copy_strided(ids, last, 2, 3, 1, 2, -1, 1);
  EXPECT_EQ(last[0], 3);
  EXPECT_EQ(last[1], 6);
}

TEST(AddStrided, AddsToEveryStepOfTheAxisAndNoOther) {
  const ThreadsGuard guard;
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    for (const Slice& s : slices) {
      std::vector<double> dst(at(s.outer * s.n * s.inner), 0.25),
          src(at(s.outer * s.count * s.inner));
      std::iota(src.begin(), src.end(), 1.0);
      auto expected = dst;
      for_each_index({s.outer, s.count, s.inner}, [&](int64_t flat, const Sizes& i) {
        expected[at((i[0] * s.n + s.start + i[1] * s.step) * s.inner + i[2])] += src[at(flat)];
      });
      add_strided(src.data(), dst.data(), s.outer, s.n, s.inner, s.start, s.step, s.count);
      ASSERT_EQ(dst, expected) << s.n << " " << s.step;
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
