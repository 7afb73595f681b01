#include <fmt/format.h>
#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/embedding.h>

namespace gradus {
namespace {

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
    : Table("Embedding", num_embeddings, embedding_dim, options, generator) {
  describe_by(describe);
}

Embedding::Embedding(const Tensor& table, bool trainable, const EmbeddingOptions& options)
    : Table("Embedding", table, trainable, options) {
  describe_by(describe);
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): moved in, so it is the only handle
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

EmbeddingLookup Embedding::lookup() const {
  return {.padding_idx = options().padding_idx.value_or(-1),
          .scale_grad_by_freq = options().scale_grad_by_freq,
          .sparse = options().sparse};
}

Tensor Embedding::operator()(const Tensor& ids) const {
  if (options().max_norm) {
    detail::check_ids("embedding", ids, num_embeddings());
    renormalize(ids);
  }
  return embedding(weight, ids, lookup());
}

}  // namespace gradus
