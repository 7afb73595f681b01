#include <fmt/format.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/embedding_bag.h>

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

EmbeddingBagOptions with(const EmbeddingOptions& table, BagMode mode, bool include_last_offset) {
  return {.padding_idx = table.padding_idx,
          .max_norm = table.max_norm,
          .norm_type = table.norm_type,
          .scale_grad_by_freq = table.scale_grad_by_freq,
          .mode = mode,
          .sparse = table.sparse,
          .include_last_offset = include_last_offset,
          .dtype = table.dtype};
}

// The options that all tables have; checks the others.
EmbeddingOptions table_options_of(const EmbeddingBagOptions& options) {
  detail::check_bag_options("EmbeddingBag", lookup_of(options));
  return {.padding_idx = options.padding_idx,
          .max_norm = options.max_norm,
          .norm_type = options.norm_type,
          .scale_grad_by_freq = options.scale_grad_by_freq,
          .sparse = options.sparse,
          .dtype = options.dtype};
}

std::string description(const Tensor& weight, const EmbeddingBagOptions& options) {
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
    : Table("EmbeddingBag", num_embeddings, embedding_dim, table_options_of(options), generator),
      mode_(options.mode),
      include_last_offset_(options.include_last_offset) {
  describe();
}

EmbeddingBag::EmbeddingBag(const Tensor& table, bool trainable, const EmbeddingBagOptions& options)
    : Table("EmbeddingBag", table, trainable, table_options_of(options)),
      mode_(options.mode),
      include_last_offset_(options.include_last_offset) {
  describe();
}

// NOLINTBEGIN(performance-unnecessary-value-param): moved in, so it is the only handle
EmbeddingBag EmbeddingBag::from_pretrained(Tensor weight, bool freeze,
                                           const EmbeddingBagOptions& options) {
  return {detail::adopted_table("from_pretrained", weight), !freeze, options};
}
// NOLINTEND(performance-unnecessary-value-param)

EmbeddingBagOptions EmbeddingBag::options() const {
  return with(table_options(), mode_, include_last_offset_);
}

void EmbeddingBag::describe() {
  describe_by([mode = mode_, last = include_last_offset_](const Tensor& w,
                                                          const EmbeddingOptions& options) {
    return description(w, with(options, mode, last));
  });
}

Tensor EmbeddingBag::operator()(const Tensor& ids, const Tensor& offsets,
                                const Tensor& per_sample_weights) const {
  const EmbeddingBagLookup lookup = lookup_of(options());
  if (table_options().max_norm) {
    detail::check_bags(weight, ids, offsets, lookup, per_sample_weights);
    renormalize(ids);
  }
  return embedding_bag(weight, ids, offsets, lookup, per_sample_weights);
}

}  // namespace gradus
