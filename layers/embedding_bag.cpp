#include <fmt/format.h>
#include <gradus/framework/module/init.h>
#include <gradus/layers/detail/dtype.h>
#include <gradus/layers/detail/table.h>
#include <gradus/layers/embedding_bag.h>

#include <memory>
#include <string>

namespace gradus {
namespace {

EmbeddingBagLookup lookup_of(const EmbeddingBagOptions& options) {
  return {.mode = options.mode,
          .padding_idx = options.padding_idx.value_or(-1),
          .scale_grad_by_freq = options.scale_grad_by_freq,
          .sparse = options.sparse,
          .include_last_offset = options.include_last_offset};
}

EmbeddingBagOptions checked(EmbeddingBagOptions options, std::int64_t rows) {
  options.padding_idx = detail::normalized_padding("EmbeddingBag", options.padding_idx, rows);
  detail::check_max_norm("EmbeddingBag", options.max_norm, options.norm_type);
  detail::check_bag_options("EmbeddingBag", lookup_of(options));
  return options;
}

EmbeddingBagOptions checked(const EmbeddingBagOptions& options, const Tensor& table) {
  detail::check_can_scale("EmbeddingBag", options.max_norm, table);
  detail::check_layer_dtype("EmbeddingBag", options.dtype, table);
  return checked(options, table.size(0));
}

Tensor new_table(std::int64_t rows, std::int64_t width, const EmbeddingBagOptions& options,
                 Generator& generator) {
  if (rows >= 0) checked(options, rows);  // before the work
  return detail::new_table("EmbeddingBag", rows, width,
                           detail::layer_dtype("EmbeddingBag", options.dtype), generator);
}

std::string describe(const Tensor& weight, const EmbeddingBagOptions& options) {
  std::string text = fmt::format("EmbeddingBag({}, {}", weight.size(0), weight.size(1));
  if (options.max_norm) text += fmt::format(", max_norm={}", *options.max_norm);
  if (options.norm_type != 2) text += fmt::format(", norm_type={}", options.norm_type);
  if (options.scale_grad_by_freq) text += ", scale_grad_by_freq=true";
  text += fmt::format(", mode={}", name(options.mode));
  if (options.sparse) text += ", sparse=true";
  if (options.include_last_offset) text += ", include_last_offset=true";
  if (options.padding_idx) text += fmt::format(", padding_idx={}", *options.padding_idx);
  if (!weight.trainable()) text += ", frozen";
  if (weight.is_read_only()) text += ", mapped";
  return text + ")";
}

}  // namespace

EmbeddingBag::EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim,
                           const EmbeddingBagOptions& options, Generator& generator)
    : EmbeddingBag(new_table(num_embeddings, embedding_dim, options, generator), true, options) {
  zero_padding_row();
}

EmbeddingBag::EmbeddingBag(const Tensor& table, bool trainable, const EmbeddingBagOptions& options)
    : options_(std::make_shared<EmbeddingBagOptions>(checked(options, table))),
      weight(add_parameter("weight", table, trainable)) {
  set_description([w = Tensor(weight), o = options_] { return describe(w, *o); });
}

// NOLINTBEGIN(performance-unnecessary-value-param): moved in, it is the only handle
EmbeddingBag EmbeddingBag::from_pretrained(Tensor weight, bool freeze,
                                           const EmbeddingBagOptions& options) {
  return {detail::adopted_table("from_pretrained", weight), !freeze, options};
}
// NOLINTEND(performance-unnecessary-value-param)

void EmbeddingBag::set_padding_idx(std::optional<std::int64_t> padding_idx) const {
  options_->padding_idx = detail::normalized_padding("EmbeddingBag", padding_idx, num_embeddings());
}

void EmbeddingBag::zero_padding_row() const { detail::zero_row(weight, options_->padding_idx); }

void EmbeddingBag::reset_parameters(Generator& generator) const {
  normal_(weight, 0, 1, generator);
  zero_padding_row();
}

void EmbeddingBag::resize(std::int64_t rows, const ResizeOptions& options) const {
  detail::resize_table("EmbeddingBag", weight, options_->padding_idx, rows, options);
}

void EmbeddingBag::remap(const Tensor& sources, const ResizeOptions& options) const {
  options_->padding_idx =
      detail::remap_table("EmbeddingBag", weight, options_->padding_idx, sources, options);
}

Tensor EmbeddingBag::operator()(const Tensor& ids, const Tensor& offsets,
                                const Tensor& per_sample_weights) const {
  const EmbeddingBagLookup lookup = lookup_of(*options_);
  if (options_->max_norm) {
    detail::check_bags(weight, ids, offsets, lookup, per_sample_weights);
    detail::scale_rows_down(weight, ids, *options_->max_norm, options_->norm_type);
  }
  return embedding_bag(weight, ids, offsets, lookup, per_sample_weights);
}

}  // namespace gradus
