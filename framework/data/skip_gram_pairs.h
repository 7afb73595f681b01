#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/random.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// How SkipGramPairs reads sentences; the defaults are those of word2vec.
struct SkipGramPairsOptions {
  std::int64_t batch_size = 256;  ///< pairs in a batch
  std::int64_t window = 5;        ///< most words on each side, drawn from 1 to this for each word
  std::int64_t epochs = 5;        ///< how often all sentences are read
  double subsample = 1e-3;        ///< words more frequent than this are skipped at random; 0: none
};

/// The pairs (word, nearby word) of sentences, in batches. Each epoch reads the sentences in a new
/// order, drawn from the generator. A word of frequency f is kept with probability
/// sqrt(t / f) + t / f, where t is `subsample`.
///   SkipGramPairs pairs(sentences, vocabulary.counts(), {.batch_size = 512}, generator);
///   while (pairs.next()) train(tensor(pairs.centers()), tensor(pairs.contexts()));
/// Source: Mikolov et al. 2013, section 2.3; the formula is that of the word2vec program.
class GRADUS_API SkipGramPairs {
 public:
  /// sentences: ids of words, which must outlive this, as must the generator; counts: how often
  /// each word occurs. Throws ValueError for an option out of range or a negative count, IndexError
  /// for an id outside [0, counts.size()), naming the sentence.
  SkipGramPairs(std::span<const std::vector<std::int64_t>> sentences,
                std::span<const std::int64_t> counts, const SkipGramPairsOptions& options,
                Generator& generator);

  /// Goes to the next batch; false at the end, when the batch is empty.
  bool next();

  // The pairs of this batch: `batch_size` of them, except in the last batch.
  const std::vector<std::int64_t>& centers() const { return centers_; }
  const std::vector<std::int64_t>& contexts() const { return contexts_; }

  /// Words read so far, including skipped ones, and words to read in all epochs together.
  std::int64_t words_read() const { return words_read_; }
  std::int64_t total_words() const { return words_ * options_.epochs; }

 private:
  void set_keep(std::span<const std::int64_t> counts);
  bool read_sentence();
  void append_pairs();
  void drop_used();

  std::span<const std::vector<std::int64_t>> sentences_;
  SkipGramPairsOptions options_;
  Generator* generator_;
  std::vector<double> keep_;  // by word
  std::vector<std::int64_t> centers_, contexts_;
  std::vector<std::int64_t> order_, kept_, all_centers_, all_contexts_;
  std::size_t position_ = 0, used_ = 0;
  std::int64_t epoch_ = 0, words_ = 0, words_read_ = 0;
};

}  // namespace gradus
