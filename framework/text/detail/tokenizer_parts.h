#pragma once
#include <gradus/framework/text/detail/added_tokens.h>
#include <gradus/framework/text/detail/bpe.h>
#include <gradus/framework/text/detail/decoder.h>
#include <gradus/framework/text/detail/normalizer.h>
#include <gradus/framework/text/detail/post_processor.h>
#include <gradus/framework/text/detail/pre_tokenizer.h>
#include <gradus/framework/text/detail/unigram.h>
#include <gradus/framework/text/detail/word_piece.h>
#include <gradus/framework/text/encoding.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gradus::detail {

using Model = std::variant<Bpe, WordPiece, WordLevel, Unigram>;

/// All that a Tokenizer is made of.
struct TokenizerParts {
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  Model model;
  bool byte_words = false;  ///< the model takes words of bytes: the last pre-tokenizer is ByteLevel
  std::vector<PostProcessor> post_processors;
  std::vector<Decoder> decoders;
  AddedTokens added;
  std::optional<Truncation> truncation;
  std::optional<BatchPadding> padding;

  const TokenTable& tokens() const {
    return std::visit([](const auto& each) -> const TokenTable& { return each.tokens(); }, model);
  }
  /// The token of an id, or nullptr.
  const std::string* token(std::int64_t id) const;
};

/// What BERT's models have, of their tokens, [CLS] and [SEP] among them. Throws ValueError if these
/// are not.
TokenizerParts bert_parts(TokenTable tokens, std::vector<AddedToken> special, bool lowercase);

/// The content of a file. Throws Error if it cannot be read.
std::string read_file(const char* operation, const std::string& path);

/// Of a tokenizer.json; errors begin with `where`.
TokenizerParts parse_tokenizer(std::string_view text, const std::string& where);
std::string tokenizer_json(const TokenizerParts& parts);

}  // namespace gradus::detail
