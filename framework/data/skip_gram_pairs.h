#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/detail/sentence_windows.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

/// The pairs (word, nearby word) of sentences, in batches. Each epoch reads the sentences in a new
/// order, drawn from the generator. A word of frequency f is kept with probability
/// sqrt(t / f) + t / f, where t is `subsample`. Words that are skipped do not count as neighbours,
/// and no window reaches into another sentence.
///   SkipGramPairs pairs(sentences, vocabulary.counts(), {.batch_size = 512}, generator);
///   while (pairs.next()) train(tensor(pairs.centers()), tensor(pairs.contexts()));
/// Source: Mikolov et al. 2013, section 2.3; the formula is that of the word2vec program.
class GRADUS_API SkipGramPairs {
 public:
  /// sentences: ids of words, which must outlive this, as must the generator; counts: how often
  /// each word occurs. Throws ValueError for an option out of range or a negative count, IndexError
  /// for an id outside [0, counts.size()), naming the sentence.
  SkipGramPairs(std::span<const std::vector<std::int64_t>> sentences,
                std::span<const std::int64_t> counts, const WordWindowOptions& options,
                Generator& generator);

  /// Goes to the next batch; false at the end, when the batch is empty.
  bool next();

  // The pairs of this batch: `batch_size` of them, except in the last batch.
  const std::vector<std::int64_t>& centers() const { return centers_; }
  const std::vector<std::int64_t>& contexts() const { return contexts_; }

  /// Words read so far, including skipped ones, and words to read in all epochs together.
  std::int64_t words_read() const { return windows_.words_read(); }
  std::int64_t total_words() const { return windows_.total_words(); }

 private:
  bool read_sentence();
  void drop_used();

  detail::SentenceWindows windows_;
  std::vector<std::int64_t> centers_, contexts_;
  std::vector<std::int64_t> all_centers_, all_contexts_;
  std::size_t used_ = 0;
};

}  // namespace gradus
