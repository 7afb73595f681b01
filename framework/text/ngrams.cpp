#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/ngrams.h>

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

}  // namespace gradus
