#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/byte_trie.h>
#include <gradus/framework/text/detail/pair_merges.h>
#include <gradus/framework/text/detail/sentencepiece_file.h>
#include <gradus/framework/text/detail/unknown_pieces.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// SentencePiece's models but Unigram: byte-pair encoding, in which those neighbours are merged
/// first that make the piece of the greatest score, single characters, and whole words.
/// Source: google/sentencepiece, bpe_model.cc, char_model.cc, word_model.cc.
class GRADUS_API SentencePieceModel {
 public:
  /// `symbols` are the user-defined pieces, which are found before all else and never merged.
  SentencePieceModel(const SentencePieceFile& file, std::shared_ptr<const ByteTrie> symbols);

  SentencePieceFile::Type type() const { return type_; }
  const TokenTable& tokens() const { return tokens_; }
  const std::vector<float>& scores() const { return scores_; }
  SentencePieceFile::Kind kind(std::int64_t id) const {
    return kinds_[static_cast<std::size_t>(id)];
  }
  const UnknownPieces& unknown() const { return unknown_; }

  /// Appends the pieces of a text, with their places in it. Byte-pair encoding takes O(n log b)
  /// steps for n bytes, and beside the pieces memory for blocks of b.
  void encode(std::string_view text, std::vector<Piece>& pieces) const;

 private:
  std::int64_t find(std::string_view piece) const;
  std::int64_t find_used(std::string_view piece) const;
  std::size_t symbol_size(std::string_view text) const;
  void split_characters(std::string_view text, Span part, std::vector<Piece>& pieces) const;
  void split_words(std::string_view text, std::vector<Piece>& pieces) const;
  void merge(std::string_view text, std::vector<Piece>& pieces) const;

  SentencePieceFile::Type type_;
  TokenTable tokens_;
  std::vector<float> scores_;
  std::vector<SentencePieceFile::Kind> kinds_;
  std::shared_ptr<const ByteTrie> symbols_;
  UnknownPieces unknown_;
  std::vector<PairMerge> merges_;  // what makes a piece
  std::size_t longest_ = 0;        // piece, in bytes
  bool has_unused_ = false;
};

}  // namespace gradus::detail
