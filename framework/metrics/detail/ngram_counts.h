#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>

namespace gradus::detail {

/// How often each n-gram occurs in a text. The keys are views into the text.
using NgramCounts = std::unordered_map<std::string_view, std::int64_t>;

/// The n-grams of words or characters, which are views into one text and follow each other in it:
/// an n-gram is the text from its first unit to its last.
NgramCounts count_ngrams(std::span<const std::string_view> units, std::size_t n);

/// How many n-grams `counts` has, and how many of them `other` has too.
std::int64_t total(const NgramCounts& counts);
std::int64_t matches(const NgramCounts& counts, const NgramCounts& other);

}  // namespace gradus::detail
