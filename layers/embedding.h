#pragma once
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/nn/embedding.h>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace gradus {

struct EmbeddingOptions {
  /// A row that gets no gradient; it starts as zeros. May count from the end.
  std::optional<std::int64_t> padding_idx = std::nullopt;
  /// Every lookup first scales rows of a larger norm down to this one, in place.
  std::optional<double> max_norm = std::nullopt;
  double norm_type = 2.0;           ///< the p of that p-norm; infinity is allowed
  bool scale_grad_by_freq = false;  ///< divide a row's gradient by its lookups in the call
  bool sparse = false;              ///< the gradient of the weight is a SparseGrad
  /// Of the weight: float32 if none is named, and that of the tensor it is made from.
  std::optional<DType> dtype = std::nullopt;
};

/// A table of one vector per id. The weight [num_embeddings, embedding_dim] starts from N(0, 1).
///
/// Padding: a lookup of the padding row returns it as it is and gives no gradient. Other uses of
/// the weight (tied layers) and weight decay do reach that row; zero_padding_row() clears it.
///
/// max_norm: before a lookup, each distinct row r of it with norm n > max_norm becomes
/// r max_norm / (n + 1e-7), also in eval mode and in a frozen table, and no gradient flows through
/// that. Two threads must not look up in such a table at the same time.
///
/// row(), set_row() and their kin read and write rows by hand, frozen or not. resize() and remap()
/// change how many rows there are:
///
///   table.resize(vocabulary.size(), {.followers = {&optimizer}});
class GRADUS_API Embedding : public Module {
 public:
  GRADUS_TOO_LATE Embedding();
  template <class M>
  GRADUS_TOO_LATE Embedding& operator=(M&&);

  /// Throws ValueError for a negative size or a max_norm or norm_type that is not positive,
  /// IndexError for a padding_idx outside [-num_embeddings, num_embeddings), DTypeError for a dtype
  /// that is not a float type.
  Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
            const EmbeddingOptions& options = {}, Generator& generator = default_generator());

  /// A layer with the rows of a float tensor [num_embeddings, embedding_dim], frozen by default.
  /// The weight is a new leaf: it takes over the storage if `weight` is the only handle to it
  /// (std::move the argument), else it copies. The padding row is kept as it is (see
  /// zero_padding_row). Throws ShapeError, DTypeError, and as the constructor.
  static Embedding from_pretrained(Tensor weight, bool freeze = true,
                                   const EmbeddingOptions& options = {});

  /// A frozen layer whose rows stay in a .safetensors file, as tensor `name` of it, an F32 or F64
  /// matrix: one larger than memory opens at once; see load_mapped(). It cannot be trained or
  /// changed. Throws ValueError for a max_norm, and as load_mapped() and from_pretrained().
  static Embedding from_mapped(const std::string& file, std::string_view name,
                               const EmbeddingOptions& options = {});

  /// int64 ids of any shape -> ids.shape() + [embedding_dim]. Throws IndexError naming the first id
  /// outside [0, num_embeddings) and its position, DTypeError for other types.
  Tensor operator()(const Tensor& ids) const;
  /// Ids of any integer type in a vector, span or array: [n] -> [n, embedding_dim].
  template <detail::Contiguous Ids>
  Tensor operator()(const Ids& ids) const {
    return look_up(std::span(std::data(ids), std::size(ids)));
  }
  /// `table({3, 1, 4})`.
  template <class Id>
  Tensor operator()(std::initializer_list<Id> ids) const {
    return look_up(std::span(ids.begin(), ids.size()));
  }

  std::int64_t num_embeddings() const { return weight.size(0); }
  std::int64_t embedding_dim() const { return weight.size(1); }
  /// True if the table is not trained; Module::set_trainable() changes that at any time.
  bool is_frozen() const { return !weight.trainable(); }

  /// padding_idx counts from the front here.
  const EmbeddingOptions& options() const { return *options_; }
  /// Applies to later lookups of all copies of this layer; the row keeps its values.
  /// Throws IndexError as the constructor.
  void set_padding_idx(std::optional<std::int64_t> padding_idx) const;
  /// Sets the padding row to zeros, if there is one.
  void zero_padding_row() const;
  /// Draws the table anew from N(0, 1), with zeros in the padding row.
  void reset_parameters(Generator& generator = default_generator()) const;

  /// A copy of row `id` as [embedding_dim], of rows ids [n] as [n, embedding_dim]: as they are,
  /// without max_norm, part of no graph. Throw IndexError, ShapeError, DTypeError.
  Tensor row(std::int64_t id) const;
  Tensor rows(const Tensor& ids) const;
  /// Overwrite rows; the last one wins where an id repeats. Throw as Tensor::set_row(s).
  void set_row(std::int64_t id, const Tensor& values) const;
  void set_rows(const Tensor& ids, const Tensor& values) const;

  /// Gives all copies of this layer, and the layers that its weight is tied to, another number of
  /// rows: kept rows stay, new ones are drawn from N(0, 1) or made by options.init; see
  /// resize_rows(), also for the optimizer, which must follow. The bias of a tied Linear is resized
  /// by resize_rows(). Throws ValueError if the padding row would go: set_padding_idx() first.
  void resize(std::int64_t rows, const ResizeOptions& options = {}) const;
  /// The same for any choice of rows, sources int64 [rows]; see remap_rows(). The padding row is
  /// the first one that was it.
  void remap(const Tensor& sources, const ResizeOptions& options = {}) const;

  // For other layers that read rows of this table:

  /// The options as the op embedding() takes them.
  EmbeddingLookup lookup() const;
  /// Applies max_norm, if there is one, to the rows of valid ids.
  void renormalize(const Tensor& ids) const;

 private:
  Embedding(const Tensor& table, bool trainable, const EmbeddingOptions& options);

  template <class Id>
  Tensor look_up(std::span<const Id> ids) const {
    constexpr bool integers = std::is_integral_v<Id> && !std::is_same_v<Id, bool>;
    static_assert(integers, "Embedding ids must be integers");
    if constexpr (integers) return (*this)(tensor(ids, {static_cast<std::int64_t>(ids.size())}));
  }

  const std::shared_ptr<EmbeddingOptions> options_;

 public:
  const Parameter weight;  ///< [num_embeddings, embedding_dim]
};

}  // namespace gradus
