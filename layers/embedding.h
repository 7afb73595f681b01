#pragma once
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/layers/table.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace gradus {

/// A table of one vector per id. The weight [num_embeddings, embedding_dim] starts from N(0, 1).
///
/// Padding: a lookup of the padding row returns it as it is and contributes no gradient. Other uses
/// of the weight (tied layers) and weight decay do reach that row; zero_padding_row() clears it.
///
/// row(), rows(), set_row() and set_rows() read and write rows directly, frozen or not. resize()
/// and remap() change the number of rows:
///
///   table.resize(vocabulary.size(), {.followers = {&optimizer}});
class GRADUS_API Embedding : public Table {
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
  /// zero_padding_row). Throws ShapeError, DTypeError, and as the constructor does.
  static Embedding from_pretrained(Tensor weight, bool freeze = true,
                                   const EmbeddingOptions& options = {});

  /// A frozen layer whose rows stay in a .safetensors file, in its tensor `name`, which is an F32
  /// or F64 matrix. A table larger than memory opens at once; see load_mapped(). It cannot be
  /// trained or changed. Throws ValueError for a max_norm, and as load_mapped() and
  /// from_pretrained() do.
  static Embedding from_mapped(const std::string& file, std::string_view name,
                               const EmbeddingOptions& options = {});

  /// int64 ids of any shape -> ids.shape() + [embedding_dim]. Throws IndexError naming the first id
  /// outside [0, num_embeddings) and its position, DTypeError for other dtypes.
  Tensor operator()(const Tensor& ids) const;
  /// Ids of any integer type, in a vector, span or array: [n] -> [n, embedding_dim].
  template <detail::Contiguous Ids>
  Tensor operator()(const Ids& ids) const {
    return look_up(std::span(std::data(ids), std::size(ids)));
  }
  /// `table({3, 1, 4})`.
  template <class Id>
  Tensor operator()(std::initializer_list<Id> ids) const {
    return look_up(std::span(ids.begin(), ids.size()));
  }

  /// Here padding_idx counts from the front.
  const EmbeddingOptions& options() const { return table_options(); }

  // For other layers that read rows of this table:

  /// The options in the form that the op embedding() takes.
  EmbeddingLookup lookup() const;

 private:
  Embedding(const Tensor& table, bool trainable, const EmbeddingOptions& options);

  template <class Id>
  Tensor look_up(std::span<const Id> ids) const {
    constexpr bool integers = std::is_integral_v<Id> && !std::is_same_v<Id, bool>;
    static_assert(integers, "Embedding ids must be integers");
    if constexpr (integers) return (*this)(tensor(ids, {static_cast<std::int64_t>(ids.size())}));
  }
};

}  // namespace gradus
