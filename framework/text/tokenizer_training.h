#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/tokenizer.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gradus {

namespace detail {
class WordSplitter;
}

/// How a byte-pair encoding is trained. Source: Sennrich et al. 2016, "Neural machine translation
/// of rare words with subword units".
struct BpeTraining {
  std::int64_t vocabulary_size = 30000;  ///< the most tokens, special ones and characters included
  std::int64_t min_frequency = 2;        ///< rarer pairs are not merged
  std::vector<std::string> special_tokens = {};  ///< get the first ids
  /// As GPT-2 does: tokens of bytes, any text comes back as it was. Else of characters, in which
  /// U+2581 stands for a blank, as SentencePiece has it.
  bool byte_level = true;
  bool add_prefix_space = false;  ///< byte_level: the first word of a text is as one within it
  std::optional<std::int64_t> max_token_length{};  ///< in bytes or characters
  /// The rest is for characters.
  std::optional<std::int64_t> max_alphabet{};  ///< keep only the most frequent characters
  std::string unknown_token = "<unk>";         ///< gets the id 0
  bool byte_fallback = false;                  ///< unknown characters become tokens of bytes
};

/// How WordPiece is trained: by merging pairs, as Hugging Face's library does. The first ids are
/// those of [PAD], [UNK], [CLS], [SEP] and [MASK].
struct WordPieceTraining {
  std::int64_t vocabulary_size = 30000;
  std::int64_t min_frequency = 2;                ///< rarer pairs are not merged
  std::vector<std::string> special_tokens = {};  ///< further ones, which get the next ids
  bool lowercase = true;                         ///< and no accents, as BERT's uncased models
  std::optional<std::int64_t> max_alphabet{};    ///< keep only the most frequent characters
};

/// How single pieces are trained: those that make the texts most likely. A word begins with U+2581,
/// which stands for a blank. Source: Kudo 2018, "Subword regularization: improving neural network
/// translation models with multiple subword candidates".
struct UnigramTraining {
  std::int64_t vocabulary_size = 8000;  ///< the most pieces, special ones and characters included
  std::vector<std::string> special_tokens = {};  ///< get the ids after the unknown token's
  std::string unknown_token = "<unk>";           ///< gets the id 0
  /// NFKC, and white space is one blank: about what SentencePiece does.
  bool normalize = true;
  bool byte_fallback = false;                  ///< unknown characters become pieces of bytes
  std::optional<std::int64_t> max_alphabet{};  ///< keep only the most frequent characters
  std::int64_t max_piece_length = 16;          ///< in characters
  std::int64_t seed_size = 1000000;            ///< the most pieces to choose from
  double shrinking_factor = 0.75;              ///< what is left of the pieces in each round
  std::int64_t sub_iterations = 2;             ///< of expectation and maximization in a round
};

/// Trains a tokenizer on texts that come one by one or in files. Its memory grows with the number
/// of distinct words, not with the texts.
///   TokenizerTrainer trainer(BpeTraining{.vocabulary_size = 8000});
///   trainer.add_file("corpus.txt");
///   trainer.train().save("tokenizer.json");
/// The result depends only on how often each word occurs: it is the same in any order of the texts
/// and for any number of threads. Special tokens in a text are not trained on.
class GRADUS_API TokenizerTrainer {
 public:
  /// Throws ValueError for a size or frequency that makes no sense, and for special tokens that are
  /// empty, equal, not UTF-8, or the token of a byte.
  explicit TokenizerTrainer(BpeTraining options);
  explicit TokenizerTrainer(WordPieceTraining options);
  explicit TokenizerTrainer(UnigramTraining options);

  /// Counts the words of a text, or of several, in parallel. If it throws, nothing was counted.
  void add(std::string_view text);
  void add(std::span<const std::string> texts);
  /// Each word as a text that occurs so often.
  void add(const WordCounter& texts);
  /// Each line as a text, without what ends it. Throws Error if the file cannot be read, and
  /// FormatError if it is not a text file, for example if it is compressed or in UTF-16.
  void add_file(const std::string& path);

  /// How often each word occurred, as the model gets it.
  const WordCounter& words() const { return words_; }

  /// The tokenizer, which has fewer tokens than were asked for if no pair or piece is left that is
  /// frequent enough: see its size(). Throws ValueError if vocabulary_size has no room for the
  /// special tokens and the alphabet, naming the size that has, and if the words that were counted
  /// have 2^63 bytes or more.
  Tokenizer train() const;

 private:
  using Options = std::variant<BpeTraining, WordPieceTraining, UnigramTraining>;
  TokenizerTrainer(Options options, detail::WordSplitter splitter);
  const detail::WordSplitter& splitter() const;
  void add_all(std::span<const std::string_view> texts);
  void add_words(const WordCounter& words);

  Options options_;
  std::shared_ptr<const detail::WordSplitter> splitter_;
  WordCounter words_;
};

/// The same in one call, for texts that are in memory.
GRADUS_API Tokenizer train_bpe(std::span<const std::string> texts, const BpeTraining& options = {});
GRADUS_API Tokenizer train_word_piece(std::span<const std::string> texts,
                                      const WordPieceTraining& options = {});
GRADUS_API Tokenizer train_unigram(std::span<const std::string> texts,
                                   const UnigramTraining& options = {});

}  // namespace gradus
