#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/nn/nearest.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/batch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

// A product of matrices finds the rows that may be among the closest: those whose score is above
// that of the k-th best so far, less the most by which rounding can change two scores. Only these
// few are then compared exactly, that is in double, one by one.
namespace gradus::kernels {
namespace {

using gradus::detail::Batch;
using gradus::detail::batch_size;
using gradus::detail::load_as;

constexpr int64_t most_queries = 128;                  // of a group, which are packed together
constexpr int64_t block_rows = 256;                    // of one product
constexpr int64_t most_candidates = int64_t{1} << 20;  // of a group
constexpr int64_t wanted_tasks = 64;
constexpr int64_t least_rows = 16384;  // of a task

/// The sum of f(a, b) over n elements in double.
template <class T, class F>
double sum_in_double(const T* a, const T* b, int64_t n, const F& f) {
  constexpr int64_t step = batch_size<double>;
  Batch<double> low(0.0), high(0.0);
  int64_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    low += f(load_as<double>(a + i), load_as<double>(b + i));
    high += f(load_as<double>(a + i + step), load_as<double>(b + i + step));
  }
  double sum = reduce_add(low + high);
  for (; i < n; ++i) sum += f(static_cast<double>(a[i]), static_cast<double>(b[i]));
  return sum;
}

template <class T>
double dot(const T* a, const T* b, int64_t n) {
  return sum_in_double(a, b, n, [](const auto& x, const auto& y) { return x * y; });
}

template <class T>
double squared_distance(const T* a, const T* b, int64_t n) {
  return sum_in_double(a, b, n, [](const auto& x, const auto& y) { return (x - y) * (x - y); });
}

/// What a product of a query and a row becomes: product * scale + offset, which orders the rows as
/// their scores do.
template <class T>
struct Ranking {
  Ranking(Closeness closeness, const NearestTable<T>& table)
      : scale(table.V), offset(table.V), least(std::numeric_limits<double>::infinity()) {
    for (int64_t j = 0; j < table.V; ++j) {
      const double square = table.squares[j], length = std::sqrt(square);
      most = std::max(most, length);
      if (length > 0) least = std::min(least, length);
      const double factor = closeness != Closeness::cosine ? 1 : length > 0 ? 1 / length : 0;
      scale[j] = static_cast<T>(factor);
      offset[j] = closeness == Closeness::euclidean ? static_cast<T>(-0.5 * square) : T{0};
    }
  }

  Scratch<T> scale, offset;
  double least, most = 0;  // lengths; `least` of those above 0
};

/// The most by which rounding can change the rank value of a row, or the score that it stands for:
/// infinity where numbers overflow or lose digits because they are tiny.
template <class T>
double rounding_error(Closeness closeness, const Ranking<T>& ranking, int64_t D, double query) {
  using Limits = std::numeric_limits<T>;
  const double terms = static_cast<double>(D) + 8;
  const double unit = terms * static_cast<double>(Limits::epsilon());  // twice the usual bound
  const double tiny = terms * static_cast<double>(Limits::denorm_min());
  const double reach = std::max(1.0, query) + ranking.most;
  if (reach * reach > static_cast<double>(Limits::max()) / 16) {
    return std::numeric_limits<double>::infinity();
  }
  if (closeness == Closeness::cosine) {
    if (ranking.least < 16 * static_cast<double>(Limits::min())) {
      return std::numeric_limits<double>::infinity();
    }
    return unit + tiny + tiny / ranking.least;
  }
  if (closeness == Closeness::dot) return unit * query * ranking.most + tiny;
  const double sum = query + ranking.most;
  return unit * sum * sum + tiny;
}

/// A row that may be among the closest.
template <class T>
struct Candidate {
  T rank;  // the value that orders rows, rounded
  T key;   // the score, or the distance with a minus sign, if `exact`
  bool exact;
  int64_t id;
};

template <class T>
bool is_closer(const Candidate<T>& a, const Candidate<T>& b) {
  return a.key > b.key || (a.key == b.key && a.id < b.id);
}

template <class T>
bool is_higher(const Candidate<T>& a, const Candidate<T>& b) {
  return a.rank > b.rank;
}

/// What all groups of queries have in common.
template <class T>
struct Search {
  Closeness closeness;
  const NearestTable<T>& table;
  const Ranking<T>& ranking;
  const T* queries;
  const int64_t* excluded;
  int64_t E, k;

  int64_t capacity() const { return 2 * std::min(k, table.V) + 64; }
  T key(int64_t query, double query_length, int64_t id) const {
    const T *a = queries + query * table.D, *b = table.rows + id * table.D;
    if (closeness == Closeness::euclidean) {
      return static_cast<T>(-std::sqrt(squared_distance(a, b, table.D)));
    }
    const double product = dot(a, b, table.D);
    if (closeness == Closeness::dot) return static_cast<T>(product);
    const double lengths = query_length * std::sqrt(table.squares[id]);
    return lengths > 0 ? static_cast<T>(std::clamp(product / lengths, -1.0, 1.0)) : T{0};
  }
  bool is_excluded(int64_t query, int64_t id) const {
    const int64_t* row = excluded + query * E;
    return std::find(row, row + E, id) != row + E;
  }
};

/// The closest rows of a group of queries.
template <class T>
class Group {
 public:
  Group(const Search<T>& search, int64_t first, int64_t count)
      : search_(search),
        first_(first),
        count_(count),
        lengths_(static_cast<size_t>(count)),
        errors_(static_cast<size_t>(count)),
        thresholds_(static_cast<size_t>(padded()), std::numeric_limits<T>::infinity()),
        candidates_(static_cast<size_t>(count)) {
    const T* queries = search.queries + first * search.table.D;
    squared_lengths(queries, count, search.table.D, lengths_.data());
    for (size_t q = 0; q < lengths_.size(); ++q) {
      lengths_[q] = std::sqrt(lengths_[q]);
      errors_[q] = rounding_error(search.closeness, search.ranking, search.table.D, lengths_[q]);
      thresholds_[q] = -std::numeric_limits<T>::infinity();
      candidates_[q].reserve(static_cast<size_t>(search.capacity()));
    }
  }

  void compare(int64_t begin, int64_t end) {
    const int64_t D = search_.table.D, width = padded();
    const Scratch<T> scaled(std::max(count_ * D, int64_t{1})), products(block_rows * width);
    std::fill_n(products.data(), block_rows * width, T{0});
    scale_queries(scaled.data());
    const PackedMatrix<T> packed(true, D, count_, scaled.data(), D);
    for (int64_t row = begin; row < end; row += block_rows) {
      const int64_t rows = std::min(block_rows, end - row);
      if (D > 0)
        packed.multiply(rows, search_.table.rows + row * D, D, T{0}, products.data(), width);
      for (int64_t i = 0; i < rows; ++i) offer_row(row + i, products.data() + i * width);
    }
  }

  /// Writes the keys, the highest first.
  void finish(int64_t* ids, T* keys) {
    for (int64_t q = 0; q < count_; ++q) {
      auto& all = candidates_[static_cast<size_t>(q)];
      prune(q);
      settle(q);
      std::sort(all.begin(), all.end(), is_closer<T>);
      for (int64_t i = 0; i < search_.k; ++i) {
        const bool found = i < static_cast<int64_t>(all.size());
        const Candidate<T>* one = found ? &all[static_cast<size_t>(i)] : nullptr;
        ids[q * search_.k + i] = found ? one->id : -1;
        keys[q * search_.k + i] = found ? one->key : -std::numeric_limits<T>::infinity();
      }
    }
  }

 private:
  int64_t padded() const { return (count_ + batch_size<T> - 1) / batch_size<T> * batch_size<T>; }

  void scale_queries(T* scaled) const {
    const int64_t D = search_.table.D;
    const bool cosine = search_.closeness == Closeness::cosine;
    for (int64_t q = 0; q < count_; ++q) {
      const double length = lengths_[static_cast<size_t>(q)];
      const double factor = !cosine ? 1 : length > 0 ? 1 / length : 0;
      const T* query = search_.queries + (first_ + q) * D;
      for (int64_t d = 0; d < D; ++d) {
        scaled[q * D + d] = static_cast<T>(static_cast<double>(query[d]) * factor);
      }
    }
  }

  void offer_row(int64_t id, const T* products) {
    const Batch<T> scale(search_.ranking.scale[id]), offset(search_.ranking.offset[id]);
    for (int64_t q = 0; q < count_; q += batch_size<T>) {
      const Batch<T> rank = multiply_add(Batch<T>::load_unaligned(products + q), scale, offset);
      if (all(rank < Batch<T>::load_unaligned(thresholds_.data() + q))) continue;
      const int64_t lanes = std::min(batch_size<T>, count_ - q);
      for (int64_t lane = 0; lane < lanes; ++lane) {
        offer(q + lane, rank.lanes()[static_cast<size_t>(lane)], id);
      }
    }
  }

  void offer(int64_t q, T rank, int64_t id) {
    const auto at = static_cast<size_t>(q);
    if (rank < thresholds_[at]) return;
    if (search_.E > 0 && search_.is_excluded(first_ + q, id)) return;
    if (std::isinf(errors_[at])) rank = 0;  // it says nothing, and may be NaN
    auto& all = candidates_[at];
    all.push_back({rank, T{0}, false, id});
    if (static_cast<int64_t>(all.size()) < search_.capacity()) return;
    prune(q);
    if (static_cast<int64_t>(all.size()) > search_.k + 32 + search_.k / 2) settle(q);
  }

  /// Drops candidates that cannot be among the k closest, whatever rounding did.
  void prune(int64_t q) {
    const auto at = static_cast<size_t>(q);
    auto& all = candidates_[at];
    const auto k = static_cast<std::ptrdiff_t>(search_.k);
    if (static_cast<std::ptrdiff_t>(all.size()) <= k || std::isinf(errors_[at])) return;
    std::nth_element(all.begin(), all.begin() + (k - 1), all.end(), is_higher<T>);
    const double least =
        static_cast<double>(all[static_cast<size_t>(k - 1)].rank) - 2 * errors_[at];
    const T threshold = std::nextafter(static_cast<T>(least), -std::numeric_limits<T>::infinity());
    all.erase(std::remove_if(all.begin() + k, all.end(),
                             [&](const Candidate<T>& one) { return one.rank < threshold; }),
              all.end());
    thresholds_[at] = std::max(thresholds_[at], threshold);
  }

  /// Drops all but the k closest.
  void settle(int64_t q) {
    const auto at = static_cast<size_t>(q);
    auto& all = candidates_[at];
    for (Candidate<T>& one : all) {
      if (one.exact) continue;
      one.key = search_.key(first_ + q, lengths_[at], one.id);
      one.exact = true;
    }
    const auto k = static_cast<std::ptrdiff_t>(search_.k);
    if (static_cast<std::ptrdiff_t>(all.size()) <= k) return;
    std::nth_element(all.begin(), all.begin() + (k - 1), all.end(), is_closer<T>);
    all.resize(static_cast<size_t>(k));
  }

  const Search<T>& search_;
  int64_t first_, count_;
  std::vector<double> lengths_, errors_;
  std::vector<T> thresholds_;  // of rank values; infinity in the lanes past the last query
  std::vector<std::vector<Candidate<T>>> candidates_;
};

/// Of `parts` lists [Q, k] of keys, the highest ones of each query.
template <class T>
void merge_parts(int64_t parts, int64_t Q, int64_t k, const int64_t* ids, const T* keys,
                 int64_t* best_ids, T* best_keys) {
  parallel_for_each(Q, 16 * parts * k, [&](int64_t q) {
    std::vector<Candidate<T>> all;
    for (int64_t part = 0; part < parts; ++part) {
      for (int64_t i = (part * Q + q) * k; i < (part * Q + q + 1) * k && ids[i] >= 0; ++i) {
        all.push_back({T{0}, keys[i], true, ids[i]});
      }
    }
    const auto found = std::min(k, static_cast<int64_t>(all.size()));
    std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(found), all.end(),
                      is_closer<T>);
    for (int64_t i = 0; i < k; ++i) {
      const Candidate<T> none{T{0}, -std::numeric_limits<T>::infinity(), true, -1};
      const Candidate<T>& one = i < found ? all[static_cast<size_t>(i)] : none;
      best_ids[q * k + i] = one.id;
      best_keys[q * k + i] = one.key;
    }
  });
}

/// Compares groups of queries with parts of the table.
template <class T>
void search_all(const Search<T>& search, int64_t Q, int64_t* ids, T* keys) {
  const int64_t V = search.table.V, k = search.k;
  const int64_t most = std::clamp(most_candidates / search.capacity(), int64_t{1}, most_queries);
  const int64_t groups = (Q + most - 1) / most;
  const int64_t wanted = (wanted_tasks + groups - 1) / groups;
  const int64_t parts = std::clamp(V / std::max(least_rows, 8 * k), int64_t{1}, wanted);
  const int64_t share = (V + parts - 1) / parts;
  std::vector<int64_t> part_ids(static_cast<size_t>(parts > 1 ? parts * Q * k : 0));
  std::vector<T> part_keys(part_ids.size());
  parallel_for_each(groups * parts, 100'000, [&](int64_t task) {
    const int64_t part = task / groups, first = task % groups * most;
    Group<T> group(search, first, std::min(most, Q - first));
    group.compare(part * share, std::min(V, (part + 1) * share));
    if (parts == 1) {
      group.finish(ids + first * k, keys + first * k);
    } else {
      const int64_t at = (part * Q + first) * k;
      group.finish(part_ids.data() + at, part_keys.data() + at);
    }
  });
  if (parts > 1) merge_parts(parts, Q, k, part_ids.data(), part_keys.data(), ids, keys);
}

}  // namespace

template <class T>
void squared_lengths(const T* x, int64_t R, int64_t C, double* squares) {
  parallel_for_each(R, std::max(C, int64_t{1}),
                    [&](int64_t r) { squares[r] = dot(x + r * C, x + r * C, C); });
}

template <class T>
void nearest_rows(Closeness closeness, const NearestTable<T>& table, const T* queries, int64_t Q,
                  const int64_t* excluded, int64_t E, int64_t k, int64_t* ids, T* scores) {
  if (Q == 0 || k == 0) return;
  const Ranking<T> ranking(closeness, table);
  search_all(Search<T>{closeness, table, ranking, queries, excluded, E, k}, Q, ids, scores);
  if (closeness == Closeness::euclidean) {
    std::transform(scores, scores + Q * k, scores, [](T key) { return key == 0 ? T{0} : -key; });
  }
}

template GRADUS_API void squared_lengths(const float*, int64_t, int64_t, double*);
template GRADUS_API void squared_lengths(const double*, int64_t, int64_t, double*);
template GRADUS_API void nearest_rows(Closeness, const NearestTable<float>&, const float*, int64_t,
                                      const int64_t*, int64_t, int64_t, int64_t*, float*);
template GRADUS_API void nearest_rows(Closeness, const NearestTable<double>&, const double*,
                                      int64_t, const int64_t*, int64_t, int64_t, int64_t*, double*);

}  // namespace gradus::kernels
