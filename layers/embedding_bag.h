#pragma once
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/ops/nn/embedding_bag.h>
#include <gradus/layers/table.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <type_traits>

namespace gradus {

struct EmbeddingBagOptions {
  /// A row whose members do not count; it starts as zeros. A negative index counts from the end.
  std::optional<std::int64_t> padding_idx = std::nullopt;
  /// Every lookup first scales rows with a larger norm down to this one, in place.
  std::optional<double> max_norm = std::nullopt;
  double norm_type = 2.0;           ///< the p of that p-norm; infinity is allowed
  bool scale_grad_by_freq = false;  ///< divide a row's gradient by its members in the call
  BagMode mode = BagMode::mean;
  bool sparse = false;               ///< the gradient of the weight is a SparseGrad
  bool include_last_offset = false;  ///< offsets end with the number of ids
  /// Dtype of the weight: by default float32, or the dtype of the tensor it is built from.
  std::optional<DType> dtype = std::nullopt;
};

/// The sum, mean or maximum of the rows of each bag of ids, in one pass: like mean(Embedding(ids),
/// 1) for bags of equal length, but without its [B, T, D]. The weight [num_embeddings,
/// embedding_dim] starts from N(0, 1).
///
/// Members that look up the padding row do not count, and a bag without members gives zeros.
/// max_norm works as in Embedding.
class GRADUS_API EmbeddingBag : public Table {
 public:
  GRADUS_TOO_LATE EmbeddingBag();
  template <class M>
  GRADUS_TOO_LATE EmbeddingBag& operator=(M&&);

  /// Throws ValueError for a negative size, a max_norm or norm_type that is not positive, and for
  /// sparse or scale_grad_by_freq with mode max; IndexError for a padding_idx outside
  /// [-num_embeddings, num_embeddings), DTypeError for a dtype that is not a float type.
  EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim,
               const EmbeddingBagOptions& options = {}, Generator& generator = default_generator());

  /// A layer with the rows of a float tensor [num_embeddings, embedding_dim], frozen by default, as
  /// by Embedding::from_pretrained(). Throws ShapeError, DTypeError, and as the constructor does.
  static EmbeddingBag from_pretrained(Tensor weight, bool freeze = true,
                                      const EmbeddingBagOptions& options = {});

  /// ids [B, T], or ids [n] and the offsets where their bags begin -> [B, embedding_dim]: see
  /// gradus::embedding_bag. Throws as that op does, before any row is scaled.
  Tensor operator()(const Tensor& ids, const Tensor& offsets = {},
                    const Tensor& per_sample_weights = {}) const;
  /// ids and offsets of any integer types, in vectors, spans or arrays.
  template <detail::Contiguous Ids, detail::Contiguous Offsets>
  Tensor operator()(const Ids& ids, const Offsets& offsets,
                    const Tensor& per_sample_weights = {}) const {
    return (*this)(to_tensor(std::span(std::data(ids), std::size(ids))),
                   to_tensor(std::span(std::data(offsets), std::size(offsets))),
                   per_sample_weights);
  }
  /// `bag({3, 1, 4, 1}, {0, 2})`.
  template <class Id, class Offset>
  Tensor operator()(std::initializer_list<Id> ids, std::initializer_list<Offset> offsets,
                    const Tensor& per_sample_weights = {}) const {
    return (*this)(std::span(ids.begin(), ids.size()), std::span(offsets.begin(), offsets.size()),
                   per_sample_weights);
  }

  /// Here padding_idx counts from the front.
  EmbeddingBagOptions options() const;

 private:
  EmbeddingBag(const Tensor& table, bool trainable, const EmbeddingBagOptions& options);
  void describe();

  template <class Id>
  static Tensor to_tensor(std::span<const Id> ids) {
    constexpr bool integers = std::is_integral_v<Id> && !std::is_same_v<Id, bool>;
    static_assert(integers, "EmbeddingBag ids and offsets must be integers");
    if constexpr (integers) return tensor(ids, {static_cast<std::int64_t>(ids.size())});
  }

  const BagMode mode_;
  const bool include_last_offset_;
};

}  // namespace gradus
