#include <fmt/format.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/nearest.h>
#include <gradus/framework/metrics/neighbors.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace gradus {
namespace {

constexpr const char* operation = "nearest_neighbors";

static_assert(static_cast<int>(Closeness::cosine) == static_cast<int>(kernels::Closeness::cosine));
static_assert(static_cast<int>(Closeness::dot) == static_cast<int>(kernels::Closeness::dot));
static_assert(static_cast<int>(Closeness::euclidean) ==
              static_cast<int>(kernels::Closeness::euclidean));

/// Says what makes the squared length of a row unusable.
template <class T>
[[noreturn]] void throw_bad_row(const char* what, std::int64_t row, std::span<const T> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      throw ValueError(fmt::format("{}: {} at [{}, {}] is {}: it must be finite", operation, what,
                                   row, i, values[i]));
    }
  }
  throw ValueError(fmt::format("{}: row {} of the {} is too long: its squared length is beyond {}",
                               operation, row, what, kernels::max_squared_length));
}

/// The squared lengths of the rows of a float matrix, checked.
std::vector<double> squares_of(const char* what, const Tensor& matrix) {
  const std::int64_t rows = matrix.size(0), columns = matrix.size(1);
  std::vector<double> squares(static_cast<std::size_t>(rows));
  visit_float(operation, matrix, [&]<class T>(T) {
    const T* data = matrix.data<T>();
    kernels::squared_lengths(data, rows, columns, squares.data());
    for (std::int64_t i = 0; i < rows; ++i) {
      if (squares[static_cast<std::size_t>(i)] <= kernels::max_squared_length) continue;
      throw_bad_row<T>(what, i, {data + i * columns, static_cast<std::size_t>(columns)});
    }
  });
  return squares;
}

void check_matrix(const Tensor& matrix) {
  detail::check_defined(operation, "matrix", matrix);
  if (matrix.dim() != 2) {
    throw ShapeError(
        fmt::format("{}: the matrix is {}: it must be [V, D]", operation, matrix.shape().str()));
  }
}

void check_queries(const Tensor& matrix, const Tensor& queries) {
  detail::check_defined(operation, "queries", queries);
  if (queries.dim() != 2 || queries.size(1) != matrix.size(1)) {
    throw ShapeError(fmt::format("{}: queries are {}: they must be [Q, {}], as the matrix is {}",
                                 operation, queries.shape().str(), matrix.size(1),
                                 matrix.shape().str()));
  }
  if (queries.dtype() != matrix.dtype()) {
    throw DTypeError(fmt::format("{}: queries are {}, but the matrix is {}: convert one with to()",
                                 operation, name(queries.dtype()), name(matrix.dtype())));
  }
}

void check_excluded(const Tensor& excluded, std::int64_t Q, std::int64_t V) {
  if (!excluded.defined()) return;
  if (excluded.dtype() != DType::int64) {
    throw DTypeError(fmt::format("{}: excluded ids are {}: they must be int64", operation,
                                 name(excluded.dtype())));
  }
  if (excluded.dim() != 2 || excluded.size(0) != Q) {
    throw ShapeError(fmt::format("{}: excluded ids are {}: they must be [{}, E], a row per query",
                                 operation, excluded.shape().str(), Q));
  }
  const auto ids = excluded.span<std::int64_t>();
  const auto bad =
      std::find_if(ids.begin(), ids.end(), [&](std::int64_t id) { return id < -1 || id >= V; });
  if (bad == ids.end()) return;
  const std::int64_t place = bad - ids.begin(), E = excluded.size(1);
  throw IndexError(fmt::format("{}: excluded id {} at [{}, {}] is outside [-1, {})", operation,
                               *bad, place / E, place % E, V));
}

Neighbors search_in(const Tensor& matrix, const std::vector<double>& squares, Closeness closeness,
                    const Tensor& queries, std::int64_t k, const Tensor& excluded) {
  check_queries(matrix, queries);
  if (k < 0) throw ValueError(fmt::format("{}: k is {}: it must be 0 or more", operation, k));
  const std::int64_t Q = queries.size(0), V = matrix.size(0);
  check_excluded(excluded, Q, V);
  squares_of("queries", queries);
  Neighbors found{zeros({Q, k}, DType::int64), zeros({Q, k}, matrix.dtype())};
  visit_float(operation, matrix, [&]<class T>(T) {
    kernels::nearest_rows<T>(
        static_cast<kernels::Closeness>(closeness),
        {matrix.data<T>(), squares.data(), V, matrix.size(1)}, queries.data<T>(), Q,
        excluded.defined() ? excluded.data<std::int64_t>() : nullptr,
        excluded.defined() ? excluded.size(1) : 0, k, found.ids.mutable_data<std::int64_t>(),
        found.scores.mutable_data<T>());
  });
  return found;
}

std::uint64_t version_of(const Tensor& tensor) {
  return detail::Access::body(tensor).storage->version();
}

}  // namespace

Neighbors nearest_neighbors(const Tensor& matrix, const Tensor& queries, std::int64_t k,
                            const NeighborOptions& options) {
  return NeighborIndex(matrix, options.closeness).search(queries, k, options.excluded);
}

NeighborIndex::NeighborIndex(const Tensor& matrix, Closeness closeness) : closeness_(closeness) {
  check_matrix(matrix);
  matrix_ = matrix.detach();
  version_ = version_of(matrix_);
  squares_ = squares_of("matrix", matrix_);
}

Neighbors NeighborIndex::search(const Tensor& queries, std::int64_t k,
                                const Tensor& excluded) const {
  if (!matrix_.defined()) detail::throw_moved_from("NeighborIndex");
  if (version_of(matrix_) != version_) {
    throw Error(fmt::format("{}: the matrix {} was changed in place: make a new NeighborIndex",
                            operation, matrix_.shape().str()));
  }
  return search_in(matrix_, squares_, closeness_, queries, k, excluded);
}

}  // namespace gradus
