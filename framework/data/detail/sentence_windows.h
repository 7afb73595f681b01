#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/random.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace gradus {

/// How SkipGramPairs and CbowPairs read sentences; the defaults are those of word2vec.
struct WordWindowOptions {
  std::int64_t batch_size = 256;  ///< pairs in a batch
  std::int64_t window = 5;        ///< most words on each side, drawn from 1 to this for each word
  std::int64_t epochs = 5;        ///< how often all sentences are read
  double subsample = 1e-3;        ///< words more frequent than this are skipped at random; 0: none
};

namespace detail {

/// Sentences in a new random order each epoch, without the words that subsampling skips, and the
/// words around each of the rest.
class GRADUS_API SentenceWindows {
 public:
  /// user: whose name errors begin with. See SkipGramPairs for the rest.
  SentenceWindows(const char* user, std::span<const std::vector<std::int64_t>> sentences,
                  std::span<const std::int64_t> counts, const WordWindowOptions& options,
                  Generator& generator);

  /// Goes to the next sentence; false after the last epoch.
  bool next();
  /// The words of this sentence that were kept.
  const std::vector<std::int64_t>& words() const { return kept_; }
  /// Draws the window of word i: positions [first, last) of words(), i among them.
  std::pair<std::int64_t, std::int64_t> draw_window(std::int64_t i);

  std::int64_t words_read() const { return words_read_; }
  std::int64_t total_words() const { return words_ * options_.epochs; }
  std::int64_t batch_size() const { return options_.batch_size; }

 private:
  std::span<const std::vector<std::int64_t>> sentences_;
  WordWindowOptions options_;
  Generator* generator_;
  std::vector<double> keep_;  // by word
  std::vector<std::int64_t> order_, kept_;
  std::size_t position_ = 0;
  std::int64_t epoch_ = 0, words_ = 0, words_read_ = 0;
};

}  // namespace detail
}  // namespace gradus
