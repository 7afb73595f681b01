#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/spearman.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

namespace gradus {
namespace {

void check_numbers(const char* name, std::span<const double> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) {
      throw ValueError(fmt::format("Spearman: {} at position {} is NaN", name, i));
    }
  }
}

/// Twice the rank of each value, less the mean of that: whole numbers, so that sums are exact.
std::vector<double> centred_ranks(const std::vector<double>& values) {
  const std::size_t n = values.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(n);
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    while (end < n && values[order[end]] == values[order[begin]]) ++end;
    const double twice = static_cast<double>(begin) + static_cast<double>(end - 1);
    for (std::size_t i = begin; i < end; ++i) ranks[order[i]] = twice - static_cast<double>(n - 1);
  }
  return ranks;
}

double product(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
}

/// The values of a tensor of numbers; integers must be exact, or ties would be made.
std::vector<double> doubles(const char* name, const Tensor& x) {
  const auto copied = [](const auto& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  if (x.dtype() == DType::float32) return copied(x.span<float>());
  if (x.dtype() == DType::float64) return copied(x.span<double>());
  if (x.dtype() != DType::int64) {
    throw DTypeError(fmt::format("Spearman: {} is {}: convert it with to(DType::int64)", name,
                                 gradus::name(x.dtype())));
  }
  constexpr std::int64_t exact = std::int64_t{1} << 53;
  const auto values = x.span<std::int64_t>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (-exact <= values[i] && values[i] <= exact) continue;
    throw ValueError(fmt::format(
        "Spearman: {} at position {} is {}: beyond 2^53, ranks may be wrong", name, i, values[i]));
  }
  return copied(values);
}

}  // namespace

void Spearman::add(double x, double y) { add({&x, 1}, {&y, 1}); }

void Spearman::add(std::span<const double> x, std::span<const double> y) {
  detail::check_sizes("Spearman", "values of x", x.size(), "of y", y.size());
  check_numbers("x", x);
  check_numbers("y", y);
  x_.insert(x_.end(), x.begin(), x.end());
  y_.insert(y_.end(), y.begin(), y.end());
}

void Spearman::add(const Tensor& x, const Tensor& y) {
  detail::check_defined("Spearman", {{"x", x}, {"y", y}});
  if (x.shape() != y.shape()) {
    throw ShapeError(fmt::format("Spearman: shapes do not fit: x is {}, y is {}", x.shape().str(),
                                 y.shape().str()));
  }
  add(doubles("x", x), doubles("y", y));
}

void Spearman::merge(const Spearman& other) {
  const std::vector<double> x = other.x_, y = other.y_;  // it may be this one
  x_.insert(x_.end(), x.begin(), x.end());
  y_.insert(y_.end(), y.begin(), y.end());
}

double Spearman::result() const {
  detail::check_added("Spearman", count());
  const std::vector<double> x = centred_ranks(x_), y = centred_ranks(y_);
  const double r = product(x, y) / std::sqrt(product(x, x)) / std::sqrt(product(y, y));
  return std::clamp(r, -1.0, 1.0);  // NaN stays
}

}  // namespace gradus
