#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/ngram_walk.h>
#include <gradus/framework/text/ngrams.h>

#include <algorithm>
#include <cstddef>

namespace gradus {

void check_ngrams(const NgramOptions& options) {
  if (options.minn < 0 || options.maxn < options.minn || options.buckets < 1) {
    throw ValueError(
        fmt::format("ngrams: minn is {}, maxn {}, buckets {}: 0 <= minn <= maxn and 0 < buckets "
                    "are needed",
                    options.minn, options.maxn, options.buckets));
  }
}

std::uint32_t fasttext_hash(std::string_view text) {
  std::uint32_t hash = detail::fasttext_hash_start;
  for (const char byte : text) hash = detail::fasttext_hash_next(hash, byte);
  return hash;
}

std::vector<std::string> character_ngrams(std::string_view word, const NgramOptions& options) {
  check_ngrams(options);
  std::vector<std::string> ngrams;
  detail::for_each_ngram(word, options.minn, options.maxn,
                         [&](std::string_view ngram, auto) { ngrams.emplace_back(ngram); });
  return ngrams;
}

std::vector<std::int64_t> ngram_buckets(std::string_view word, const NgramOptions& options) {
  check_ngrams(options);
  std::vector<std::int64_t> buckets;
  detail::for_each_ngram(word, options.minn, options.maxn, [&](auto, std::uint32_t hash) {
    buckets.push_back(static_cast<std::int64_t>(hash) % options.buckets);
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
