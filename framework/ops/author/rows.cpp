#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/ops/author/rows.h>

namespace gradus::detail {

void check_ids(const char* operation, const Tensor& ids, std::int64_t limit) {
  check_defined(operation, "ids", ids);
  if (ids.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("{}: ids are {}, int64 is needed: convert them with "
                    "to(DType::int64)",
                    operation, name(ids.dtype())));
  }
  const auto* values = ids.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(values, ids.numel(), 0, limit);
  if (bad < 0) return;
  throw IndexError(fmt::format("{}: index {} at position {} is outside [0, {})", operation,
                               values[bad], position(ids.shape(), bad), limit));
}

Tensor gather_rows(const Tensor& x, const Tensor& ids, std::int64_t width, const Shape& shape) {
  Tensor y = empty(shape, x.dtype());
  dispatch(x.dtype(), [&]<class T>(T) {
    // Untyped: rows are copied whatever their alignment
    kernels::gather_rows(static_cast<const T*>(data(x)), ids.data<std::int64_t>(), ids.numel(),
                         width, y.mutable_data<T>());
  });
  return y;
}

void scatter_rows(const Tensor& g, const Tensor& ids, std::int64_t width, const Tensor& sum) {
  visit_float("scatter_rows", g, [&]<class T>(T) {
    const std::int64_t rows = width == 0 ? 0 : sum.numel() / width;
    kernels::scatter_add_rows(g.data<T>(), ids.data<std::int64_t>(), ids.numel(), width, T{1},
                              sum.mutable_data<T>(), rows);
  });
}

}  // namespace gradus::detail
