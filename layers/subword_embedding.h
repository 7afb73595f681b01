#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
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
  BagMode mode = BagMode::mean;  ///< mean, as fastText, or sum, as its paper
  bool sparse = true;            ///< the gradient of the weight is a SparseGrad
  /// Of the weight: float32 if none is named, and that of the tensor it is made from.
  std::optional<DType> dtype = std::nullopt;
};

/// Word vectors that are made of the row of the word and those of its character n-grams, which are
/// hashed into a fixed number of buckets (the hashing trick): words that were never seen have a
/// vector too. The weight [words + buckets, embedding_dim] is that of fastText, words first, and
/// starts from U(-1 / embedding_dim, 1 / embedding_dim) as it does there. Rows are gathered and
/// added up in one pass; a row gets a gradient for each of its uses.
///
/// The padding word of the vocabulary has no rows: its vector is zeros. The unknown word has its
/// own row only.
/// Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", section 3.2.
class GRADUS_API SubwordEmbedding : public Module {
 public:
  GRADUS_TOO_LATE SubwordEmbedding();
  template <class M>
  GRADUS_TOO_LATE SubwordEmbedding& operator=(M&&);

  /// Throws ValueError for n-grams that make no sense, a mode other than mean and sum, and a
  /// negative width, DTypeError for a dtype that is not a float type.
  SubwordEmbedding(const Vocabulary& vocabulary, std::int64_t embedding_dim,
                   const SubwordOptions& options = {}, Generator& generator = default_generator());

  /// A layer with given rows [words + buckets, embedding_dim], frozen by default, adopted or copied
  /// as Embedding::from_pretrained does. Throws ShapeError if their number is another, DTypeError.
  static SubwordEmbedding from_pretrained(Tensor weight, const Vocabulary& vocabulary,
                                          bool freeze = true, const SubwordOptions& options = {});

  /// Words, of the vocabulary or not -> [words, embedding_dim]. A word without any row gives zeros.
  Tensor operator()(std::span<const std::string> words) const;
  /// int64 ids of words of the vocabulary, of any shape -> ids.shape() + [embedding_dim]. Their
  /// n-grams were hashed once. Throws IndexError, DTypeError.
  Tensor operator()(const Tensor& ids) const;

  /// The rows of the weight that a word is made of.
  std::vector<std::int64_t> rows(std::string_view word) const;

  std::int64_t num_words() const;
  std::int64_t embedding_dim() const { return weight.size(1); }
  const SubwordOptions& options() const;

 private:
  struct State;
  SubwordEmbedding(const std::shared_ptr<const State>& state, std::int64_t embedding_dim,
                   Generator& generator);
  SubwordEmbedding(const Tensor& table, bool trainable, std::shared_ptr<const State> state);

  Tensor bags(const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& offsets) const;

  const std::shared_ptr<const State> state_;

 public:
  const Parameter weight;  ///< [words + buckets, embedding_dim]
};

}  // namespace gradus
