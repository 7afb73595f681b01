#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/table.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace gradus {
namespace {

// padding_idx, counted from the front.
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

// The options of a table with the given number of rows, checked; padding_idx counts from the front.
EmbeddingOptions checked(const char* layer, EmbeddingOptions options, std::int64_t rows) {
  options.padding_idx = normalized_padding(layer, options.padding_idx, rows);
  check_max_norm(layer, options.max_norm, options.norm_type);
  return options;
}

EmbeddingOptions checked(const char* layer, const EmbeddingOptions& options, const Tensor& table) {
  if (options.max_norm && table.is_read_only()) {
    throw ValueError(fmt::format(
        "{}: max_norm changes rows, but the weight {} is mapped from a file, read-only: "
        "leave it out, or use load() and from_pretrained()",
        layer, table.shape().str()));
  }
  detail::check_layer_dtype(layer, options.dtype, table);
  return checked(layer, options, table.size(0));
}

// [rows, width] from N(0, 1).
Tensor new_table(const char* layer, std::int64_t rows, std::int64_t width,
                 const EmbeddingOptions& options, Generator& generator) {
  if (rows >= 0) checked(layer, options, rows);  // before the work
  const DType dtype = detail::layer_dtype(layer, options.dtype);
  if (rows < 0 || width < 0) {
    throw ValueError(
        fmt::format("{}: num_embeddings is {}, embedding_dim is {}: sizes cannot be negative",
                    layer, rows, width));
  }
  const std::string sizes = fmt::format("num_embeddings is {}, embedding_dim is {}", rows, width);
  return normal_(detail::empty_sized(layer, sizes, {rows, width}, dtype), 0, 1, generator);
}

ResizeOptions with_normal_init(ResizeOptions options) {
  if (!options.init) options.init = [](const Tensor& rows) { normal_(rows, 0, 1); };
  return options;
}

// Scales the distinct rows among valid ids whose norm exceeds max_norm, unseen by autograd: the
// lookup that follows is differentiated as if the rows had always had these values.
void scale_rows_down(const Tensor& weight, const Tensor& ids, double max_norm, double norm_type) {
  std::vector<std::int64_t> rows, slot;
  kernels::unique_rows(ids.data<std::int64_t>(), ids.numel(), weight.size(0), rows, slot);
  const std::int64_t D = weight.size(1);
  visit_float("embedding", weight, [&]<class T>(T) {
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
    detail::Access::body(weight).storage->bump_version("the max_norm of an Embedding");
    kernels::scale_rows(static_cast<T*>(detail::raw(weight)), large.data(),
                        static_cast<std::int64_t>(large.size()), D, factors.data());
  });
}

}  // namespace

Table::Table(const char* layer, std::int64_t num_embeddings, std::int64_t embedding_dim,
             const EmbeddingOptions& options, Generator& generator)
    : Table(layer, new_table(layer, num_embeddings, embedding_dim, options, generator), true,
            options) {
  zero_padding_row();
}

Table::Table(const char* layer, const Tensor& table, bool trainable,
             const EmbeddingOptions& options)
    : state_(std::make_shared<State>(State{layer, checked(layer, options, table)})),
      weight(add_parameter("weight", table, trainable)) {}

void Table::describe_by(Description describe) {
  set_description([describe = std::move(describe), w = Tensor(weight), s = state_] {
    return describe(w, s->options);
  });
}

void Table::set_padding_idx(std::optional<std::int64_t> padding_idx) const {
  state_->options.padding_idx = normalized_padding(state_->layer, padding_idx, num_embeddings());
}

void Table::zero_padding_row() const {
  if (!state_->options.padding_idx) return;
  const NoGradGuard no_grad;
  weight.set_row(*state_->options.padding_idx, zeros({embedding_dim()}, weight.dtype()));
}

void Table::reset_parameters(Generator& generator) const {
  normal_(weight, 0, 1, generator);
  zero_padding_row();
}

Tensor Table::row(std::int64_t id) const {
  const NoGradGuard no_grad;
  return embedding(weight, scalar(id));
}

Tensor Table::rows(const Tensor& ids) const {
  detail::check_defined(state_->layer, "ids", ids);
  if (ids.dim() != 1) {
    throw ShapeError(fmt::format("{}: rows of ids {}: a vector [n] is needed", state_->layer,
                                 ids.shape().str()));
  }
  const NoGradGuard no_grad;
  return embedding(weight, ids);
}

void Table::set_row(std::int64_t id, const Tensor& values) const {
  const NoGradGuard no_grad;
  weight.set_row(id, values);
}

void Table::set_rows(const Tensor& ids, const Tensor& values) const {
  const NoGradGuard no_grad;
  weight.set_rows(ids, values);
}

void Table::resize(std::int64_t rows, const ResizeOptions& options) const {
  const auto& padding_idx = state_->options.padding_idx;
  if (padding_idx && *padding_idx >= rows) {
    throw ValueError(fmt::format(
        "{}: the padding row {} would not be among {} rows: call set_padding_idx() first",
        state_->layer, *padding_idx, rows));
  }
  resize_rows(weight, rows, with_normal_init(options));
}

void Table::remap(const Tensor& sources, const ResizeOptions& options) const {
  std::optional<std::int64_t> padding = state_->options.padding_idx;
  if (padding && sources.dtype() == DType::int64) {
    const auto all = sources.span<std::int64_t>();
    const auto place = std::find(all.begin(), all.end(), *padding);
    if (place == all.end()) {
      throw ValueError(fmt::format(
          "{}: the padding row {} is not among the sources: call set_padding_idx() first",
          state_->layer, *padding));
    }
    padding = place - all.begin();
  }
  remap_rows(weight, sources, with_normal_init(options));
  state_->options.padding_idx = padding;
}

void Table::renormalize(const Tensor& ids) const {
  const EmbeddingOptions& options = state_->options;
  if (options.max_norm) scale_rows_down(weight, ids, *options.max_norm, options.norm_type);
}

}  // namespace gradus
