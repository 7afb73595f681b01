#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/module/init.h>
#include <gradus/layers/detail/table.h>

#include <algorithm>
#include <vector>

namespace gradus::detail {
namespace {

ResizeOptions with_normal_init(ResizeOptions options) {
  if (!options.init) options.init = [](const Tensor& rows) { normal_(rows, 0, 1); };
  return options;
}

}  // namespace

std::optional<std::int64_t> normalized_padding(const char* layer,
                                               std::optional<std::int64_t> padding_idx,
                                               std::int64_t rows) {
  if (!padding_idx) return std::nullopt;
  if (*padding_idx < -rows || *padding_idx >= rows) {
    throw IndexError(
        fmt::format("{}: padding_idx {} is outside [{}, {}), the rows of the table (negative: "
                    "counted from the end)",
                    layer, *padding_idx, -rows, rows));
  }
  return *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
}

void check_max_norm(const char* layer, std::optional<double> max_norm, double norm_type) {
  if (max_norm && !(*max_norm > 0)) {
    throw ValueError(fmt::format("{}: max_norm is {}, it must be positive", layer, *max_norm));
  }
  if (!(norm_type > 0)) {
    throw ValueError(fmt::format("{}: norm_type is {}, it must be positive", layer, norm_type));
  }
}

Tensor new_table(const char* layer, std::int64_t rows, std::int64_t width, DType dtype,
                 Generator& generator) {
  if (rows < 0 || width < 0) {
    throw ValueError(
        fmt::format("{}: num_embeddings is {}, embedding_dim is {}: sizes cannot be negative",
                    layer, rows, width));
  }
  return randn({rows, width}, dtype, generator);
}

void check_can_scale(const char* layer, std::optional<double> max_norm, const Tensor& table) {
  if (!max_norm || !table.is_read_only()) return;
  throw ValueError(
      fmt::format("{}: max_norm changes rows, but the weight {} is mapped from a file, read-only: "
                  "leave it out, or take load() and from_pretrained()",
                  layer, table.shape().str()));
}

Tensor adopted_table(const char* operation, const Tensor& weight) {
  if (weight.dim() != 2) {
    throw ShapeError(fmt::format("{}: weight is {}, it must be 2-D [rows, columns]", operation,
                                 weight.shape().str()));
  }
  if (!is_floating(weight.dtype())) {
    throw DTypeError(
        fmt::format("{}: weight is {}, it must be a float type: convert it with "
                    "to(DType::float32)",
                    operation, name(weight.dtype())));
  }
  const bool share = weight.is_read_only() || Access::sole_owner(weight);
  return share ? weight.detach() : weight.clone();
}

void scale_rows_down(const Tensor& weight, const Tensor& ids, double max_norm, double norm_type) {
  std::vector<std::int64_t> rows, slot;
  kernels::unique_rows(ids.data<std::int64_t>(), ids.numel(), weight.size(0), rows, slot);
  const std::int64_t D = weight.size(1);
  dispatch_float(weight.dtype(), "embedding", [&]<class T>(T) {
    std::vector<double> norms(rows.size());
    kernels::row_norms(weight.data<T>(), rows.data(), static_cast<std::int64_t>(rows.size()), D,
                       norm_type, norms.data());
    std::vector<std::int64_t> large;
    std::vector<T> factors;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (!(norms[k] > max_norm)) continue;
      large.push_back(rows[k]);
      factors.push_back(static_cast<T>(max_norm / (norms[k] + 1e-7)));
    }
    if (large.empty()) return;
    Access::body(weight).storage->bump_version("the max_norm of an Embedding");
    kernels::scale_rows(static_cast<T*>(raw(weight)), large.data(),
                        static_cast<std::int64_t>(large.size()), D, factors.data());
  });
}

void resize_table(const char* layer, const Tensor& weight, std::optional<std::int64_t> padding_idx,
                  std::int64_t rows, const ResizeOptions& options) {
  if (padding_idx && *padding_idx >= rows) {
    throw ValueError(fmt::format(
        "{}: the padding row {} would not be among {} rows: call set_padding_idx() first", layer,
        *padding_idx, rows));
  }
  resize_rows(weight, rows, with_normal_init(options));
}

std::optional<std::int64_t> remap_table(const char* layer, const Tensor& weight,
                                        std::optional<std::int64_t> padding_idx,
                                        const Tensor& sources, const ResizeOptions& options) {
  std::optional<std::int64_t> padding = padding_idx;
  if (padding && sources.dtype() == DType::int64) {
    const auto all = sources.span<std::int64_t>();
    const auto place = std::find(all.begin(), all.end(), *padding);
    if (place == all.end()) {
      throw ValueError(fmt::format(
          "{}: the padding row {} is not among the sources: call set_padding_idx() first", layer,
          *padding));
    }
    padding = place - all.begin();
  }
  remap_rows(weight, sources, with_normal_init(options));
  return padding;
}

void zero_row(const Tensor& weight, std::optional<std::int64_t> row) {
  if (!row) return;
  const NoGradGuard no_grad;
  weight.set_row(*row, zeros({weight.size(1)}, weight.dtype()));
}

}  // namespace gradus::detail
