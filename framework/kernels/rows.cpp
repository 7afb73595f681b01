#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/blocks.h>
#include <gradus/framework/kernels/prefetch.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/kernels/simd/batch.h>
#include <gradus/framework/kernels/wide_sums.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace gradus::kernels {
namespace {

void gather_bytes(const void* table, const int64_t* ids, int64_t n, int64_t row_bytes, void* out) {
  if (row_bytes == 0) return;
  const auto* from = static_cast<const char*>(table);
  auto* to = static_cast<char*>(out);
  const Prefetcher<false> prefetch(table, row_bytes);
  parallel_for(n, row_bytes / 16 + kMissCost, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < std::min(begin + prefetch.ahead(), end); ++k) prefetch(ids[k]);
    for (int64_t k = begin; k < end; ++k) {
      if (k + prefetch.ahead() < n) prefetch(ids[k + prefetch.ahead()]);
      std::memcpy(to + k * row_bytes, from + ids[k] * row_bytes, static_cast<size_t>(row_bytes));
    }
  });
}

/// y[0:n] += alpha * x[0:n]; an x of 0 adds 0, whatever alpha is.
template <class T>
inline void add_row(T alpha, const T* __restrict x, T* __restrict y, int64_t n) {
  if (!std::isfinite(alpha)) {
    for (int64_t i = 0; i < n; ++i) y[i] += x[i] == 0 ? T{0} : alpha * x[i];
    return;
  }
  for (int64_t i = 0; i < n; ++i) y[i] += alpha * x[i];
}

/// The same in double.
inline void add_widely(float alpha, const float* x, double* y, int64_t n) {
  using detail::Batch;
  constexpr int64_t step = detail::batch_size<double>;
  const auto factor = static_cast<double>(alpha);
  const Batch<double> factors(factor);
  int64_t i = 0;
  if (std::isfinite(alpha)) {
    for (; i + step <= n; i += step) {
      const Batch<double> sum = Batch<double>::load_unaligned(y + i);
      detail::fma(factors, detail::load_as_double(x + i), sum).store_unaligned(y + i);
    }
  }
  for (; i < n; ++i) y[i] += x[i] == 0 ? 0.0 : factor * static_cast<double>(x[i]);
}

/// table[ids[k], :] += alpha * weights[k] * rows[segments[k], :]; null segments mean k, null
/// weights mean 1. Rows with many additions are summed in double.
template <class T>
struct Scatter {
  const T* rows;
  const int64_t* segments;
  const T* weights;
  const int64_t* ids;
  int64_t n, D;
  T alpha;
  T* table;
  FrequentTargets frequent{std::is_same_v<T, float> ? n : 0};  // targets are offsets of rows

  /// Adds the rows of some positions, one position after another.
  class Adder {
   public:
    explicit Adder(const Scatter& all)
        : all_(all), prefetch_(all.table, all.D * int64_t{sizeof(T)}) {
      if constexpr (std::is_same_v<T, float>) {
        if (all.frequent.any()) wide_.emplace(all.D, all.table);
      }
    }
    ~Adder() {
      if (wide_) wide_->finish();
    }
    Adder(const Adder&) = delete;
    Adder& operator=(const Adder&) = delete;

    /// Adds the positions at(0), ..., at(count - 1).
    template <class At>
    void add(int64_t count, const At& at) {
      if (!wide_) return add_rows(count, at);
      // Few and many are added separately: mixed, they would cost a branch that no processor can
      // predict.
      constexpr int64_t kBlock = 1024;
      int64_t few[kBlock], many[kBlock];
      for (int64_t begin = 0; begin < count; begin += kBlock) {
        int64_t few_count = 0, many_count = 0;
        for (int64_t j = begin; j < std::min(begin + kBlock, count); ++j) {
          const int64_t k = at(j);
          const bool is_frequent = all_.frequent.has(all_.ids[k] * all_.D);
          few[few_count] = many[many_count] = k;
          few_count += !is_frequent;
          many_count += is_frequent;
        }
        add_rows(few_count, [&](int64_t j) { return few[j]; });
        for (int64_t j = 0; j < many_count; ++j) add_frequent(many[j]);
      }
    }

   private:
    template <class At>
    void add_rows(int64_t count, const At& at) {
      const int64_t ahead = std::min(prefetch_.ahead(), count);
      for (int64_t j = 0; j < ahead; ++j) prefetch_(all_.ids[at(j)]);
      for (int64_t j = 0; j < count; ++j) {
        if (j + ahead < count) prefetch_(all_.ids[at(j + ahead)]);
        const int64_t k = at(j);
        add_row(factor(k), row(k), all_.table + all_.ids[k] * all_.D, all_.D);
      }
    }

    void add_frequent(int64_t k) {
      if constexpr (std::is_same_v<T, float>) {
        add_widely(factor(k), row(k), wide_->at(all_.ids[k] * all_.D), all_.D);
      }
    }

    const T* row(int64_t k) const {
      return all_.rows + (all_.segments ? all_.segments[k] : k) * all_.D;
    }
    T factor(int64_t k) const { return all_.weights ? all_.alpha * all_.weights[k] : all_.alpha; }

    const Scatter& all_;
    const Prefetcher<true> prefetch_;
    std::optional<WideSums> wide_;
  };

  void add_all() const {
    Adder(*this).add(n, [](int64_t k) { return k; });
  }

  /// Adds the positions, in order, whose rows belong to `owner` of `owners`; rows that share a
  /// cache line have one owner.
  void add_owned(uint64_t owner, uint64_t owners) const {
    const auto row_bytes = static_cast<uint64_t>(D) * sizeof(T);
    const auto rows_per_line = row_bytes < kLine ? uint64_t{kLine} / row_bytes : 1;
    const int shift = std::countr_zero(std::bit_ceil(rows_per_line));
    Adder adder(*this);
    constexpr int64_t kBlock = 1024;
    int64_t mine[kBlock];
    for (int64_t begin = 0; begin < n; begin += kBlock) {
      int64_t count = 0;
      for (int64_t k = begin; k < std::min(begin + kBlock, n); ++k) {
        const uint64_t hash = (static_cast<uint64_t>(ids[k]) >> shift) * 0x9E3779B97F4A7C15u >> 32;
        mine[count] = k;
        count += hash * owners >> 32 == owner;
      }
      adder.add(count, [&](int64_t j) { return mine[j]; });
    }
  }

  /// The owners depend on the thread count; the bits do not, since each row has one owner, which
  /// adds in the order of the positions.
  void run() {
    if (D == 0 || n == 0) return;
    if (frequent.buckets() > 0) {
      for (int64_t k = 0; k < n; ++k) frequent.count(ids[k] * D);
    }
    const int64_t work = n * (D + kMissCost);
    const int64_t grain = gradus::detail::parallel_grain.load(std::memory_order_relaxed);
    const int64_t owners = std::min<int64_t>(num_threads(), work / grain);
    if (owners <= 1) return add_all();
    parallel_for(owners, work / owners, [&](int64_t begin, int64_t end) {
      if (end - begin == owners) return add_all();
      for (int64_t i = begin; i < end; ++i) {
        add_owned(static_cast<uint64_t>(i), static_cast<uint64_t>(owners));
      }
    });
  }
};

/// A bit for each id of [0, V), and for each word the number of bits set before it: the rank of an
/// id in O(1).
class IdSet {
 public:
  explicit IdSet(int64_t V) : words_(static_cast<size_t>((V + 63) / 64)), before_(words_.size()) {}

  void insert(int64_t id) { words_[word(id)] |= uint64_t{1} << (id & 63); }

  /// Counts the bits before each word and lists the ids, at most `most`, in ascending order.
  void list(int64_t most, std::vector<int64_t>& unique) {
    unique.resize(static_cast<size_t>(most));
    int64_t count = 0;
    for (size_t w = 0; w < words_.size(); ++w) {
      before_[w] = static_cast<int32_t>(count);
      for (uint64_t bits = words_[w]; bits != 0; bits &= bits - 1) {
        unique[static_cast<size_t>(count++)] =
            static_cast<int64_t>(w) * 64 + std::countr_zero(bits);
      }
    }
    unique.resize(static_cast<size_t>(count));
  }

  int64_t rank(int64_t id) const {
    const uint64_t below = words_[word(id)] & ((uint64_t{1} << (id & 63)) - 1);
    return before_[word(id)] + std::popcount(below);
  }

 private:
  static size_t word(int64_t id) { return static_cast<size_t>(id) >> 6; }
  std::vector<uint64_t> words_;
  std::vector<int32_t> before_;
};

struct IdPosition {
  int64_t id, position;
};

constexpr int kDigitBits = 11;
constexpr int64_t kDigits = int64_t{1} << kDigitBits;

/// One pass of the sort below: from `in` to `out` by the digit that starts at bit `shift`. Parts of
/// the input are counted and written in parallel: the place of an item depends only on the digits
/// of the items, not on the parts.
void radix_pass(const std::vector<IdPosition>& in, std::vector<IdPosition>& out, int shift) {
  constexpr int64_t kPart = 8192;
  const auto n = static_cast<int64_t>(in.size());
  const int64_t parts = std::max<int64_t>(1, n / kPart);
  std::vector<int64_t> start(static_cast<size_t>(parts * kDigits));
  const auto for_part = [&](int64_t part, auto f) {
    int64_t* counts = start.data() + part * kDigits;
    for (int64_t k = part * n / parts; k < (part + 1) * n / parts; ++k) {
      const IdPosition& item = in[static_cast<size_t>(k)];
      f(counts[static_cast<uint64_t>(item.id) >> shift & (kDigits - 1)], item);
    }
  };
  const auto for_all = [&](auto f) {
    parallel_for_each(parts, 4 * (n / parts), [&](int64_t part) { for_part(part, f); });
  };
  for_all([](int64_t& count, const IdPosition&) { ++count; });
  int64_t sum = 0;
  for (int64_t digit = 0; digit < kDigits; ++digit) {
    for (int64_t part = 0; part < parts; ++part) {
      sum += std::exchange(start[static_cast<size_t>(part * kDigits + digit)], sum);
    }
  }
  for_all([&](int64_t& next, const IdPosition& item) { out[static_cast<size_t>(next++)] = item; });
}

/// A stable sort by id, 11 bits at a time, least significant first; the result is in `items`.
void radix_sort(std::vector<IdPosition>& items, int64_t V) {
  std::vector<IdPosition> other(items.size());
  for (int shift = 0; shift < 63 && (V - 1) >> shift > 0; shift += kDigitBits) {
    radix_pass(items, other, shift);
    items.swap(other);
  }
}

void unique_by_sort(const int64_t* ids, int64_t n, int64_t V, std::vector<int64_t>& unique,
                    std::vector<int64_t>& slot) {
  std::vector<IdPosition> items(static_cast<size_t>(n));
  for (int64_t k = 0; k < n; ++k) items[static_cast<size_t>(k)] = {ids[k], k};
  if (n < 256) {
    std::sort(items.begin(), items.end(),
              [](const IdPosition& a, const IdPosition& b) { return a.id < b.id; });
  } else {
    radix_sort(items, V);
  }
  unique.clear();
  for (const IdPosition& item : items) {
    if (unique.empty() || unique.back() != item.id) unique.push_back(item.id);
    slot[static_cast<size_t>(item.position)] = static_cast<int64_t>(unique.size()) - 1;
  }
}

template <class T>
double largest(const T* x, int64_t n) {
  T most = 0;
  bool nan = false;
  for (int64_t i = 0; i < n; ++i) {
    const T a = std::abs(x[i]);
    most = most < a ? a : most;
    nan |= a != a;
  }
  return nan ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(most);
}

/// Eight partial sums, so that the compiler can use vectors.
template <class T, class F>
double sum_of(const T* x, int64_t n, F&& f) {
  double part[8] = {};
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (int64_t j = 0; j < 8; ++j) part[j] += f(static_cast<double>(x[i + j]));
  }
  for (; i < n; ++i) part[i & 7] += f(static_cast<double>(x[i]));
  return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

template <class T>
double row_norm(const T* x, int64_t n, double p) {
  if (std::isinf(p)) return largest(x, n);
  if (p == 1) return sum_of(x, n, [](double v) { return std::abs(v); });
  if (p == 2) {
    const double squares = sum_of(x, n, [](double v) { return v * v; });
    if (squares > 1e-280 && squares < 1e300) return std::sqrt(squares);  // no square was lost
  }
  const double most = largest(x, n);
  if (most == 0 || !std::isfinite(most)) return most;
  // most * (sum of (|x| / most)^p)^(1/p)
  return most *
         std::pow(sum_of(x, n, [=](double v) { return std::pow(std::abs(v) / most, p); }), 1 / p);
}

template <class T, class F>
void scale_each(T* table, const int64_t* ids, int64_t n, int64_t D, F&& factor) {
  if (D == 0) return;
  const Prefetcher<true> prefetch(table, D * int64_t{sizeof(T)});
  parallel_for(n, D + kMissCost, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      if (k + prefetch.ahead() < end) prefetch(ids[k + prefetch.ahead()]);
      T* row = table + ids[k] * D;
      const T f = factor(k);
      for (int64_t i = 0; i < D; ++i) row[i] *= f;
    }
  });
}

}  // namespace

template <class T>
void gather_rows(const T* table, const int64_t* ids, int64_t n, int64_t D, T* out) {
  gather_bytes(table, ids, n, D * int64_t{sizeof(T)}, out);
}

template <class T>
void scatter_add_rows(const T* rows, const int64_t* ids, int64_t n, int64_t D, T alpha, T* table,
                      [[maybe_unused]] int64_t V) {
  Scatter<T>{rows, nullptr, nullptr, ids, n, D, alpha, table}.run();
}

template <class T>
void scatter_add_segments(const T* rows, const int64_t* segments, const T* weights,
                          const int64_t* ids, int64_t n, int64_t D, T alpha, T* table,
                          [[maybe_unused]] int64_t V) {
  Scatter<T>{rows, segments, weights, ids, n, D, alpha, table}.run();
}

template <class T>
void gather_weighted_rows(const T* rows, const int64_t* segments, const T* weights, int64_t n,
                          int64_t D, T* out) {
  if (D == 0) return;
  parallel_for_each(n, D + kMissCost, [&](int64_t k) {
    const T* row = rows + (segments ? segments[k] : k) * D;
    const T weight = weights ? weights[k] : T{1};
    T* to = out + k * D;
    std::fill_n(to, D, T{0});
    add_row(weight, row, to, D);
  });
}

template <class T>
void scale_rows(T* table, const int64_t* ids, int64_t n, int64_t D, T alpha) {
  scale_each(table, ids, n, D, [=](int64_t) { return alpha; });
}

template <class T>
void scale_rows(T* table, const int64_t* ids, int64_t n, int64_t D, const T* factors) {
  scale_each(table, ids, n, D, [=](int64_t k) { return factors[k]; });
}

void unique_rows(const int64_t* ids, int64_t n, int64_t V, std::vector<int64_t>& unique,
                 std::vector<int64_t>& slot) {
  slot.resize(static_cast<size_t>(n));
  const bool few_words = V / 64 <= 4 * n && n <= std::numeric_limits<int32_t>::max();
  if (!few_words) return unique_by_sort(ids, n, V, unique, slot);
  IdSet set(V);
  for (int64_t k = 0; k < n; ++k) set.insert(ids[k]);
  set.list(std::min(n, V), unique);
  parallel_for_each(n, 4, [&](int64_t k) { slot[static_cast<size_t>(k)] = set.rank(ids[k]); });
}

template <class T>
void inverse_counts(const int64_t* ids, int64_t n, int64_t V, T* out) {
  std::vector<int64_t> unique, slot;
  unique_rows(ids, n, V, unique, slot);
  std::vector<int64_t> counts(unique.size());
  for (const int64_t s : slot) ++counts[static_cast<size_t>(s)];
  for (int64_t k = 0; k < n; ++k) {
    out[k] = T{1} / static_cast<T>(counts[static_cast<size_t>(slot[static_cast<size_t>(k)])]);
  }
}

template <class T>
void row_norms(const T* table, const int64_t* ids, int64_t n, int64_t D, double p, double* norms) {
  const Prefetcher<false> prefetch(table, D * int64_t{sizeof(T)});
  const int64_t cost = p == 1 || p == 2 || std::isinf(p) ? D : 32 * D;
  parallel_for(n, cost + kMissCost, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      if (ids && k + prefetch.ahead() < end) prefetch(ids[k + prefetch.ahead()]);
      norms[k] = row_norm(table + (ids ? ids[k] : k) * D, D, p);
    }
  });
}

int64_t first_outside(const int64_t* ids, int64_t n, int64_t low, int64_t high) {
  const uint64_t width =
      high > low ? static_cast<uint64_t>(high) - static_cast<uint64_t>(low) : uint64_t{0};
  const auto outside = [=](int64_t id) {
    return static_cast<uint64_t>(id) - static_cast<uint64_t>(low) >= width;
  };
  return detail::first_found(n, [=](int64_t begin, int64_t end) {
    constexpr int64_t kBlock = 256;
    for (int64_t block = begin; block < end; block += kBlock) {
      const int64_t stop = std::min(block + kBlock, end);
      uint64_t any = 0;
      for (int64_t k = block; k < stop; ++k) any |= static_cast<uint64_t>(outside(ids[k]));
      if (any != 0) return std::find_if(ids + block, ids + stop, outside) - ids;
    }
    return end;
  });
}

GRADUS_INSTANTIATE_ALL(gather_rows)
GRADUS_INSTANTIATE_FLOATS(scatter_add_rows)
GRADUS_INSTANTIATE_FLOATS(gather_weighted_rows)
GRADUS_INSTANTIATE_FLOATS(scatter_add_segments)
GRADUS_INSTANTIATE_FLOATS(inverse_counts)
GRADUS_INSTANTIATE_FLOATS(row_norms)
template void scale_rows(float*, const int64_t*, int64_t, int64_t, float);
template void scale_rows(double*, const int64_t*, int64_t, int64_t, double);
template void scale_rows(float*, const int64_t*, int64_t, int64_t, const float*);
template void scale_rows(double*, const int64_t*, int64_t, int64_t, const double*);

}  // namespace gradus::kernels
