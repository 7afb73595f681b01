#pragma once
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/metrics/analogy_rule.h>
#include <gradus/framework/metrics/neighbors.h>

#include <array>
#include <cstdint>
#include <span>

namespace gradus::detail {

/// The sum of the unit vectors of some rows, each times its sign, as a query [1, D]; a zero row has
/// no direction and adds nothing.
struct SignedRow {
  std::int64_t row;
  double sign;
};
Tensor sum_of_directions(const Tensor& matrix, std::span<const SignedRow> rows);

/// The cosine of two rows; 0 if one of them is zero.
double cosine(const Tensor& matrix, std::int64_t a, std::int64_t b);

/// Rows of words a, b and c.
using AnalogyRows = std::array<std::int64_t, 3>;

/// The k rows that solve each analogy best, with their scores. The index goes by cosine.
/// excluded: as in NeighborOptions.
Neighbors solve_analogies(const NeighborIndex& index, std::span<const AnalogyRows> analogies,
                          std::int64_t k, AnalogyRule rule, const Tensor& excluded);

}  // namespace gradus::detail
