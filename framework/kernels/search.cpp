#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/blocks.h>
#include <gradus/framework/kernels/order.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/search.h>

#include <algorithm>
#include <bit>

namespace gradus::kernels {
namespace {

/// Calls f(block, begin, end) for the blocks of n values.
template <class F>
void for_blocks(int64_t n, const F& f) {
  const int64_t blocks = (n + search_block - 1) / search_block;
  parallel_for_each(blocks, search_block, [&](int64_t b) {
    f(b, b * search_block, std::min(n, (b + 1) * search_block));
  });
}

/// How many of n sorted values are below the key, or not above it. The steps depend on n only, so
/// the processor can work on several searches at once.
template <class T, class Key>
int64_t rank_of(const T* sorted, int64_t n, Key key, bool right) {
  if (n == 0) return 0;
  if (right && key == ~Key{0}) return n;
  const Key limit = right ? key + 1 : key;
  const T* first = sorted;
  while (n > 1) {
    const int64_t half = n / 2;
    first += order_key(first[half - 1]) < limit ? half : 0;
    n -= half;
  }
  return first - sorted + (order_key(*first) < limit ? 1 : 0);
}

}  // namespace

template <class T>
std::vector<int64_t> count_nonzero(const T* x, int64_t n) {
  const int64_t blocks = (n + search_block - 1) / search_block;
  std::vector<int64_t> before(static_cast<size_t>(blocks) + 1);
  for_blocks(n, [&](int64_t block, int64_t begin, int64_t end) {
    int64_t count = 0;
    for (int64_t i = begin; i < end; ++i) count += x[i] != T{} ? 1 : 0;
    before[static_cast<size_t>(block) + 1] = count;
  });
  for (size_t b = 1; b < before.size(); ++b) before[b] += before[b - 1];
  return before;
}

template <class T>
void list_nonzero(const T* x, int64_t n, const std::vector<int64_t>& before, const int64_t* shape,
                  int64_t rank, int64_t* out) {
  for_blocks(n, [&](int64_t block, int64_t begin, int64_t end) {
    int64_t* next = out + before[static_cast<size_t>(block)] * rank;
    for (int64_t i = begin; i < end; ++i) {
      if (!(x[i] != T{})) continue;
      int64_t rest = i;
      for (int64_t axis = rank; axis-- > 0; rest /= shape[axis]) next[axis] = rest % shape[axis];
      next += rank;
    }
  });
}

template <class T>
int64_t first_unsorted(const T* x, int64_t R, int64_t C) {
  return detail::first_found(R * C, [=](int64_t begin, int64_t end) {
    for (int64_t i = std::max<int64_t>(begin, 1); i < end; ++i) {
      if (order_key(x[i]) < order_key(x[i - 1]) && i % C != 0) return i;
    }
    return end;
  });
}

template <class T>
void search_rows(const T* sorted, int64_t C, bool one_row, const T* values, int64_t R, int64_t m,
                 bool right, int64_t* out) {
  const int64_t cost = 4 * static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(C))) + 4;
  parallel_for_each(R * m, cost, [=](int64_t i) {
    const T* row = one_row ? sorted : sorted + i / m * C;
    out[i] = rank_of(row, C, order_key(values[i]), right);
  });
}

void count_ids(const int64_t* ids, int64_t n, int64_t* counts, int64_t bins) {
  std::fill_n(counts, bins, int64_t{0});
  const int64_t parts = std::clamp<int64_t>(n / (search_block + bins), 1, 16);
  if (parts == 1) {
    for (int64_t i = 0; i < n; ++i) ++counts[ids[i]];
    return;
  }
  const Scratch<int64_t> partial(parts * bins);
  const int64_t length = (n - 1) / parts + 1;
  parallel_for_each(parts, length, [&](int64_t part) {
    int64_t* own = partial.data() + part * bins;
    std::fill_n(own, bins, int64_t{0});
    for (int64_t i = part * length; i < std::min(n, (part + 1) * length); ++i) ++own[ids[i]];
  });
  for (int64_t part = 0; part < parts; ++part) {
    for (int64_t b = 0; b < bins; ++b) counts[b] += partial[part * bins + b];
  }
}

GRADUS_INSTANTIATE_ALL(count_nonzero)
GRADUS_INSTANTIATE_ALL(list_nonzero)
GRADUS_INSTANTIATE_NUMBERS(first_unsorted)
GRADUS_INSTANTIATE_NUMBERS(search_rows)

}  // namespace gradus::kernels
