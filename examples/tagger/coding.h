#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/collate.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/text/label_set.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace gradus::examples {

/// Sentences as a tagger reads them. What the characters of a word are is computed once for all
/// words of a batch that are written alike, its forms.
struct SentenceBatch {
  PaddedSequences words;  ///< ids [B, T]
  PaddedSequences forms;  ///< the characters of each form, [F, characters]
  Tensor form_ids;        ///< which form each word has, int64 [B, T]
  Tensor labels;          ///< int64 [B, T]; undefined in text without labels
};

using Words = std::vector<std::string>;

struct TagCodingOptions {
  bool cased = false;          ///< otherwise ASCII letters become small, but not in characters
  std::int64_t min_count = 1;  ///< rarer words are unknown
};

/// How words, their characters and labels become ids.
struct TagCoding {
  Vocabulary words, characters;
  LabelSet labels;
  bool cased = false;

  /// Those of the training sentences; `known` are words of pretrained vectors.
  static TagCoding of(std::span<const TaggedSentence> sentences, std::span<const std::string> known,
                      const TagCodingOptions& options);

  std::int64_t word_id(const std::string& word) const;
  /// Whether a word of the training sentences occurs once and has no pretrained vector: hardly more
  /// is known about it than about an unknown word.
  bool is_singleton(std::int64_t word) const {
    return words.counts()[static_cast<std::size_t>(word)] == 1;
  }
  /// One for each character, and one at both ends, so that there are at least three.
  std::vector<std::int64_t> character_ids(const std::string& word) const;
  SentenceBatch batch(std::span<const Words> sentences) const;
};

/// Makes batches to learn from. Each singleton is replaced by the unknown word with some
/// probability, so that something is learnt about that.
struct CollateSentences {
  const TagCoding* coding;
  double replaced = 0;
  SentenceBatch operator()(const std::vector<TaggedSentence>& sentences,
                           Generator& generator) const;
};

/// A word as the table of words has it.
std::string word_key(const std::string& word, bool cased);

}  // namespace gradus::examples
