#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct NgramOptions {
  std::int64_t minn = 3, maxn = 6;   ///< characters of an n-gram; maxn = 0 for none
  std::int64_t buckets = 2'000'000;  ///< rows that the n-grams share
};

/// Throws ValueError unless 0 <= minn <= maxn and buckets > 0.
GRADUS_API void check_ngrams(const NgramOptions& options);

/// FNV-1a of 32 bits as fastText has it: bytes beyond ASCII count as negative numbers, which sets
/// the upper 24 bits too, unlike in FNV-1a as published.
/// Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", section 3.2.
GRADUS_API std::uint32_t fasttext_hash(std::string_view text);

/// The character n-grams of "<word>", in fastText's order: by their first character, the short ones
/// first. Characters are those of UTF-8; "<" and ">" alone are none. The end of a sentence, "</s>",
/// has none.
GRADUS_API std::vector<std::string> character_ngrams(std::string_view word,
                                                     const NgramOptions& options = {});

/// fasttext_hash() of each of them modulo options.buckets.
GRADUS_API std::vector<std::int64_t> ngram_buckets(std::string_view word,
                                                   const NgramOptions& options = {});

}  // namespace gradus
