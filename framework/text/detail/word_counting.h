#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/added_tokens.h>
#include <gradus/framework/text/detail/normalizer.h>
#include <gradus/framework/text/detail/pre_tokenizer.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// What a tokenizer does before its model: a text becomes words.
class GRADUS_API WordSplitter {
 public:
  /// With `byte_words`, words are bytes if the last pre-tokenizer is ByteLevel; else they are
  /// UTF-8, and bytes that are not end a word.
  WordSplitter(std::vector<Normalizer> normalizers, std::vector<PreTokenizer> pre_tokenizers,
               AddedTokens added, bool byte_words);

  const std::vector<Normalizer>& normalizers() const { return normalizers_; }
  const std::vector<PreTokenizer>& pre_tokenizers() const { return pre_tokenizers_; }
  const AddedTokens& added() const { return added_; }

  /// Counts the words of a text that occurs several times. Added tokens in it are none.
  void count(std::string_view text, std::int64_t times, WordCounter& counter) const;

 private:
  void count_plain(std::string_view text, bool is_start, std::int64_t times,
                   WordCounter& counter) const;

  std::vector<Normalizer> normalizers_;
  std::vector<PreTokenizer> pre_tokenizers_;
  AddedTokens added_;
  bool byte_words_;
};

/// The words of many texts, counted in parallel.
GRADUS_API void count_words(const WordSplitter& splitter, std::span<const std::string_view> texts,
                            WordCounter& counter);

}  // namespace gradus::detail
