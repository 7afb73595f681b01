#include <fmt/format.h>
#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/layers/detail/dtype.h>
#include <gradus/layers/detail/table.h>
#include <gradus/layers/embedding.h>

#include <memory>

namespace gradus {
namespace {

EmbeddingOptions checked(EmbeddingOptions options, std::int64_t rows) {
  options.padding_idx = detail::normalized_padding("Embedding", options.padding_idx, rows);
  detail::check_max_norm("Embedding", options.max_norm, options.norm_type);
  return options;
}

EmbeddingOptions checked(const EmbeddingOptions& options, const Tensor& table) {
  detail::check_can_scale("Embedding", options.max_norm, table);
  detail::check_layer_dtype("Embedding", options.dtype, table);
  return checked(options, table.size(0));
}

Tensor new_table(std::int64_t rows, std::int64_t width, const EmbeddingOptions& options,
                 Generator& generator) {
  if (rows >= 0) checked(options, rows);  // before the work
  return detail::new_table("Embedding", rows, width,
                           detail::layer_dtype("Embedding", options.dtype), generator);
}

std::string describe(const Tensor& weight, const EmbeddingOptions& options) {
  std::string text = fmt::format("Embedding({}, {}", weight.size(0), weight.size(1));
  if (options.padding_idx) text += fmt::format(", padding_idx={}", *options.padding_idx);
  if (options.max_norm) text += fmt::format(", max_norm={}", *options.max_norm);
  if (options.norm_type != 2) text += fmt::format(", norm_type={}", options.norm_type);
  if (options.scale_grad_by_freq) text += ", scale_grad_by_freq=true";
  if (options.sparse) text += ", sparse=true";
  if (!weight.trainable()) text += ", frozen";
  if (weight.is_read_only()) text += ", mapped";
  return text + ")";
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
                     const EmbeddingOptions& options, Generator& generator)
    : Embedding(new_table(num_embeddings, embedding_dim, options, generator), true, options) {
  zero_padding_row();
}

Embedding::Embedding(const Tensor& table, bool trainable, const EmbeddingOptions& options)
    : options_(std::make_shared<EmbeddingOptions>(checked(options, table))),
      weight(add_parameter("weight", table, trainable)) {
  set_description([w = Tensor(weight), o = options_] { return describe(w, *o); });
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): moved in, it is the only handle
Embedding Embedding::from_pretrained(Tensor weight, bool freeze, const EmbeddingOptions& options) {
  return {detail::adopted_table("from_pretrained", weight), !freeze, options};
}

Embedding Embedding::from_mapped(const std::string& file, std::string_view name,
                                 const EmbeddingOptions& options) {
  const Tensor weight = load_mapped(file, name);
  const auto& body = detail::Access::body(weight);
  const auto begin = static_cast<std::uint64_t>(body.offset);
  const std::int64_t bytes = weight.numel() * item_size(weight.dtype());
  body.storage->file()->advise_random(begin, begin + static_cast<std::uint64_t>(bytes));
  return {detail::adopted_table("from_mapped", weight), false, options};
}

void Embedding::set_padding_idx(std::optional<std::int64_t> padding_idx) const {
  options_->padding_idx = detail::normalized_padding("Embedding", padding_idx, num_embeddings());
}

void Embedding::zero_padding_row() const { detail::zero_row(weight, options_->padding_idx); }

void Embedding::reset_parameters(Generator& generator) const {
  normal_(weight, 0, 1, generator);
  zero_padding_row();
}

Tensor Embedding::row(std::int64_t id) const {
  const NoGradGuard no_grad;
  return embedding(weight, scalar(id));
}

Tensor Embedding::rows(const Tensor& ids) const {
  detail::check_defined("Embedding", "ids", ids);
  if (ids.dim() != 1) {
    throw ShapeError(
        fmt::format("Embedding: rows of ids {}: a vector [n] is needed", ids.shape().str()));
  }
  const NoGradGuard no_grad;
  return embedding(weight, ids);
}

void Embedding::set_row(std::int64_t id, const Tensor& values) const {
  const NoGradGuard no_grad;
  weight.set_row(id, values);
}

void Embedding::set_rows(const Tensor& ids, const Tensor& values) const {
  const NoGradGuard no_grad;
  weight.set_rows(ids, values);
}

void Embedding::resize(std::int64_t rows, const ResizeOptions& options) const {
  detail::resize_table("Embedding", weight, options_->padding_idx, rows, options);
}

void Embedding::remap(const Tensor& sources, const ResizeOptions& options) const {
  options_->padding_idx =
      detail::remap_table("Embedding", weight, options_->padding_idx, sources, options);
}

EmbeddingLookup Embedding::lookup() const {
  return {.padding_idx = options_->padding_idx.value_or(-1),
          .scale_grad_by_freq = options_->scale_grad_by_freq,
          .sparse = options_->sparse};
}

void Embedding::renormalize(const Tensor& ids) const {
  if (options_->max_norm) {
    detail::scale_rows_down(weight, ids, *options_->max_norm, options_->norm_type);
  }
}

Tensor Embedding::operator()(const Tensor& ids) const {
  if (options_->max_norm) {
    detail::check_ids("embedding", ids, num_embeddings());
    renormalize(ids);
  }
  return embedding(weight, ids, lookup());
}

}  // namespace gradus
