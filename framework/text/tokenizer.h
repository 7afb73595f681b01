#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/encoding.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

namespace detail {
struct TokenizerParts;
}
class Splitter;
class Vocabulary;

struct EncodeOptions {
  bool add_special_tokens = true;          ///< such as [CLS] and [SEP] around each text
  bool offsets = true;                     ///< offsets and word_ids are wanted
  std::optional<Truncation> truncation{};  ///< instead of the tokenizer's own
  std::optional<BatchPadding> padding{};   ///< instead of the tokenizer's own
};

/// What EncodeOptions::add_special_tokens adds for a model of SentencePiece: its files do not say.
struct SentencePieceOptions {
  bool add_bos = false;  ///< <s> before each text, as Llama has it
  bool add_eos = false;  ///< </s> after each text, as T5 has it
};

struct DecodeOptions {
  bool skip_special_tokens = true;
};

/// What turns a text into the ids of tokens, as a published model expects them, and back: a
/// normalizer, a pre-tokenizer, a model (byte-pair encoding, WordPiece, whole words), what adds
/// special tokens, and a decoder. It never changes; copies share everything, and threads can use
/// one at the same time.
///   const auto tokenizer = Tokenizer::load("tokenizer.json");
///   const Encoding encoding = tokenizer.encode("A man is eating food.");
///   const std::string text = tokenizer.decode(encoding.ids);
/// Texts are UTF-8. Bytes that are not are no error: a tokenizer of bytes keeps them, for others
/// they are unknown characters.
class GRADUS_API Tokenizer {
 public:
  /// Reads a tokenizer.json of Hugging Face. Throws FormatError naming the file, and the place in
  /// it, for what is wrong or not supported; Error if it cannot be read.
  static Tokenizer load(const std::string& path);
  /// The same, of the text of such a file.
  static Tokenizer from_json(std::string_view text);

  /// Reads the files of GPT-2: vocab.json (also called encoder.json) and merges.txt (vocab.bpe).
  /// <|endoftext|> is a special token, if it is there. Throws like load().
  static Tokenizer load_gpt2(const std::string& vocabulary_path, const std::string& merges_path);
  /// Reads BERT's vocab.txt, a token a line. `lowercase` is that of the model: uncased or cased.
  static Tokenizer load_bert(const std::string& vocabulary_path, bool lowercase = true);

  /// Reads a .model of SentencePiece, of any of its types. Pieces of the type CONTROL are special
  /// tokens, which no text has; nothing but `options` adds them. Throws FormatError naming the file
  /// and the byte, Error if it cannot be read, and ValueError for options whose piece it lacks.
  static Tokenizer load_sentencepiece(const std::string& path,
                                      const SentencePieceOptions& options = {});

  /// Splits texts by a rule and looks the pieces up: see splitter.h. Special words of the
  /// vocabulary are special tokens, found wherever a text has them, before it is split. A piece
  /// that is not in the vocabulary gets default_id(); if there is none, encode throws an IndexError
  /// that names it.
  Tokenizer(const Splitter& splitter, const Vocabulary& vocabulary);
  /// Ids 0 to 255 are the bytes; special tokens have those from 256 on. Throws ValueError for a
  /// special token that is empty, there twice, or a byte's.
  static Tokenizer bytes(const std::vector<std::string>& special_tokens = {});

  /// Writes a tokenizer.json that load() and Hugging Face's library read; a tokenizer of
  /// Splitter::words() is read by load() alone. The file is replaced as a whole (see AtomicFile).
  /// Throws ValueError for a token that is not UTF-8, which JSON cannot hold, and for a model of
  /// SentencePiece with something that such a file cannot express.
  void save(const std::string& path) const;
  /// The text of that file.
  std::string json() const;

  /// The tokens of a text, or of two that a model reads together.
  /// Throws ValueError if truncation or padding is asked for that is impossible: negative lengths,
  /// a stride that does not fit, a padded length or multiple outside [1, 2^24].
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
  Encoding encode(std::string_view first, std::string_view second,
                  const EncodeOptions& options = {}) const;
  /// Each text by itself, in parallel, then padded to one length if there is padding.
  std::vector<Encoding> encode_batch(std::span<const std::string> texts,
                                     const EncodeOptions& options = {}) const;

  /// The text of ids. For a tokenizer of bytes, decode(encode(text).ids) is the text, byte by byte.
  /// Ids without a token are left out.
  std::string decode(std::span<const std::int64_t> ids, const DecodeOptions& options = {}) const;

  /// One more than the greatest id: the rows that a table of embeddings needs.
  std::int64_t size() const;
  /// The id of a token, or nullopt.
  std::optional<std::int64_t> id(std::string_view token) const;
  /// The token of an id, as the vocabulary has it. Throws IndexError for an id that has none.
  const std::string& token(std::int64_t id) const;
  bool is_special(std::int64_t id) const;
  /// What the file asks for, if it does.
  const std::optional<Truncation>& truncation() const;
  const std::optional<BatchPadding>& padding() const;

 private:
  friend class DecodeStream;
  friend class TokenizerTrainer;
  explicit Tokenizer(std::shared_ptr<const detail::TokenizerParts> parts)
      : parts_(std::move(parts)) {}
  const detail::TokenizerParts& parts() const;
  bool is_left_out(std::int64_t id, const DecodeOptions& options) const;  // when it is decoded

  std::shared_ptr<const detail::TokenizerParts> parts_;
};

/// The text of ids that come one by one, as a model generates them: each step gives what is new and
/// complete.
///   DecodeStream stream(tokenizer);
///   for (const std::int64_t id : ids) std::cout << stream.step(id) << std::flush;
///   std::cout << stream.finish();
class GRADUS_API DecodeStream {
 public:
  explicit DecodeStream(Tokenizer tokenizer, const DecodeOptions& options = {})
      : tokenizer_(std::move(tokenizer)), options_(options) {}

  /// The text that one more id adds, without a character that is not complete yet.
  std::string step(std::int64_t id);
  /// What step() has held back.
  std::string finish();

 private:
  void forget(std::size_t held);

  Tokenizer tokenizer_;
  DecodeOptions options_;
  std::vector<std::int64_t> ids_;  // those that the next text depends on
  std::string done_;               // the text of them that was given
};

}  // namespace gradus
