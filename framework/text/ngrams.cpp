#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/ngrams.h>

#include <algorithm>
#include <cstddef>

namespace gradus {
namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U; }

// Calls f(ngram) for each n-gram of "<word>".
template <class F>
void for_each_ngram(std::string_view word, const NgramOptions& options, F&& f) {
  check_ngrams(options);
  if (word == "</s>") return;
  const std::string text = fmt::format("<{}>", word);
  const std::string_view view = text;
  for (std::size_t begin = 0; begin < text.size(); ++begin) {
    if (continues_character(text[begin])) continue;
    std::size_t end = begin;
    for (std::int64_t n = 1; end < text.size() && n <= options.maxn; ++n) {
      for (++end; end < text.size() && continues_character(text[end]);) ++end;
      const bool boundary = n == 1 && (begin == 0 || end == text.size());
      if (n >= options.minn && !boundary) f(view.substr(begin, end - begin));
    }
  }
}

}  // namespace

void check_ngrams(const NgramOptions& options) {
  if (options.minn < 0 || options.maxn < options.minn || options.buckets < 1) {
    throw ValueError(
        fmt::format("ngrams: minn is {}, maxn {}, buckets {}: 0 <= minn <= maxn and 0 < buckets "
                    "are needed",
                    options.minn, options.maxn, options.buckets));
  }
}

std::uint32_t fasttext_hash(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char byte : text) {
    hash ^= static_cast<std::uint32_t>(static_cast<std::int8_t>(byte));
    hash *= 16777619U;
  }
  return hash;
}

std::vector<std::string> character_ngrams(std::string_view word, const NgramOptions& options) {
  std::vector<std::string> ngrams;
  for_each_ngram(word, options, [&](std::string_view ngram) { ngrams.emplace_back(ngram); });
  return ngrams;
}

std::vector<std::int64_t> ngram_buckets(std::string_view word, const NgramOptions& options) {
  std::vector<std::int64_t> buckets;
  for_each_ngram(word, options, [&](std::string_view ngram) {
    buckets.push_back(static_cast<std::int64_t>(fasttext_hash(ngram)) % options.buckets);
  });
  return buckets;
}

std::vector<std::int64_t> word_ngram_buckets(std::span<const std::string> words, std::int64_t n,
                                             std::int64_t buckets) {
  if (n < 1 || buckets < 1) {
    throw ValueError(
        fmt::format("word_ngram_buckets: n is {}, buckets {}: both must be above 0", n, buckets));
  }
  std::vector<std::uint64_t> hashes;  // sign-extended, as in fastText
  hashes.reserve(words.size());
  for (const std::string& word : words) {
    hashes.push_back(static_cast<std::uint64_t>(static_cast<std::int32_t>(fasttext_hash(word))));
  }
  std::vector<std::int64_t> result;
  for (std::size_t begin = 0; begin < hashes.size(); ++begin) {
    std::uint64_t hash = hashes[begin];
    const auto last = begin + std::min(static_cast<std::size_t>(n), hashes.size() - begin);
    for (std::size_t k = begin + 1; k < last; ++k) {
      hash = hash * 116049371U + hashes[k];
      result.push_back(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(buckets)));
    }
  }
  return result;
}

}  // namespace gradus
