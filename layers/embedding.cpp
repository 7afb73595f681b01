#include <fmt/format.h>
#include <gradus/framework/autograd.h>
#include <gradus/framework/detail/body.h>
#include <gradus/framework/detail/dispatch.h>
#include <gradus/framework/error.h>
#include <gradus/framework/init.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/kernels/rows.h>
#include <gradus/framework/ops/index.h>
#include <gradus/layers/embedding.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace gradus {
namespace {

std::optional<std::int64_t> normalized_padding(std::optional<std::int64_t> padding_idx,
                                               std::int64_t rows) {
  if (!padding_idx) return std::nullopt;
  if (*padding_idx < -rows || *padding_idx >= rows) {
    throw IndexError(
        fmt::format("Embedding: padding_idx {} is outside [{}, {}), the rows of the "
                    "table (negative: counted from the end)",
                    *padding_idx, -rows, rows));
  }
  return *padding_idx < 0 ? *padding_idx + rows : *padding_idx;
}

EmbeddingOptions checked(EmbeddingOptions options, std::int64_t rows) {
  options.padding_idx = normalized_padding(options.padding_idx, rows);
  if (options.max_norm && !(*options.max_norm > 0)) {
    throw ValueError(
        fmt::format("Embedding: max_norm is {}, it must be positive", *options.max_norm));
  }
  if (!(options.norm_type > 0)) {
    throw ValueError(
        fmt::format("Embedding: norm_type is {}, it must be positive", options.norm_type));
  }
  return options;
}

Tensor new_table(std::int64_t rows, std::int64_t width, const EmbeddingOptions& options,
                 Generator& generator) {
  if (rows < 0 || width < 0) {
    throw ValueError(fmt::format(
        "Embedding: num_embeddings is {}, embedding_dim is {}: sizes cannot be negative", rows,
        width));
  }
  checked(options, rows);  // before the work
  return randn({rows, width}, 0.0, 1.0, DType::float32, generator);
}

// Of the argument of a function that takes it by value: if the caller moved it in, it is the only
// handle. What nobody can change is shared.
Tensor adopted(const char* operation, const Tensor& weight) {
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
  const bool share = weight.is_read_only() || detail::Access::sole_owner(weight);
  return share ? weight.detach() : weight.clone();
}

const EmbeddingOptions& fitting(const EmbeddingOptions& options, const Tensor& weight) {
  if (options.max_norm && weight.is_read_only()) {
    throw ValueError(
        fmt::format("Embedding: max_norm changes rows, but the weight {} is mapped from a file, "
                    "read-only: leave it out, or take load() and from_pretrained()",
                    weight.shape().str()));
  }
  return options;
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

// Scales the distinct rows among `ids` whose norm exceeds max_norm, behind the back of autograd:
// the lookup that follows is differentiated as if the rows had been like that before.
void scale_down(const Tensor& weight, const Tensor& ids, double max_norm, double norm_type) {
  std::vector<std::int64_t> rows, slot;
  kernels::unique_rows(ids.data<std::int64_t>(), ids.numel(), weight.size(0), rows, slot);
  const std::int64_t D = weight.size(1);
  detail::dispatch_float(weight.dtype(), "embedding", [&]<class T>(T) {
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

ResizeOptions with_normal_init(ResizeOptions options) {
  if (!options.init) options.init = [](const Tensor& rows) { normal_(rows, 0, 1); };
  return options;
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
                     const EmbeddingOptions& options, Generator& generator)
    : Embedding(new_table(num_embeddings, embedding_dim, options, generator), true, options) {
  zero_padding_row();
}

Embedding::Embedding(const Tensor& table, bool trainable, const EmbeddingOptions& options)
    : options_(std::make_shared<EmbeddingOptions>(checked(fitting(options, table), table.size(0)))),
      weight(add_parameter("weight", table, trainable)) {
  set_description([w = Tensor(weight), o = options_] { return describe(w, *o); });
}

// NOLINTNEXTLINE(performance-unnecessary-value-param): moved in, it is the only handle
Embedding Embedding::from_pretrained(Tensor weight, bool freeze, const EmbeddingOptions& options) {
  return {adopted("from_pretrained", weight), !freeze, options};
}

Embedding Embedding::from_mapped(const std::filesystem::path& file, std::string_view name,
                                 const EmbeddingOptions& options) {
  const Tensor weight = load_mapped(file, name);
  const auto& body = detail::Access::body(weight);
  const auto begin = static_cast<std::uint64_t>(body.offset);
  const std::int64_t bytes = weight.numel() * item_size(weight.dtype());
  body.storage->file()->advise_random(begin, begin + static_cast<std::uint64_t>(bytes));
  return {adopted("from_mapped", weight), false, options};
}

void Embedding::set_padding_idx(std::optional<std::int64_t> padding_idx) const {
  options_->padding_idx = normalized_padding(padding_idx, num_embeddings());
}

void Embedding::zero_padding_row() const {
  if (!options_->padding_idx) return;
  const NoGradGuard no_grad;
  weight.set_row(*options_->padding_idx, zeros({embedding_dim()}, weight.dtype()));
}

Tensor Embedding::row(std::int64_t id) const {
  const NoGradGuard no_grad;
  return embedding(weight, scalar(id));
}

Tensor Embedding::rows(const Tensor& ids) const {
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
  const std::optional<std::int64_t> padding = options_->padding_idx;
  if (padding && *padding >= rows) {
    throw ValueError(
        fmt::format("Embedding: the padding row {} would not be among {} rows: call "
                    "set_padding_idx() first",
                    *padding, rows));
  }
  resize_rows(weight, rows, with_normal_init(options));
}

void Embedding::remap(const Tensor& sources, const ResizeOptions& options) const {
  std::optional<std::int64_t> padding = options_->padding_idx;
  if (padding && sources.dtype() == DType::int64) {
    const auto all = sources.span<std::int64_t>();
    const auto place = std::find(all.begin(), all.end(), *padding);
    if (place == all.end()) {
      throw ValueError(fmt::format(
          "Embedding: the padding row {} is not among the sources: call set_padding_idx() first",
          *padding));
    }
    padding = place - all.begin();
  }
  remap_rows(weight, sources, with_normal_init(options));
  options_->padding_idx = padding;
}

EmbeddingLookup Embedding::lookup() const {
  return {.padding_idx = options_->padding_idx.value_or(-1),
          .scale_grad_by_freq = options_->scale_grad_by_freq,
          .sparse = options_->sparse};
}

void Embedding::renormalize(const Tensor& ids) const {
  if (options_->max_norm) scale_down(weight, ids, *options_->max_norm, options_->norm_type);
}

Tensor Embedding::operator()(const Tensor& ids) const {
  if (options_->max_norm) {
    detail::check_ids("embedding", ids, num_embeddings());
    renormalize(ids);
  }
  return embedding(weight, ids, lookup());
}

}  // namespace gradus
