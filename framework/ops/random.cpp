#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/core/profile.h>
#include <gradus/framework/kernels/alias.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/ops/random.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace gradus {
namespace {

constexpr std::int64_t kDrawCost = 64;

// A part of the stream of a generator that only this call uses.
struct Place {
  std::uint64_t seed, offset;

  explicit Place(Generator& generator) : seed(generator.seed()), offset(generator.advance(1)) {}

  std::uint64_t bits(std::int64_t i) const {
    return kernels::random_bits(seed, offset, static_cast<std::uint64_t>(i));
  }
  // From [0, 1), 53 bits.
  double uniform(std::int64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1p-53; }
};

}  // namespace

Tensor bernoulli(const Tensor& p, Generator& generator) {
  detail::check_defined("bernoulli", "p", p);
  return visit_float("bernoulli", p, [&]<class T>(T) {
    const T* in = p.data<T>();
    for (std::int64_t i = 0; i < p.numel(); ++i) {
      if (!(in[i] >= 0 && in[i] <= 1)) {
        throw ValueError(
            fmt::format("bernoulli: p is {} at element {} of {}, it must be between 0 and 1", in[i],
                        i, p.shape().str()));
      }
    }
    Tensor result = empty_like(p);
    T* out = result.mutable_data<T>();
    const Place place(generator);
    parallel_for_each(p.numel(), kDrawCost, [=](std::int64_t i) {
      out[i] = place.uniform(i) < static_cast<double>(in[i]) ? T{1} : T{0};
    });
    detail::note_op("bernoulli");
    return result;
  });
}

Tensor bernoulli(double p, const Shape& shape, DType dtype, Generator& generator) {
  if (!(p >= 0 && p <= 1)) {
    throw ValueError(fmt::format("bernoulli: p is {}, it must be between 0 and 1", p));
  }
  Tensor result = empty(shape, dtype == DType::float64 ? dtype : DType::float32);
  const Place place(generator);
  visit_float("bernoulli", result, [&]<class T>(T) {
    kernels::random_bernoulli_mask(place.seed, place.offset, result.mutable_data<T>(),
                                   shape.numel(), p, T{1});
  });
  result = result.to(dtype);
  detail::note_op("bernoulli");
  return result;
}

namespace {

// Weights [n] or [R, n].
struct WeightRows {
  std::int64_t rows, n;
};

WeightRows rows_of(const Tensor& weights) {
  detail::check_defined("multinomial", "weights", weights);
  const int rank = weights.dim();
  if (rank != 1 && rank != 2) {
    throw ShapeError(fmt::format("multinomial: weights are {}, they must be [n] or [R, n]",
                                 weights.shape().str()));
  }
  return {rank == 1 ? 1 : weights.shape()[0], weights.shape()[rank - 1]};
}

// Throws unless `count` indices can be drawn from row r.
void check_row(std::span<const double> row, std::int64_t r, std::int64_t count, bool replacement) {
  std::int64_t positive = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (!(row[i] >= 0) || std::isinf(row[i])) {
      throw ValueError(fmt::format(
          "multinomial: weight {} at [{}, {}] must be finite and at least 0", row[i], r, i));
    }
    positive += row[i] > 0 ? 1 : 0;
  }
  if (positive == 0) {
    throw ValueError(
        fmt::format("multinomial: none of the {} weights of row {} is above 0", row.size(), r));
  }
  if (!replacement && positive < count) {
    throw ValueError(
        fmt::format("multinomial: {} draws without replacement from row {}, which has {} weights "
                    "above 0",
                    count, r, positive));
  }
}

void draw_with_replacement(std::span<const double> row, const Place& place, std::int64_t first,
                           std::span<std::int64_t> out) {
  const kernels::AliasTable table(row);
  const auto count = static_cast<std::int64_t>(out.size());
  parallel_for_each(count, kDrawCost, [&](std::int64_t i) {
    out[static_cast<std::size_t>(i)] = table.draw(place.bits(first + i));
  });
}

// Each weight is the rate of an exponential clock; the draws are the first clocks to ring, in
// order.
void draw_without_replacement(std::span<const double> row, const Place& place, std::int64_t first,
                              std::span<std::int64_t> out) {
  std::vector<std::pair<double, std::int64_t>> clocks;
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] == 0) continue;
    const auto index = static_cast<std::int64_t>(i);
    // By logarithms: log(E / w) neither overflows nor ties for weights far apart.
    const double ring = std::log(-std::log1p(-place.uniform(first + index))) - std::log(row[i]);
    clocks.emplace_back(ring, index);
  }
  const auto last = clocks.begin() + static_cast<std::ptrdiff_t>(out.size());
  std::partial_sort(clocks.begin(), last, clocks.end());
  std::transform(clocks.begin(), last, out.begin(), [](const auto& clock) { return clock.second; });
}

}  // namespace

Tensor multinomial(const Tensor& weights, std::int64_t count, bool replacement,
                   Generator& generator) {
  const WeightRows shape = rows_of(weights);
  if (!is_floating(weights.dtype())) detail::throw_not_floating("multinomial", weights.dtype());
  if (count < 1) {
    throw ValueError(fmt::format("multinomial: count is {}, it must be at least 1", count));
  }
  const Tensor wide = weights.detach().to(DType::float64);
  const auto row_of = [&](std::int64_t r) {
    return std::span<const double>(wide.data<double>() + r * shape.n,
                                   static_cast<std::size_t>(shape.n));
  };
  for (std::int64_t r = 0; r < shape.rows; ++r) check_row(row_of(r), r, count, replacement);
  Tensor result = detail::empty_sized("multinomial", fmt::format("count is {}", count),
                                      {shape.rows, count}, DType::int64);
  if (weights.dim() == 1) result = detail::Access::view(result, 0, {count});
  auto* out = result.mutable_data<std::int64_t>();
  const Place place(generator);
  const std::int64_t step = replacement ? count : shape.n;  // random numbers that a row uses
  const auto draw = replacement ? draw_with_replacement : draw_without_replacement;
  parallel_for_each(shape.rows, (shape.n + count) * kDrawCost, [&](std::int64_t r) {
    draw(row_of(r), place, r * step, {out + r * count, static_cast<std::size_t>(count)});
  });
  detail::note_op("multinomial");
  return result;
}

}  // namespace gradus
