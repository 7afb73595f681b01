#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct NgramOptions {
  std::int64_t minn = 3, maxn = 6;   ///< lengths in characters; maxn = 0 for no n-grams
  std::int64_t buckets = 2'000'000;  ///< rows that the n-grams share
};

/// Throws ValueError unless 0 <= minn <= maxn and buckets > 0.
GRADUS_API void check_ngrams(const NgramOptions& options);

/// 32-bit FNV-1a as fastText computes it: bytes beyond ASCII are sign-extended, which changes the
/// upper 24 bits too, unlike in FNV-1a as published.
/// Source: Bojanowski et al. 2017, "Enriching word vectors with subword information", section 3.2.
GRADUS_API std::uint32_t fasttext_hash(std::string_view text);

/// The character n-grams of "<word>", in fastText's order: by starting position, shorter ones
/// first. Characters are UTF-8 characters; "<" and ">" alone are not n-grams. The end of a
/// sentence, "</s>", has none.
GRADUS_API std::vector<std::string> character_ngrams(std::string_view word,
                                                     const NgramOptions& options = {});

/// fasttext_hash() of each character n-gram, modulo options.buckets.
GRADUS_API std::vector<std::int64_t> ngram_buckets(std::string_view word,
                                                   const NgramOptions& options = {});

/// The n-grams of 2 to `n` neighbouring words, each as a bucket in [0, buckets), in fastText's
/// order: by starting position, shorter ones first. A bucket follows from the hashes of the words
/// alone, in a vocabulary or not.
///   const std::vector<std::int64_t> pairs = word_ngram_buckets(words, 2, 100000);
/// Throws ValueError unless n and buckets are above 0.
GRADUS_API std::vector<std::int64_t> word_ngram_buckets(std::span<const std::string> words,
                                                        std::int64_t n, std::int64_t buckets);

}  // namespace gradus
