#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/resize.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace gradus {

struct EmbeddingOptions {
  /// A row that gets no gradient; it starts as zeros. A negative index counts from the end.
  std::optional<std::int64_t> padding_idx = std::nullopt;
  /// Every lookup first scales rows with a larger norm down to this one, in place.
  std::optional<double> max_norm = std::nullopt;
  double norm_type = 2.0;           ///< the p of that p-norm; infinity is allowed
  bool scale_grad_by_freq = false;  ///< divide a row's gradient by its lookups in the call
  bool sparse = false;              ///< the gradient of the weight is a SparseGrad
  /// Dtype of the weight: by default float32, or the dtype of the tensor it is built from.
  std::optional<DType> dtype = std::nullopt;
};

/// Base of layers that hold one vector for each id, as rows of a weight [num_embeddings,
/// embedding_dim]: Embedding, EmbeddingBag.
///
/// max_norm: before a lookup, each distinct row r that it reads with norm n > max_norm becomes r
/// max_norm / (n + 1e-7), even in eval mode and in a frozen table, and no gradient flows through
/// that. Two threads must not use such a table at the same time.
class GRADUS_API Table : public Module {
 public:
  std::int64_t num_embeddings() const { return weight.size(0); }
  std::int64_t embedding_dim() const { return weight.size(1); }
  /// True if the table is not trained; Module::set_trainable() changes that at any time.
  bool is_frozen() const { return !weight.trainable(); }

  /// Applies to later lookups of all copies of this layer; the row keeps its values.
  /// Throws IndexError as the constructor does.
  void set_padding_idx(std::optional<std::int64_t> padding_idx) const;
  /// Sets the padding row to zeros, if there is one.
  void zero_padding_row() const;
  /// Draws the table again from N(0, 1), with zeros in the padding row.
  void reset_parameters(Generator& generator = default_generator()) const;

  /// A copy of row `id` as [embedding_dim], of rows ids [n] as [n, embedding_dim]: as they are,
  /// without max_norm, not part of any graph. Throw IndexError, ShapeError, DTypeError.
  Tensor row(std::int64_t id) const;
  Tensor rows(const Tensor& ids) const;
  /// Overwrite rows; where an id repeats, the last one wins. Throw as Tensor::set_row(s) do.
  void set_row(std::int64_t id, const Tensor& values) const;
  void set_rows(const Tensor& ids, const Tensor& values) const;

  /// Changes the number of rows of all copies of this layer, and of the layers that its weight is
  /// tied to: kept rows stay, new ones are drawn from N(0, 1) or made by options.init; see
  /// resize_rows(), also for the optimizer, which must follow. Use resize_rows() for the bias of a
  /// tied Linear. Throws ValueError if the padding row would be removed: call set_padding_idx()
  /// first.
  void resize(std::int64_t rows, const ResizeOptions& options = {}) const;
  /// The same for any choice of rows, with sources int64 [rows]; see remap_rows(). The padding row
  /// becomes the first row whose source it is.
  void remap(const Tensor& sources, const ResizeOptions& options = {}) const;

  // For other layers that read rows of this table:

  /// Applies max_norm, if there is one, to the rows of valid ids.
  void renormalize(const Tensor& ids) const;

 protected:
  /// `layer` is the name that errors start with. Throws ValueError for a negative size or a
  /// max_norm or norm_type that is not positive, IndexError for a padding_idx outside
  /// [-num_embeddings, num_embeddings), DTypeError for a dtype that is not a float type.
  Table(const char* layer, std::int64_t num_embeddings, std::int64_t embedding_dim,
        const EmbeddingOptions& options, Generator& generator);
  /// Takes the rows of a tensor that nobody else changes. Throws as above, and ValueError for a
  /// max_norm if the table is mapped from a file.
  Table(const char* layer, const Tensor& table, bool trainable, const EmbeddingOptions& options);

  /// Here padding_idx counts from the front. All copies of this layer share the options.
  const EmbeddingOptions& table_options() const { return state_->options; }
  /// A description that follows the options; see Module::set_description().
  using Description =
      std::function<std::string(const Tensor& weight, const EmbeddingOptions& options)>;
  void describe_by(Description describe);

 private:
  struct State {
    const char* layer;
    EmbeddingOptions options;
  };
  const std::shared_ptr<State> state_;

 public:
  const Parameter weight;  ///< [num_embeddings, embedding_dim]
};

}  // namespace gradus
