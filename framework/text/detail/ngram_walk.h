#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::detail {

/// 32-bit FNV-1a as fastText computes it: bytes beyond ASCII are sign-extended.
inline constexpr std::uint32_t fasttext_hash_start = 2166136261U;
inline std::uint32_t fasttext_hash_next(std::uint32_t hash, char byte) {
  return (hash ^ static_cast<std::uint32_t>(static_cast<std::int8_t>(byte))) * 16777619U;
}

inline bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

/// Calls f(ngram, hash) for each n-gram of "<word>" of minn to maxn characters, in fastText's
/// order; the hash of a longer one continues that of the shorter.
template <class F>
void for_each_ngram(std::string_view word, std::int64_t minn, std::int64_t maxn, F&& f) {
  if (maxn < 1 || maxn < minn || word == "</s>") return;
  std::string text;
  text.reserve(word.size() + 2);
  text.append("<").append(word).append(">");
  const std::string_view view = text;
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    if (continues_character(text[begin])) continue;
    std::uint32_t hash = fasttext_hash_start;
    std::size_t end = begin;
    for (std::int64_t n = 1; end < text.size() && n <= maxn; ++n) {
      do {
        hash = fasttext_hash_next(hash, text[end++]);
      } while (end < text.size() && continues_character(text[end]));
      const bool boundary = n == 1 && (begin == 0 || end == text.size());
      if (n >= minn && !boundary) f(view.substr(begin, end - begin), hash);
    }
  }
}

}  // namespace gradus::detail
