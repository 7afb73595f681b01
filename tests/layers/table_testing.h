#pragma once
#include <gradus/framework/core/creation.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// Rows [0, 1], [10, 11], [20, 21], ... in float64.
inline Tensor counting_rows(std::int64_t rows) {
  std::vector<double> values;
  for (std::int64_t r = 0; r < rows; ++r) {
    values.push_back(static_cast<double>(10 * r));
    values.push_back(static_cast<double>(10 * r + 1));
  }
  return tensor(values, {rows, 2});
}

}  // namespace gradus
