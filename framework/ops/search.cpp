#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/kernels/search.h>
#include <gradus/framework/ops/author/axes.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/author/same_dtype.h>
#include <gradus/framework/ops/search.h>

#include <algorithm>
#include <limits>
#include <vector>

namespace gradus {

using detail::position;

Tensor nonzero(const Tensor& x) {
  detail::check_defined("nonzero", "x", x);
  Tensor y;
  detail::dispatch(x.dtype(), [&]<class T>(T) {
    const std::vector<std::int64_t> before = kernels::count_nonzero(x.data<T>(), x.numel());
    y = empty({before.back(), x.dim()}, DType::int64);
    kernels::list_nonzero(x.data<T>(), x.numel(), before, x.shape().begin(), x.dim(),
                          y.mutable_data<std::int64_t>());
  });
  detail::note_op("nonzero");
  return y;
}

namespace {

// The number of bins; throws unless ids are a valid list.
std::int64_t bins_of(const Tensor& ids, std::int64_t minlength) {
  detail::check_defined("bincount", "ids", ids);
  if (minlength < 0) throw ValueError(fmt::format("bincount: minlength is {}", minlength));
  if (ids.dim() != 1) {
    throw ShapeError(
        fmt::format("bincount: ids are {}: a vector [n] is needed", ids.shape().str()));
  }
  if (ids.dtype() != DType::int64) detail::check_ids("bincount", ids, 0);  // throws
  const auto values = ids.span<std::int64_t>();
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t bad = kernels::first_outside(values.data(), ids.numel(), 0, most);
  if (bad >= 0) {
    throw IndexError(fmt::format("bincount: index {} at position {} is outside [0, {})",
                                 values[static_cast<std::size_t>(bad)], position(ids.shape(), bad),
                                 most));
  }
  const auto greatest = std::max_element(values.begin(), values.end());
  return std::max(minlength, greatest == values.end() ? 0 : *greatest + 1);
}

Tensor empty_bins(std::int64_t bins, std::int64_t minlength, DType dtype) {
  const std::string number = bins == minlength ? fmt::format("minlength is {}", minlength)
                                               : fmt::format("the greatest index is {}", bins - 1);
  return detail::empty_sized("bincount", number, {bins}, dtype);
}

}  // namespace

Tensor bincount(const Tensor& ids, std::int64_t minlength) {
  Tensor y = empty_bins(bins_of(ids, minlength), minlength, DType::int64);
  kernels::count_ids(ids.data<std::int64_t>(), ids.numel(), y.mutable_data<std::int64_t>(),
                     y.numel());
  detail::note_op("bincount");
  return y;
}

Tensor bincount(const Tensor& ids, const Tensor& weights, std::int64_t minlength) {
  const std::int64_t bins = bins_of(ids, minlength);
  detail::check_defined("bincount", "weights", weights);
  if (!is_floating(weights.dtype())) detail::throw_not_floating("bincount", weights.dtype());
  if (weights.shape() != ids.shape()) {
    throw ShapeError(fmt::format("bincount: shapes differ: ids are {}, weights are {}",
                                 ids.shape().str(), weights.shape().str()));
  }
  const Tensor wide = weights.detach().to(DType::float64);
  const Tensor sums = empty_bins(bins, minlength, DType::float64).zero_();
  kernels::scatter_add_rows(wide.data<double>(), ids.data<std::int64_t>(), ids.numel(), 1, 1.0,
                            sums.mutable_data<double>(), bins);
  const auto derivative = [ids = Saved(ids)](const Tensor& g) {
    const Tensor places = *ids;
    Tensor dw = empty(places.shape(), g.dtype());  // g at the id of each
    visit_float("bincount", g, [&]<class T>(T) {
      kernels::gather_rows(g.data<T>(), places.data<std::int64_t>(), places.numel(), 1,
                           dw.mutable_data<T>());
    });
    return dw;
  };
  return record("bincount", sums.to(weights.dtype()), vjp(weights, derivative));
}

namespace {

void check_rows(const Tensor& sorted, const Tensor& values) {
  detail::check_defined("searchsorted", {{"sorted", sorted}, {"values", values}});
  const Shape& rows = sorted.shape();
  detail::check_same_dtype("searchsorted", "sorted", sorted, "values", values);
  if (sorted.dtype() == DType::boolean) detail::throw_boolean("searchsorted");
  const int last = rows.rank() - 1;
  if (last < 0) throw ShapeError("searchsorted: sorted is []: a vector or rows are needed");
  if (last == 0) return;
  if (values.dim() != rows.rank() ||
      detail::splice(values.shape(), last, 1, {}) != detail::splice(rows, last, 1, {})) {
    throw ShapeError(fmt::format("searchsorted: leading axes differ: sorted is {}, values are {}",
                                 rows.str(), values.shape().str()));
  }
}

template <class T>
void check_sorted(const Tensor& sorted, std::int64_t C) {
  const T* x = sorted.data<T>();
  const std::int64_t bad = kernels::first_unsorted(x, C == 0 ? 0 : sorted.numel() / C, C);
  if (bad < 0) return;
  throw ValueError(
      fmt::format("searchsorted: not in ascending order: {} at position {} comes after {}", x[bad],
                  position(sorted.shape(), bad), x[bad - 1]));
}

}  // namespace

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  check_rows(sorted, values);
  const bool one_row = sorted.dim() == 1;
  const std::int64_t C = sorted.size(-1);
  const std::int64_t m = one_row ? values.numel() : values.size(-1);
  const std::int64_t R = one_row ? 1 : values.shape().numel(0, values.dim() - 1);
  Tensor y = empty(values.shape(), DType::int64);
  detail::dispatch_number("searchsorted", sorted.dtype(), [&]<class T>(T) {
    check_sorted<T>(sorted, C);
    kernels::search_rows(sorted.data<T>(), C, one_row, values.data<T>(), R, m, right,
                         y.mutable_data<std::int64_t>());
  });
  detail::note_op("searchsorted");
  return y;
}

Tensor searchsorted(const Tensor& sorted, Number value, bool right) {
  detail::check_defined("searchsorted", "sorted", sorted);
  if (sorted.dim() != 1) {
    throw ShapeError(fmt::format("searchsorted: sorted is {}: a vector is needed for one value",
                                 sorted.shape().str()));
  }
  return searchsorted(sorted, detail::number_like("searchsorted", value, sorted), right);
}

}  // namespace gradus
