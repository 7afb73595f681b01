#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/detail/weights.h>
#include <gradus/layers/quotient_remainder_embedding.h>

#include <algorithm>
#include <cmath>

namespace gradus {
namespace {

// Checks sizes and options, and fills in the divisor and the dtype; padding_idx counts from the
// front.
QuotientRemainderOptions checked(std::int64_t rows, std::int64_t width,
                                 QuotientRemainderOptions options) {
  constexpr const char* layer = "QuotientRemainderEmbedding";
  if (rows < 0 || width < 0) {
    throw ValueError(
        fmt::format("{}: num_embeddings is {}, embedding_dim is {}: sizes cannot be negative",
                    layer, rows, width));
  }
  if (!options.divisor) {
    auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(rows)));
    while (root > 1 && (root - 1) * (root - 1) >= rows) --root;
    while (root * root < rows) ++root;
    options.divisor = std::max<std::int64_t>(root, 1);
  }
  if (*options.divisor < 1) {
    throw ValueError(
        fmt::format("{}: divisor is {}, it must be positive", layer, *options.divisor));
  }
  if (options.padding_idx) {
    if (*options.padding_idx < -rows || *options.padding_idx >= rows) {
      throw IndexError(fmt::format("{}: padding_idx {} is outside [{}, {})", layer,
                                   *options.padding_idx, -rows, rows));
    }
    if (*options.padding_idx < 0) *options.padding_idx += rows;
  }
  options.dtype = detail::layer_dtype(layer, options.dtype);
  return options;
}

std::int64_t quotient_rows(std::int64_t rows, std::int64_t divisor) {
  return rows == 0 ? 0 : (rows - 1) / divisor + 1;
}

// One of the tables, with an additional row of zeros if there is a padding_idx.
Embedding part(std::int64_t rows, std::int64_t width, const QuotientRemainderOptions& options,
               Generator& generator) {
  const double std = options.composition == Composition::add ? std::sqrt(0.5) : 1;
  const bool padded = options.padding_idx.has_value();
  const Tensor values = randn({rows + (padded ? 1 : 0), width}, 0, std, *options.dtype, generator);
  EmbeddingOptions table_options{.sparse = options.sparse};
  if (padded) table_options.padding_idx = rows;
  Embedding table = Embedding::from_pretrained(values, /*freeze=*/false, table_options);
  table.zero_padding_row();
  return table;
}

std::int64_t quotient_width(std::int64_t width, Composition composition) {
  return composition == Composition::concatenate ? width - width / 2 : width;
}

std::int64_t remainder_width(std::int64_t width, Composition composition) {
  return composition == Composition::concatenate ? width / 2 : width;
}

}  // namespace

const char* name(Composition composition) {
  return composition == Composition::multiply ? "multiply"
         : composition == Composition::add    ? "add"
                                              : "concatenate";
}

QuotientRemainderEmbedding::QuotientRemainderEmbedding(std::int64_t num_embeddings,
                                                       std::int64_t embedding_dim,
                                                       const QuotientRemainderOptions& options,
                                                       Generator& generator)
    : shape_(std::make_shared<const std::pair<std::int64_t, std::int64_t>>(num_embeddings,
                                                                           embedding_dim)),
      options_(std::make_shared<const QuotientRemainderOptions>(
          checked(num_embeddings, embedding_dim, options))),
      quotient(add("quotient", part(quotient_rows(num_embeddings, *options_->divisor),
                                    quotient_width(embedding_dim, options_->composition), *options_,
                                    generator))),
      remainder(add("remainder",
                    part(*options_->divisor, remainder_width(embedding_dim, options_->composition),
                         *options_, generator))) {
  set_description([s = shape_, o = options_] {
    std::string text = fmt::format("QuotientRemainderEmbedding({}, {}, divisor={}, composition={}",
                                   s->first, s->second, *o->divisor, name(o->composition));
    if (o->padding_idx) text += fmt::format(", padding_idx={}", *o->padding_idx);
    return text + ")";
  });
}

Tensor QuotientRemainderEmbedding::operator()(const Tensor& ids) const {
  detail::check_ids("QuotientRemainderEmbedding", ids, num_embeddings());
  const std::int64_t d = divisor(), upper_padding = quotient_rows(num_embeddings(), d);
  const std::int64_t padding = options_->padding_idx.value_or(-1);
  const Tensor upper = empty_like(ids), lower = empty_like(ids);
  auto* u = upper.mutable_data<std::int64_t>();
  auto* l = lower.mutable_data<std::int64_t>();
  for (const std::int64_t id : ids.span<std::int64_t>()) {
    *u++ = id == padding ? upper_padding : id / d;
    *l++ = id == padding ? d : id % d;
  }
  const Tensor q = quotient(upper), r = remainder(lower);
  if (options_->composition == Composition::multiply) return q * r;
  return options_->composition == Composition::add ? q + r : cat({q, r}, -1);
}

}  // namespace gradus
