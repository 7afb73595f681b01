#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/metrics/detail/pca.h>
#include <gradus/framework/ops/linalg.h>
#include <gradus/framework/ops/matmul.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace gradus::detail {
namespace {

// Subtracts the mean of the rows and divides by the largest magnitude, which is returned: squares
// of what is left neither overflow nor vanish.
double standardize(std::span<double> values, std::size_t columns) {
  const std::size_t rows = values.size() / columns;
  const auto shrink = [&] {
    double largest = 0;
    for (const double value : values) largest = std::max(largest, std::abs(value));
    if (largest == 0) return 1.0;
    for (double& value : values) value /= largest;
    return largest;
  };
  const double outer = shrink();
  for (std::size_t k = 0; k < columns; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < rows; ++i) sum += values[i * columns + k];
    const double mean = sum / static_cast<double>(rows);
    for (std::size_t i = 0; i < rows; ++i) values[i * columns + k] -= mean;
  }
  return outer * shrink();
}

void fix_sign(std::span<double> component) {
  double largest = 0;
  for (const double value : component) largest = std::max(largest, std::abs(value));
  const double least = largest * (1 - 1e-6);  // equal ones differ by rounding
  const auto first = std::find_if(component.begin(), component.end(),
                                  [least](double value) { return std::abs(value) >= least; });
  if (first == component.end() || *first >= 0) return;
  for (double& value : component) value = -value;
}

}  // namespace

Plane pca(const Tensor& rows) {
  const NoGradGuard guard;
  const auto n = rows.size(0), d = rows.size(1);
  Plane plane;
  plane.x.assign(static_cast<std::size_t>(n), 0);
  plane.y = plane.x;
  if (n == 0 || d == 0) return plane;

  const Tensor centred = rows.detach().to(DType::float64).clone();
  const double scale = standardize(centred.mutable_span<double>(), static_cast<std::size_t>(d));
  // Of few rows, the singular values themselves; of many, those of D x D are much less work.
  const bool few = n <= d;
  const SVD parts = svd(few ? centred : matmul(centred, centred, {.trans_a = true}));
  const auto variance = [&](std::size_t i) {
    const double s = parts.s.data<double>()[i];
    return few ? s * s : s;
  };
  double total = 0;
  for (std::size_t i = 0; i < parts.s.span<double>().size(); ++i) total += variance(i);
  if (total == 0) return plane;

  for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
    if (i >= parts.s.span<double>().size()) break;
    const Tensor component = parts.vh[static_cast<std::int64_t>(i)].clone();
    fix_sign(component.mutable_span<double>());
    const Tensor place = matmul(centred, component);
    std::vector<double>& out = i == 0 ? plane.x : plane.y;
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = place.data<double>()[k] * scale;
    plane.explained[i] = variance(i) / total;
  }
  return plane;
}

}  // namespace gradus::detail
