#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/ops/nn/embedding_bag.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct SubwordOptions {
  NgramOptions ngrams = {};
  BagMode mode = BagMode::mean;  ///< mean, as in fastText, or sum, as in its paper
  bool sparse = true;            ///< the gradient of the weight is a SparseGrad
  /// Dtype of the weight: by default float32, or the dtype of the tensor it is built from.
  std::optional<DType> dtype = std::nullopt;
};

/// Word vectors made of the row of the word and the rows of its character n-grams, which are hashed
/// into a fixed number of buckets (the hashing trick): words that were never seen have vectors too.
/// The weight [words + buckets, embedding_dim] is laid out as in fastText, words first, and starts
/// from U(-1 / embedding_dim, 1 / embedding_dim), as it does there. Rows are gathered and added up
/// in one pass; a row gets a gradient for each of its uses.
///
/// The padding word of the vocabulary has no rows: its vector is zeros. The unknown word has its
/// own row only.
/// Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", section 3.2.
class GRADUS_API SubwordEmbedding : public Module {
 public:
  GRADUS_TOO_LATE SubwordEmbedding();
  template <class M>
  GRADUS_TOO_LATE SubwordEmbedding& operator=(M&&);

  /// Throws ValueError for invalid n-gram options, a mode other than mean and sum, and a negative
  /// width; DTypeError for a dtype that is not a float type.
  SubwordEmbedding(const Vocabulary& vocabulary, std::int64_t embedding_dim,
                   const SubwordOptions& options = {}, Generator& generator = default_generator());

  /// A layer with given rows [words + buckets, embedding_dim], frozen by default, adopted or copied
  /// as by Embedding::from_pretrained(). Throws ShapeError if the number of rows differs,
  /// DTypeError.
  static SubwordEmbedding from_pretrained(Tensor weight, const Vocabulary& vocabulary,
                                          bool freeze = true, const SubwordOptions& options = {});

  /// Words, in the vocabulary or not -> [words, embedding_dim]. A word without any row gives zeros.
  Tensor operator()(std::span<const std::string> words) const;
  /// int64 ids of words in the vocabulary, of any shape -> ids.shape() + [embedding_dim]. Their
  /// n-grams are hashed once, by the constructor. Throws IndexError, DTypeError.
  Tensor operator()(const Tensor& ids) const;

  /// The rows of the weight that the vector of a word is made of.
  std::vector<std::int64_t> rows(std::string_view word) const;

  /// Takes another vocabulary, for all copies of this layer: a word that both have keeps its row,
  /// other words get new ones, drawn as in a new layer or made by options.init. The rows of n-grams
  /// stay. See resize_rows(), also for the optimizer, which must follow.
  void remap(const Vocabulary& vocabulary, const ResizeOptions& options = {}) const;

  std::int64_t num_words() const;
  std::int64_t embedding_dim() const { return weight.size(1); }
  const SubwordOptions& options() const;

 private:
  struct State;
  SubwordEmbedding(const std::shared_ptr<State>& state, std::int64_t embedding_dim,
                   Generator& generator);
  SubwordEmbedding(const Tensor& table, bool trainable, std::shared_ptr<State> state);

  Tensor bags(const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& offsets) const;

  const std::shared_ptr<State> state_;

 public:
  const Parameter weight;  ///< [words + buckets, embedding_dim]
};

}  // namespace gradus
