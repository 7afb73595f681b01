#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/detail/sentence_windows.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// The pairs (nearby words, word) of sentences, in batches, for the continuous bag of words. They
/// are read as SkipGramPairs reads them; words without a neighbour are left out.
///   CbowPairs pairs(sentences, vocabulary.counts(), {.batch_size = 512}, generator);
///   while (pairs.next()) {
///     train(bag(tensor(pairs.contexts()), tensor(pairs.offsets())), tensor(pairs.centers()));
///   }
/// Source: Mikolov et al. 2013, "Efficient estimation of word representations in vector space".
class GRADUS_API CbowPairs {
 public:
  /// As the constructor of SkipGramPairs.
  CbowPairs(std::span<const std::vector<std::int64_t>> sentences,
            std::span<const std::int64_t> counts, const WordWindowOptions& options,
            Generator& generator);

  /// Goes to the next batch; false at the end, when the batch is empty.
  bool next();

  // The pairs of this batch, B = `batch_size` of them, except in the last batch.
  /// [N]: the nearby words of all pairs, one pair after the other, as EmbeddingBag takes them.
  const std::vector<std::int64_t>& contexts() const { return contexts_; }
  /// [B]: where the nearby words of each pair begin in contexts().
  const std::vector<std::int64_t>& offsets() const { return offsets_; }
  /// [B]: the word between them.
  const std::vector<std::int64_t>& centers() const { return centers_; }

  /// Words read so far, including skipped ones, and words to read in all epochs together.
  std::int64_t words_read() const { return windows_.words_read(); }
  std::int64_t total_words() const { return windows_.total_words(); }

 private:
  void append(std::int64_t word);

  detail::SentenceWindows windows_;
  std::vector<std::int64_t> contexts_, offsets_, centers_;
  std::int64_t word_ = 0;  // of windows_.words(), the next one
};

}  // namespace gradus
