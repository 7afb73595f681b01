#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/kernels/nn/nearest.h>
#include <gradus/framework/metrics/detail/analogies.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

namespace gradus::detail {
namespace {

constexpr const char* operation = "analogies";
constexpr std::int64_t group_size = 64;    // analogies that one product scores
constexpr std::int64_t block_rows = 1024;  // of one product

/// sum [D] += factor * row, in double.
template <class T>
void add_row(const T* row, std::int64_t D, double factor, double* sum) {
  for (std::int64_t d = 0; d < D; ++d) sum[d] += factor * static_cast<double>(row[d]);
}

template <class T>
double inverse_length(const T* row, std::int64_t D) {
  double square = 0;
  kernels::squared_lengths(row, 1, D, &square);
  return square > 0 ? 1 / std::sqrt(square) : 0;
}

Neighbors solve_by_sums(const NeighborIndex& index, std::span<const AnalogyRows> analogies,
                        std::int64_t k, const Tensor& excluded) {
  const Tensor& matrix = index.matrix();
  const Tensor queries =
      zeros({static_cast<std::int64_t>(analogies.size()), matrix.size(1)}, matrix.dtype());
  for (std::size_t i = 0; i < analogies.size(); ++i) {
    const auto [a, b, c] = analogies[i];
    const SignedRow rows[] = {{b, 1}, {c, 1}, {a, -1}};
    queries.set_row(static_cast<std::int64_t>(i), squeeze(sum_of_directions(matrix, rows), 0));
  }
  return index.search(queries, k, excluded);
}

template <class T>
struct Scored {
  T score;
  std::int64_t id;
};

/// True if a comes before b. Also the order of a heap whose top is the worst.
template <class T>
bool is_better(const Scored<T>& a, const Scored<T>& b) {
  return a.score > b.score || (a.score == b.score && a.id < b.id);
}

/// Solves a group of analogies by products of cosines.
template <class T>
class ProductGroup {
 public:
  ProductGroup(const Tensor& matrix, const std::vector<T>& inverse_lengths,
               std::span<const AnalogyRows> analogies, std::int64_t k, const std::int64_t* excluded,
               std::int64_t E)
      : matrix_(matrix),
        inverse_(inverse_lengths),
        queries_(zeros({3 * static_cast<std::int64_t>(analogies.size()), matrix.size(1)},
                       matrix.dtype())),
        best_(analogies.size()),
        excluded_(excluded),
        E_(E),
        k_(k) {
    const std::int64_t D = matrix.size(1);
    T* query = queries_.template mutable_data<T>();
    for (const AnalogyRows& analogy : analogies) {
      for (const std::int64_t row : analogy) {
        const T* values = matrix.data<T>() + row * D;
        const double inverse = inverse_length(values, D);
        for (std::int64_t d = 0; d < D; ++d) {
          *query++ = static_cast<T>(static_cast<double>(values[d]) * inverse);
        }
      }
    }
  }

  void run() {
    std::vector<T> scores(block_rows);
    for (std::int64_t begin = 0; begin < matrix_.size(0); begin += block_rows) {
      const std::int64_t n = std::min(block_rows, matrix_.size(0) - begin);
      const Tensor products =
          matmul(queries_, slice(matrix_, 0, begin, begin + n), {.trans_b = true});
      const T* product = products.data<T>();
      for (std::size_t i = 0; i < best_.size(); ++i, product += 3 * n) {
        score(product, product + n, product + 2 * n, begin, n, scores.data());
        for (std::int64_t j = 0; j < n; ++j) {
          offer(i, {scores[static_cast<std::size_t>(j)], begin + j});
        }
      }
    }
  }

  void write(std::int64_t* ids, T* scores) {
    for (auto& best : best_) {
      std::sort_heap(best.begin(), best.end(), is_better<T>);
      for (std::int64_t i = 0; i < k_; ++i) {
        const bool found = i < static_cast<std::int64_t>(best.size());
        *ids++ = found ? best[static_cast<std::size_t>(i)].id : -1;
        *scores++ =
            found ? best[static_cast<std::size_t>(i)].score : -std::numeric_limits<T>::infinity();
      }
    }
  }

 private:
  void score(const T* a, const T* b, const T* c, std::int64_t begin, std::int64_t n,
             T* scores) const {
    const T* inverse = inverse_.data() + begin;
    const T half(0.5), small = static_cast<T>(1e-6);
    for (std::int64_t j = 0; j < n; ++j) {
      const T scale = half * inverse[j];
      scores[j] = (half + scale * b[j]) * (half + scale * c[j]) / (half + scale * a[j] + small);
    }
  }

  void offer(std::size_t i, const Scored<T>& one) {
    auto& best = best_[i];
    const bool full = static_cast<std::int64_t>(best.size()) == k_;
    if (k_ == 0 || (full && !is_better(one, best.front()))) return;
    const std::int64_t* excluded = excluded_ + static_cast<std::int64_t>(i) * E_;
    if (std::find(excluded, excluded + E_, one.id) != excluded + E_) return;
    if (full) {
      std::pop_heap(best.begin(), best.end(), is_better<T>);
      best.pop_back();
    }
    best.push_back(one);
    std::push_heap(best.begin(), best.end(), is_better<T>);
  }

  const Tensor& matrix_;
  const std::vector<T>& inverse_;
  Tensor queries_;  // unit vectors of a, b and c, one after the other
  std::vector<std::vector<Scored<T>>> best_;
  const std::int64_t* excluded_;
  std::int64_t E_, k_;
};

template <class T>
void solve_by_products(const Tensor& matrix, std::span<const AnalogyRows> analogies, std::int64_t k,
                       const std::int64_t* excluded, std::int64_t E, std::int64_t* ids, T* scores) {
  const std::int64_t V = matrix.size(0), D = matrix.size(1);
  std::vector<T> inverse(static_cast<std::size_t>(V));
  parallel_for_each(V, 2 * D + 1, [&](std::int64_t i) {
    inverse[static_cast<std::size_t>(i)] =
        static_cast<T>(inverse_length(matrix.data<T>() + i * D, D));
  });
  const auto all = static_cast<std::int64_t>(analogies.size());
  parallel_for_each((all + group_size - 1) / group_size, 1 << 20, [&](std::int64_t group) {
    const NoGradGuard no_grad;
    const std::int64_t first = group * group_size, count = std::min(group_size, all - first);
    ProductGroup<T> solver(
        matrix, inverse,
        analogies.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)), k,
        excluded + first * E, E);
    solver.run();
    solver.write(ids + first * k, scores + first * k);
  });
}

}  // namespace

Tensor sum_of_directions(const Tensor& matrix, std::span<const SignedRow> rows) {
  const std::int64_t D = matrix.size(1);
  Tensor result = zeros({1, D}, matrix.dtype());
  visit_float(operation, matrix, [&]<class T>(T) {
    std::vector<double> sum(static_cast<std::size_t>(D));
    for (const auto& [row, sign] : rows) {
      const T* values = matrix.data<T>() + row * D;
      add_row(values, D, sign * inverse_length(values, D), sum.data());
    }
    std::transform(sum.begin(), sum.end(), result.mutable_data<T>(),
                   [](double x) { return static_cast<T>(x); });
  });
  return result;
}

double cosine(const Tensor& matrix, std::int64_t a, std::int64_t b) {
  const std::int64_t D = matrix.size(1);
  return visit_float(operation, matrix, [&]<class T>(T) {
    const T *x = matrix.data<T>() + a * D, *y = matrix.data<T>() + b * D;
    const double product = std::transform_reduce(x, x + D, y, 0.0, std::plus<>(), [](T p, T q) {
      return static_cast<double>(p) * static_cast<double>(q);
    });
    return std::clamp(product * inverse_length(x, D) * inverse_length(y, D), -1.0, 1.0);
  });
}

Neighbors solve_analogies(const NeighborIndex& index, std::span<const AnalogyRows> analogies,
                          std::int64_t k, AnalogyRule rule, const Tensor& excluded) {
  if (rule == AnalogyRule::add) return solve_by_sums(index, analogies, k, excluded);
  const auto Q = static_cast<std::int64_t>(analogies.size());
  const Tensor& matrix = index.matrix();
  Neighbors found{zeros({Q, k}, DType::int64), zeros({Q, k}, matrix.dtype())};
  visit_float(operation, matrix, [&]<class T>(T) {
    solve_by_products<T>(matrix, analogies, k, excluded.data<std::int64_t>(), excluded.size(1),
                         found.ids.mutable_data<std::int64_t>(), found.scores.mutable_data<T>());
  });
  return found;
}

}  // namespace gradus::detail
