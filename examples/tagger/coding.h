#pragma once
#include <gradus/examples/common/text_pieces.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/collate.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/text/label_set.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gradus::examples {

/// Sentences of T words as a tagger reads them: P words, or their pieces, of which the first one
/// has the label of the word. What the characters of a word are is computed once for all words of a
/// batch that are written alike, its forms.
struct SentenceBatch {
  PaddedSequences words;  ///< ids [B, P]
  PaddedSequences forms;  ///< the characters of each form, [F, characters]
  Tensor form_ids;        ///< which form each of the words is (a part of), int64 [B, P]
  Tensor lengths;         ///< how many words each sentence has, int64 [B]
  /// Which of the B P positions is the first piece of each word, int64 [B, T]; undefined if each
  /// position is a word.
  Tensor first_pieces;
  Tensor labels;  ///< int64 [B, T]; undefined in text without labels
};

using Words = std::vector<std::string>;

struct TagCodingOptions {
  bool cased = false;          ///< otherwise ASCII letters become small, but not in characters
  std::int64_t min_count = 1;  ///< rarer words are unknown
  std::optional<TextPieces> pieces{};  ///< that words are cut into
};

/// How words, their characters and labels become ids.
struct TagCoding {
  Vocabulary words, characters;  ///< words: or pieces of them
  LabelSet labels;
  bool cased = false;
  std::optional<TextPieces> pieces{};

  /// Those of the training sentences; `known` are words of pretrained vectors.
  static TagCoding of(std::span<const TaggedSentence> sentences, std::span<const std::string> known,
                      const TagCodingOptions& options);

  /// The id of a word, or those of its pieces; one at least.
  std::vector<std::int64_t> word_ids(const std::string& word) const;
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

/// A word as the table of words has it: itself, or its pieces.
Words word_keys(const std::string& word, bool cased, const std::optional<TextPieces>& pieces);

}  // namespace gradus::examples
