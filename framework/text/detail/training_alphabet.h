#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/bpe_training.h>
#include <gradus/framework/text/detail/seed_pieces.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

/// The tokens that a training begins with, and words in them.
namespace gradus::detail {

/// The characters of words and how often each occurs, at most so many: of those that are equally
/// frequent, the ones with smaller codes, but U+2581 before all others. Throws ValueError if the
/// words have 2^63 bytes or more together.
GRADUS_API std::map<std::uint32_t, std::int64_t> characters_of(
    const WordCounter& words, std::optional<std::int64_t> max_alphabet);

/// Special tokens, then an alphabet.
struct BaseTokens {
  std::vector<std::string> tokens;
  SymbolWords words;
};

/// The alphabet is that of bytes, as GPT-2 has it.
GRADUS_API BaseTokens base_of_bytes(const std::vector<std::string>& specials,
                                    const WordCounter& words);
/// The alphabet is `characters` by their codes, then those that continue a word, with the prefix
/// before them if there is one. Words end where a character is not among them.
GRADUS_API BaseTokens base_of_characters(const std::vector<std::string>& specials,
                                         const std::map<std::uint32_t, std::int64_t>& characters,
                                         const WordCounter& words, const std::string& prefix);

/// Words by their bytes, each once: those parts of them between characters that are not among
/// `characters`. They are views of `words`.
GRADUS_API std::vector<CountedWord> words_of_characters(
    const std::map<std::uint32_t, std::int64_t>& characters, const WordCounter& words);

}  // namespace gradus::detail
