#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/distance.h>
#include <gradus/framework/kernels/scratch.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

namespace gradus::kernels {

namespace {

using detail::Batch;
using detail::batch_size;

constexpr double infinity = std::numeric_limits<double>::infinity();

template <class T>
double difference(T a, T b) {
  return static_cast<double>(a) - static_cast<double>(b);
}

/// The p-norm of a - b in double, whatever its magnitude.
template <class T>
double distance(const T* a, const T* b, int64_t M, double p) {
  double unit = 0, count = 0;
  for (int64_t m = 0; m < M; ++m) {
    const double d = std::fabs(difference(a[m], b[m]));
    if (std::isnan(d)) return d;
    unit = std::max(unit, d);
    if (d != 0) ++count;
  }
  if (p == 0) return count;
  if (p == infinity || unit == 0 || std::isinf(unit)) return unit;
  double total = 0;  // of powers of numbers of at most 1
  for (int64_t m = 0; m < M; ++m) {
    const double ratio = std::fabs(difference(a[m], b[m])) / unit;
    total += p == 1 ? ratio : p == 2 ? ratio * ratio : std::pow(ratio, p);
  }
  return unit * (p == 1 ? total : p == 2 ? std::sqrt(total) : std::pow(total, 1 / p));
}

// The sums of powers that are computed in batches: how to add a difference, to join two sums, and
// to turn a sum into the distance.

struct SumOfMagnitudes {
  template <class B>
  static B add(const B& sum, const B& d) {
    return sum + detail::abs(d);
  }
  template <class B>
  static B join(const B& total, const B& sum) {
    return total + sum;
  }
  template <class B>
  static B root(const B& total) {
    return total;
  }
};

struct SumOfSquares : SumOfMagnitudes {
  template <class B>
  static B add(const B& sum, const B& d) {
    return detail::fma(d, d, sum);
  }
  template <class B>
  static B root(const B& total) {
    return detail::sqrt(total);
  }
};

struct Greatest : SumOfMagnitudes {
  template <class B>
  static B add(const B& greatest, const B& d) {
    return join(greatest, detail::abs(d));
  }
  template <class B>
  static B join(const B& a, const B& b) {  // keeps a NaN in either
    return detail::select(detail::is_nan(a), a, detail::select(b <= a, a, b));
  }
};

template <class T>
constexpr int64_t tile_columns = 2 * batch_size<T>;
constexpr int64_t tile_rows = 4;

/// Packs the rows of b [R, M] from `column` on as columns [M, tile_columns]; repeats the last row
/// to fill up.
template <class T>
void pack(const T* b, int64_t column, int64_t R, int64_t M, T* packed) {
  for (int64_t k = 0; k < tile_columns<T>; ++k) {
    const T* row = b + std::min(column + k, R - 1) * M;
    for (int64_t m = 0; m < M; ++m) packed[m * tile_columns<T> + k] = row[m];
  }
}

/// The distances of tile_rows rows of a to the packed rows. Sums are joined every 64 terms.
template <class Power, class T>
void distance_tile(const std::array<const T*, tile_rows>& a, const T* packed, int64_t M,
                   T (&y)[tile_rows][tile_columns<T>]) {
  Batch<T> total[tile_rows][2];
  for (auto& row : total) row[0] = row[1] = Batch<T>(T{0});
  for (int64_t run = 0; run < M; run += 64) {
    Batch<T> sum[tile_rows][2];
    for (auto& row : sum) row[0] = row[1] = Batch<T>(T{0});
    for (int64_t m = run; m < std::min(M, run + 64); ++m) {
      const T* columns = packed + m * tile_columns<T>;
      const Batch<T> left = Batch<T>::load_unaligned(columns);
      const Batch<T> right = Batch<T>::load_unaligned(columns + batch_size<T>);
      for (size_t r = 0; r < tile_rows; ++r) {
        const Batch<T> value(a[r][m]);
        sum[r][0] = Power::add(sum[r][0], value - left);
        sum[r][1] = Power::add(sum[r][1], value - right);
      }
    }
    for (size_t r = 0; r < tile_rows; ++r) {
      total[r][0] = Power::join(total[r][0], sum[r][0]);
      total[r][1] = Power::join(total[r][1], sum[r][1]);
    }
  }
  for (size_t r = 0; r < tile_rows; ++r) {
    Power::root(total[r][0]).store_unaligned(y[r]);
    Power::root(total[r][1]).store_unaligned(y[r] + batch_size<T>);
  }
}

/// True if the sum of powers that gave the distance y kept its precision.
template <class Power, class T>
bool in_range(T y) {
  constexpr T least = std::is_same_v<T, float> ? T(1e-15F) : T(1e-140);
  constexpr bool has_squares = std::is_same_v<Power, SumOfSquares>;
  return y < std::numeric_limits<T>::infinity() && (!has_squares || y > least);
}

template <class Power, class T>
void distance_rows(const T* a, const T* packed, const T* b, T* y, int64_t rows, int64_t columns,
                   int64_t R, int64_t M, double p) {
  for (int64_t i = 0; i < rows; i += tile_rows) {
    std::array<const T*, tile_rows> row;
    for (int64_t r = 0; r < tile_rows; ++r)
      row[static_cast<size_t>(r)] = a + std::min(i + r, rows - 1) * M;
    T tile[tile_rows][tile_columns<T>];
    distance_tile<Power>(row, packed, M, tile);
    for (int64_t r = 0; r < std::min(tile_rows, rows - i); ++r) {
      for (int64_t k = 0; k < columns; ++k) {
        const T value = tile[r][k];
        y[(i + r) * R + k] =
            in_range<Power>(value)
                ? value
                : static_cast<T>(distance(row[static_cast<size_t>(r)], b + k * M, M, p));
      }
    }
  }
}

constexpr int64_t task_rows = 128;

template <class Power, class T>
void cdist_in_tiles(const T* a, const T* b, T* y, int64_t batch, int64_t P, int64_t R, int64_t M,
                    double p) {
  const int64_t row_tasks = (P - 1) / task_rows + 1;
  const int64_t column_tasks = (R - 1) / tile_columns<T> + 1;
  const int64_t cost = std::min(P, task_rows) * (M + 4) * 4;
  parallel_for(batch * row_tasks * column_tasks, cost, [=](int64_t begin, int64_t end) {
    const Scratch<T> packed(std::max(int64_t{1}, M) * tile_columns<T>);
    for (int64_t task = begin; task < end; ++task) {
      const int64_t n = task / (row_tasks * column_tasks);
      const int64_t row = task / column_tasks % row_tasks * task_rows;
      const int64_t column = task % column_tasks * tile_columns<T>;
      const T* from = b + n * R * M;
      pack(from, column, R, M, packed.data());
      distance_rows<Power>(a + (n * P + row) * M, packed.data(), from + column * M,
                           y + (n * P + row) * R + column, std::min(task_rows, P - row),
                           std::min(tile_columns<T>, R - column), R, M, p);
    }
  });
}

// The gradient of one distance: adds weight * f(difference) to each element of `sum`.

template <class T>
void add_vjp(double g, double y, const T* a, const T* b, double* sum, int64_t M, double p) {
  const auto add = [=](double weight, auto f) {
    for (int64_t m = 0; m < M; ++m) sum[m] += weight * f(difference(a[m], b[m]));
  };
  const auto sign = [](double d) { return d > 0 ? 1.0 : d < 0 ? -1.0 : 0.0; };
  if (g == 0 || y == 0 || p == 0) return;
  if (std::isnan(y)) {
    add(y, [](double) { return 1.0; });
  } else if (p == 1) {
    add(g, sign);
  } else if (p == 2) {
    add(g, [=](double d) { return d / y; });
  } else if (p == infinity) {
    const auto is_tie = [=](double d) { return static_cast<T>(std::fabs(d)) == static_cast<T>(y); };
    double ties = 0;
    for (int64_t m = 0; m < M; ++m) ties += is_tie(difference(a[m], b[m])) ? 1 : 0;
    add(g / ties, [=](double d) { return is_tie(d) ? sign(d) : 0.0; });
  } else {
    add(g, [=](double d) { return d == 0 ? 0.0 : sign(d) * std::pow(std::fabs(d) / y, p - 1); });
  }
}

/// The products a b, a a and b b in double, in runs of 1024.
struct Products {
  template <class T>
  Products(const T* a, const T* b, int64_t n) {
    constexpr int64_t step = batch_size<double>;
    for (int64_t i = 0; i < n;) {
      const int64_t end = std::min(n, i + 1024);
      Batch<double> sum_ab(0.0), sum_aa(0.0), sum_bb(0.0);
      for (; i + step <= end; i += step) {
        const auto va = detail::load_as<double>(a + i), vb = detail::load_as<double>(b + i);
        sum_ab = detail::fma(va, vb, sum_ab);
        sum_aa = detail::fma(va, va, sum_aa);
        sum_bb = detail::fma(vb, vb, sum_bb);
      }
      ab += detail::reduce_add<double>(sum_ab);
      aa += detail::reduce_add<double>(sum_aa);
      bb += detail::reduce_add<double>(sum_bb);
      for (; i < end; ++i) {
        const auto va = static_cast<double>(a[i]), vb = static_cast<double>(b[i]);
        ab += va * vb;
        aa += va * va;
        bb += vb * vb;
      }
    }
  }
  double ab = 0, aa = 0, bb = 0;
};

bool is_ordinary(double square) { return square > 1e-280 && square < 1e280; }

double ratio(double x, double y) { return y == 0 ? 0 : x / y; }

template <class T>
CosineMoments cosine_of(const T* a, const T* b, double eps, int64_t C) {
  const Products sums(a, b, C);
  if (is_ordinary(sums.aa) && is_ordinary(sums.bb)) {
    const double norm_a = std::sqrt(sums.aa), norm_b = std::sqrt(sums.bb);
    return {norm_a, norm_b, sums.ab / std::max(norm_a, eps) / std::max(norm_b, eps)};
  }
  const T zero{0};
  const auto norm = [&](const T* x) {
    double unit = 0;
    for (int64_t c = 0; c < C; ++c) {
      const double v = std::fabs(difference(x[c], zero));
      if (std::isnan(v)) return v;
      unit = std::max(unit, v);
    }
    double total = 0;
    for (int64_t c = 0; c < C && unit > 0; ++c) {
      const double part = difference(x[c], zero) / unit;
      total += part * part;
    }
    return unit * std::sqrt(total);
  };
  const double norm_a = norm(a), norm_b = norm(b);
  if (std::isnan(norm_a) || std::isnan(norm_b)) return {norm_a, norm_b, norm_a + norm_b};
  double cosine = 0;
  for (int64_t c = 0; c < C; ++c)
    cosine += ratio(difference(a[c], zero), std::max(norm_a, eps)) *
              ratio(difference(b[c], zero), std::max(norm_b, eps));
  return {norm_a, norm_b, cosine};
}

}  // namespace

template <class T>
void cdist(const T* a, const T* b, T* y, int64_t batch, int64_t P, int64_t R, int64_t M, double p) {
  if (batch * P * R == 0) return;
  if (p == 1) return cdist_in_tiles<SumOfMagnitudes>(a, b, y, batch, P, R, M, p);
  if (p == 2) return cdist_in_tiles<SumOfSquares>(a, b, y, batch, P, R, M, p);
  if (p == infinity) return cdist_in_tiles<Greatest>(a, b, y, batch, P, R, M, p);
  parallel_for_each(batch * P, R * (M + 1) * (p == 0 ? 2 : 64), [=](int64_t row) {
    const T* other = b + row / P * R * M;
    for (int64_t r = 0; r < R; ++r)
      y[row * R + r] = static_cast<T>(distance(a + row * M, other + r * M, M, p));
  });
}

template <class T>
void cdist_vjp(const T* g, const T* y, int64_t stride_a, int64_t stride_b, const T* a, const T* b,
               T* da, int64_t batch, int64_t P, int64_t R, int64_t M, double p) {
  const int64_t cost = p == 1 || p == 2 ? 2 : p == infinity ? 4 : 64;
  parallel_for(batch * P, R * (M + 8) * cost + 16, [=](int64_t begin, int64_t end) {
    const Scratch<double> sum(std::max(int64_t{1}, M));
    for (int64_t row = begin; row < end; ++row) {
      const int64_t n = row / P, first = n * P * R + row % P * stride_a;
      std::fill(sum.data(), sum.data() + M, 0.0);
      for (int64_t r = 0; r < R; ++r) {
        const int64_t at = first + r * stride_b;
        add_vjp(static_cast<double>(g[at]), static_cast<double>(y[at]), a + row * M,
                b + (n * R + r) * M, sum.data(), M, p);
      }
      for (int64_t m = 0; m < M; ++m) da[row * M + m] = static_cast<T>(sum.data()[m]);
    }
  });
}

template <class T>
void cosine_similarity(const T* a, const T* b, double eps, T* y, CosineMoments* moments, int64_t R,
                       int64_t C) {
  parallel_for_each(R, 4 * C + 64, [=](int64_t row) {
    moments[row] = cosine_of(a + row * C, b + row * C, eps, C);
    y[row] = static_cast<T>(moments[row].cosine);
  });
}

template <class T>
void cosine_similarity_vjp(const T* g, const T* a, const T* b, double eps,
                           const CosineMoments* moments, bool swapped, T* da, int64_t R,
                           int64_t C) {
  parallel_for_each(R, 4 * C + 64, [=](int64_t row) {
    const CosineMoments& m = moments[row];
    const double norm_a = swapped ? m.norm_b : m.norm_a, norm_b = swapped ? m.norm_a : m.norm_b;
    const double unit_a = std::max(norm_a, eps), unit_b = std::max(norm_b, eps);
    const auto cotangent = static_cast<double>(g[row]);
    T* to = da + row * C;
    if (cotangent == 0 || unit_a == 0 || unit_b == 0) {
      std::fill(to, to + C, T{0});
      return;
    }
    const double from_norm = norm_a < eps ? 0 : m.cosine;
    for (int64_t c = 0; c < C; ++c)
      to[c] = static_cast<T>(cotangent / unit_a *
                             (static_cast<double>(b[row * C + c]) / unit_b -
                              from_norm * (static_cast<double>(a[row * C + c]) / unit_a)));
  });
}

GRADUS_INSTANTIATE_FLOATS(cdist)
GRADUS_INSTANTIATE_FLOATS(cdist_vjp)
GRADUS_INSTANTIATE_FLOATS(cosine_similarity)
GRADUS_INSTANTIATE_FLOATS(cosine_similarity_vjp)

}  // namespace gradus::kernels
