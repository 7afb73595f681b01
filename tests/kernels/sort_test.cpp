#include <gradus/framework/kernels/order.h>
#include <gradus/framework/kernels/sort.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "kernel_testing.h"

namespace gradus::kernels {
namespace {

template <class T>
bool before(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return a < b || (std::isnan(b) && !std::isnan(a));
  } else {
    return a < b;
  }
}

/// Random values of all sizes, with ties, and what is special about T.
template <class T>
std::vector<T> values_for(int64_t n, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::vector<T> x(at(n));
  for (auto&& value : x) {
    const uint64_t bits = engine();
    if constexpr (std::is_same_v<T, bool>) {
      value = bits % 2 == 0;
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(bits % 3 == 0 ? bits : bits % 16) * (bits % 2 == 0 ? 1 : -1);
    } else {
      const T special[] = {T{0}, T{-0.0}, infinity<T>, -infinity<T>, nan_value<T>, -nan_value<T>};
      const T size = std::ldexp(static_cast<T>(bits % 1000), static_cast<int>(bits % 60) - 30);
      value = bits % 5 == 0 ? special[bits % 6] : bits % 2 == 0 ? size : -size;
    }
  }
  return x;
}

template <class T>
std::vector<int64_t> sorted_places(const T* row, int64_t C, bool descending) {
  std::vector<int64_t> places(at(C));
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(), [=](int64_t a, int64_t b) {
    return descending ? before(row[b], row[a]) : before(row[a], row[b]);
  });
  return places;
}

/// std::vector<bool> has no data().
template <class T>
struct Array {
  explicit Array(const std::vector<T>& from) : values(new T[from.size() + 1]) {
    std::copy(from.begin(), from.end(), values.get());
  }
  std::unique_ptr<T[]> values;
};

template <class T>
class Sort : public testing::Test {};
using Types = testing::Types<float, double, int64_t, bool>;
TYPED_TEST_SUITE(Sort, Types);

// Lengths on both sides of those where the method changes.
const std::pair<int64_t, int64_t> sizes[] = {{1, 0},     {3, 1},     {5, 7},     {4, 255},
                                             {2, 256},   {2, 257},   {1, 5000},  {70, 300},
                                             {1, 65535}, {2, 65537}, {1, 150000}};

TYPED_TEST(Sort, RowsAreInOrderAndStable) {
  using T = TypeParam;
  for (const auto& [R, C] : sizes) {
    const Array<T> x(values_for<T>(R * C, 1));
    for (const bool descending : {false, true}) {
      const Array<T> values(std::vector<T>(at(R * C)));
      std::vector<int64_t> index(at(R * C));
      sort_rows(x.values.get(), R, C, descending, values.values.get(), index.data());
      for (int64_t r = 0; r < R; ++r) {
        const T* row = x.values.get() + r * C;
        const std::vector<int64_t> expected = sorted_places(row, C, descending);
        ASSERT_TRUE(std::equal(expected.begin(), expected.end(), index.data() + r * C)) << C;
        const T* const first = values.values.get() + r * C;
        for (int64_t i = 0; i < C; ++i) {
          if (!same_bits(first[i], row[index[at(r * C + i)]])) FAIL() << C << " at " << i;
        }
      }
    }
  }
}

TYPED_TEST(Sort, TheFirstOfEachRowAreThoseOfASort) {
  using T = TypeParam;
  for (const auto& [R, C] : sizes) {
    const Array<T> x(values_for<T>(R * C, 2));
    for (const bool descending : {false, true}) {
      std::vector<std::vector<int64_t>> places;  // of each row
      for (int64_t r = 0; r < R; ++r) {
        places.push_back(sorted_places(x.values.get() + r * C, C, descending));
      }
      for (const int64_t k : {int64_t{0}, int64_t{1}, int64_t{5}, C / 3, C}) {
        if (k > C) continue;
        for (const bool sorted : {false, true}) {
          const Array<T> values(std::vector<T>(at(R * k)));
          std::vector<int64_t> index(at(R * k));
          top_rows(x.values.get(), R, C, k, descending, sorted, values.values.get(), index.data());
          for (int64_t r = 0; r < R; ++r) {
            std::vector<int64_t> expected(places[at(r)].begin(), places[at(r)].begin() + k);
            if (!sorted) std::sort(expected.begin(), expected.end());
            ASSERT_TRUE(std::equal(expected.begin(), expected.end(), index.data() + r * k))
                << C << ", k " << k;
            const T *const row = x.values.get() + r * C, *const first = values.values.get() + r * k;
            for (int64_t i = 0; i < k; ++i) {
              if (!same_bits(first[i], row[index[at(r * k + i)]])) FAIL() << C << ", " << k;
            }
          }
        }
      }
    }
  }
}

TYPED_TEST(Sort, WritesOnlyWhatIsAskedFor) {
  using T = TypeParam;
  const Array<T> x(values_for<T>(500, 3));
  const Array<T> values(std::vector<T>(500)), both(std::vector<T>(500));
  std::vector<int64_t> index(500), of_both(500);
  sort_rows(x.values.get(), 1, 500, true, both.values.get(), of_both.data());
  sort_rows<T>(x.values.get(), 1, 500, true, nullptr, index.data());
  sort_rows<T>(x.values.get(), 1, 500, true, values.values.get(), nullptr);
  EXPECT_EQ(index, of_both);
  EXPECT_EQ(std::memcmp(values.values.get(), both.values.get(), 500 * sizeof(T)), 0);
}

TYPED_TEST(Sort, GivesOneResultForAnyNumberOfThreads) {
  using T = TypeParam;
  const ThreadsGuard guard;
  for (const auto& [R, C] : {std::pair<int64_t, int64_t>{40, 300}, {1, 200000}}) {
    const Array<T> x(values_for<T>(R * C, 4));
    for (const int64_t grain : {int64_t{1000}, detail::default_parallel_grain}) {
      set_parallel_grain(grain);
      const auto results = with_threads([&, rows = R, columns = C] {
        std::vector<int64_t> index(at(rows * columns));
        sort_rows<T>(x.values.get(), rows, columns, false, nullptr, index.data());
        std::vector<int64_t> top(at(rows * 50));
        top_rows<T>(x.values.get(), rows, columns, 50, true, true, nullptr, top.data());
        index.insert(index.end(), top.begin(), top.end());
        return index;
      });
      for (const auto& result : results) EXPECT_EQ(result, results[0]);
    }
  }
}

TEST(OrderKey, IsOrderedAsTheValues) {
  const float rising[] = {-infinity<float>, -3e38f, -1.0f, -1e-45f,         0.0f,
                          1e-45f,           1.0f,   3e38f, infinity<float>, nan_value<float>};
  for (size_t i = 1; i < std::size(rising); ++i) {
    EXPECT_LT(order_key(rising[i - 1]), order_key(rising[i]));
    EXPECT_LT(order_key(static_cast<double>(rising[i - 1])),
              order_key(static_cast<double>(rising[i])));
  }
  EXPECT_EQ(order_key(-0.0f), order_key(0.0f));
  EXPECT_EQ(order_key(-nan_value<double>), order_key(nan_value<double>));
}

}  // namespace
}  // namespace gradus::kernels
