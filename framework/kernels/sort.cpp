#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/order.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/sort.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace gradus::kernels {
namespace {

__extension__ using Wide = unsigned __int128;

constexpr int64_t few = 256;            // items; up to this many std::sort is faster
constexpr int64_t chunk_items = 65536;  // items of a row that one task moves

// An item has a key in its upper half and the place that the key comes from in its lower half:
// items are distinct, so sorting them sorts the keys stably.
template <class Item>
constexpr int half = 4 * sizeof(Item);

template <class Item>
int64_t place_of(Item item) {
  return static_cast<int64_t>(item & ((Item{1} << half<Item>)-1));
}

/// The item of x[i].
template <class Item, class T>
Item item_of(const T* x, int64_t i, bool descending) {
  const auto key = order_key(x[i]);
  using Key = decltype(order_key(T{}));
  return static_cast<Item>(descending ? static_cast<Key>(~key) : key) << half<Item> |
         static_cast<Item>(i);
}

/// Calls f(Item{}) with an item that has room for the keys of T and for C places.
template <class T, class F>
void with_item(int64_t C, const F& f) {
  if (sizeof(order_key(T{})) == sizeof(uint32_t) && C <= int64_t{1} << 32) {
    f(uint64_t{});
  } else {
    f(Wide{});
  }
}

/// Moves the items to `to`, stably, by `bits` of their bits. Returns false, and moves nothing, if
/// these bits are the same in all.
template <class Item>
bool sort_by_digit(const Item* from, Item* to, int64_t n, int shift, int bits) {
  const int64_t buckets = int64_t{1} << bits;
  const int64_t chunks = std::clamp<int64_t>(n / chunk_items, 1, 64);
  const int64_t length = (n - 1) / chunks + 1;
  const auto bucket = [=](Item item) {
    return static_cast<int64_t>(item >> shift) & (buckets - 1);
  };
  const auto for_chunks = [=](const auto& f) {
    parallel_for_each(chunks, 4 * length, [&](int64_t c) {
      f(c * buckets, c * length, std::min(n, (c + 1) * length));
    });
  };
  const Scratch<int64_t> counts(chunks * buckets);  // later: where the next item goes
  for_chunks([&](int64_t row, int64_t begin, int64_t end) {
    int64_t* count = counts.data() + row;
    std::fill_n(count, buckets, int64_t{0});
    for (int64_t i = begin; i < end; ++i) ++count[bucket(from[i])];
  });
  int64_t next = 0;
  for (int64_t b = 0; b < buckets; ++b) {
    const int64_t start = next;
    for (int64_t c = 0; c < chunks; ++c) next += std::exchange(counts[c * buckets + b], next);
    if (next - start == n) return false;
  }
  for_chunks([&](int64_t row, int64_t begin, int64_t end) {
    int64_t* place = counts.data() + row;
    for (int64_t i = begin; i < end; ++i) to[place[bucket(from[i])]++] = from[i];
  });
  return true;
}

/// Sorts n items, which are in the order of their places, with room for n more in `other`; returns
/// where the sorted items are.
template <class Item>
Item* sort_items(Item* items, Item* other, int64_t n) {
  if (n < few) {
    std::sort(items, items + n);
    return items;
  }
  const int bits = n < chunk_items ? 8 : 11;
  for (int shift = half<Item>; shift < 2 * half<Item>; shift += bits) {
    if (sort_by_digit(items, other, n, shift, bits)) std::swap(items, other);
  }
  return items;
}

/// Writes the values and places of n items.
template <class Item, class T>
void unpack(const Item* items, int64_t n, const T* x, T* values, int64_t* index) {
  parallel_for_each(n, 8, [=](int64_t i) {
    const int64_t place = place_of(items[i]);
    if (values) values[i] = x[place];
    if (index) index[i] = place;
  });
}

template <class Item, class T>
void sort_row(const T* x, int64_t C, bool descending, Item* items, T* values, int64_t* index) {
  parallel_for_each(C, 2, [=](int64_t i) { items[i] = item_of<Item>(x, i, descending); });
  unpack(sort_items(items, items + C, C), C, x, values, index);
}

/// The k least items of a row, in a buffer of 2 k + `few` items that is cut back to k when it is
/// full.
template <class Item, class T>
void top_row(const T* x, int64_t C, int64_t k, bool descending, bool sorted, Item* items, T* values,
             int64_t* index) {
  const int64_t room = 2 * k + few;
  Item bound = static_cast<Item>(~Item{0});
  int64_t count = 0;
  for (int64_t i = 0; i < C; ++i) {
    const Item item = item_of<Item>(x, i, descending);
    if (item > bound) continue;
    items[count++] = item;
    if (count < room) continue;
    std::nth_element(items, items + k - 1, items + count);
    bound = items[k - 1];
    count = k;
  }
  if (count > k) std::nth_element(items, items + k - 1, items + count);
  // The items are in no particular order now, so only a sort of whole items is stable.
  if (sorted) {
    std::sort(items, items + k);
  } else {
    std::sort(items, items + k, [](Item a, Item b) { return place_of(a) < place_of(b); });
  }
  unpack(items, k, x, values, index);
}

/// p + offset, or null if p is null.
template <class T>
T* at(T* p, int64_t offset) {
  return p ? p + offset : p;
}

/// Calls f for each row: long rows one by one, since their loops are themselves parallel. make()
/// returns what the rows of a task share.
template <class Make, class F>
void for_rows(int64_t R, int64_t C, const Make& make, const F& f) {
  if (C > chunk_items) {
    const auto shared = make();
    for (int64_t r = 0; r < R; ++r) f(shared, r);
    return;
  }
  const auto digits = static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(C)));
  parallel_for(R, C * (4 + std::min<int64_t>(2 * digits, 16)) + 16,
               [&](int64_t begin, int64_t end) {
                 const auto shared = make();
                 for (int64_t r = begin; r < end; ++r) f(shared, r);
               });
}

}  // namespace

template <class T>
void sort_rows(const T* x, int64_t R, int64_t C, bool descending, T* values, int64_t* index) {
  if (C == 0) return;
  with_item<T>(C, [=]<class Item>(Item) {
    for_rows(
        R, C, [=] { return Scratch<Item>(2 * C); },
        [=](const Scratch<Item>& items, int64_t r) {
          sort_row(x + r * C, C, descending, items.data(), at(values, r * C), at(index, r * C));
        });
  });
}

template <class T>
void top_rows(const T* x, int64_t R, int64_t C, int64_t k, bool descending, bool sorted, T* values,
              int64_t* index) {
  if (k == 0) return;
  with_item<T>(C, [=]<class Item>(Item) {
    parallel_for(R, 4 * C + 16 * k + 16, [=](int64_t begin, int64_t end) {
      const Scratch<Item> items(2 * k + few);
      for (int64_t r = begin; r < end; ++r) {
        top_row(x + r * C, C, k, descending, sorted, items.data(), at(values, r * k),
                at(index, r * k));
      }
    });
  });
}

GRADUS_INSTANTIATE_ALL(sort_rows)
GRADUS_INSTANTIATE_ALL(top_rows)

}  // namespace gradus::kernels
