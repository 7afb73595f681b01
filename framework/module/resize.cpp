#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/module/resize.h>

#include <algorithm>
#include <numeric>

namespace gradus {
namespace {

void check(const char* operation, const Tensor& parameter) {
  detail::check_defined(operation, "parameter", parameter);
  if (parameter.dim() == 0) {
    throw ShapeError(fmt::format("{}: the tensor has rank 0, so it has no rows", operation));
  }
  if (!parameter.is_leaf()) {
    throw AutogradError(
        fmt::format("{}: the tensor {} was made by an op: only a leaf has rows of its own",
                    operation, parameter.shape().str()));
  }
  if (parameter.is_read_only()) {
    throw ValueError(
        fmt::format("{}: the tensor {} is mapped from a file, read-only: resize a clone()",
                    operation, parameter.shape().str()));
  }
}

void check_sources(const Tensor& parameter, const Tensor& sources) {
  detail::check_defined("remap_rows", "sources", sources);
  if (sources.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("remap_rows: sources are {}, int64 is needed", name(sources.dtype())));
  }
  if (sources.dim() != 1) {
    throw ShapeError(fmt::format("remap_rows: sources are {}, a vector [rows] is needed",
                                 sources.shape().str()));
  }
  const auto* ids = sources.data<std::int64_t>();
  const std::int64_t bad = kernels::first_outside(ids, sources.numel(), -1, parameter.shape()[0]);
  if (bad >= 0) {
    throw IndexError(
        fmt::format("remap_rows: source {} at position {} is outside [0, {}), and not -1 for a new "
                    "row",
                    ids[bad], bad, parameter.shape()[0]));
  }
}

// The new table: kept rows, and the others as `init` fills them.
Tensor new_values(const Tensor& parameter, const Tensor& sources, const ResizeOptions& options) {
  Tensor values = detail::moved_rows(parameter, sources, 0);
  if (!options.init) return values;
  std::vector<std::int64_t> added;
  for (std::int64_t k = 0; k < sources.numel(); ++k) {
    if (sources.data<std::int64_t>()[k] < 0) added.push_back(k);
  }
  if (added.empty()) return values;
  const Tensor fresh =
      zeros(detail::with_rows(parameter.shape(), std::ssize(added)), parameter.dtype());
  options.init(fresh);
  values.set_rows(tensor(added), fresh);
  return values;
}

void apply(const char* operation, const Tensor& parameter, const Tensor& sources,
           const ResizeOptions& options) {
  const RowPlan plan{sources, new_values(parameter, sources, options)};
  std::vector<std::function<void()>> commits;
  for (RowFollower* follower : options.followers) {
    if (follower == nullptr) {
      throw ValueError(fmt::format("{}: a follower is nullptr: pass addresses", operation));
    }
    commits.push_back(follower->follow_rows(parameter, plan));
    if (!commits.back()) {
      throw ValueError(fmt::format(
          "{}: follow_rows() of a follower returned an empty function: return one that puts the "
          "new rows in place",
          operation));
    }
  }
  detail::Access::replace(parameter, plan.values);
  for (const auto& commit : commits) commit();
}

}  // namespace

RowFollower::~RowFollower() = default;

Tensor detail::moved_rows(const Tensor& table, const Tensor& sources, double fill) {
  const Shape& shape = table.shape();
  Tensor result = empty(with_rows(shape, sources.numel()), table.dtype());
  const std::int64_t D = shape.numel(1, shape.rank());
  dispatch(table.dtype(), [&]<class T>(T) {
    const T* from = table.data<T>();
    const auto* source = sources.data<std::int64_t>();
    T* to = static_cast<T*>(raw(result));
    parallel_for_each(sources.numel(), D + 1, [&](std::int64_t k) {
      if (source[k] < 0) {
        std::fill_n(to + k * D, D, static_cast<T>(fill));
      } else {
        std::copy_n(from + source[k] * D, D, to + k * D);
      }
    });
  });
  return result;
}

void resize_rows(const Tensor& parameter, std::int64_t rows, const ResizeOptions& options) {
  check("resize_rows", parameter);
  if (rows < 0)
    throw ValueError(fmt::format("resize_rows: rows is {}, it must be at least 0", rows));
  const Tensor sources =
      detail::empty_sized("resize_rows", fmt::format("{} rows", rows), {rows}, DType::int64);
  auto* source = sources.mutable_data<std::int64_t>();
  const std::int64_t kept = std::min(rows, parameter.shape()[0]);
  std::iota(source, source + kept, 0);
  std::fill(source + kept, source + rows, -1);
  apply("resize_rows", parameter, sources, options);
}

void remap_rows(const Tensor& parameter, const Tensor& sources, const ResizeOptions& options) {
  check("remap_rows", parameter);
  check_sources(parameter, sources);
  apply("remap_rows", parameter, sources, options);
}

}  // namespace gradus
