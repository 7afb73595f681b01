#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// A word and how often it occurs.
struct CountedWord {
  std::string_view text;
  std::int64_t count;
};

/// A piece and its score: how often it occurs or, once trained, its log-probability.
struct ScoredPiece {
  std::string text;
  double score;
};

/// What a training of single pieces begins with: the parts of words of 2 to `max_length` characters
/// that occur twice or more and that could not be longer without occurring less often, at most
/// `most`. The score is how many characters of the words a piece could cover; higher ones are first
/// and are kept, equal ones in byte order. Words are UTF-8.
/// Source: Kudo 2018, "Subword regularization", section 3.2: a suffix array, here of suffixes that
/// are cut off after `max_length` characters.
GRADUS_API std::vector<ScoredPiece> seed_pieces(std::span<const CountedWord> words,
                                                std::int64_t max_length, std::int64_t most);

}  // namespace gradus::detail
