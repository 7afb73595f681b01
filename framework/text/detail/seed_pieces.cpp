#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/seed_pieces.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }

/// The beginning of a suffix.
struct Prefix {
  std::size_t bytes = 0;
  std::int64_t characters = 0;
};

// The longest common beginning of two texts, in whole characters.
Prefix common_prefix(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  std::size_t i = 0;
  Prefix result;
  while (i < size && a[i] == b[i]) {
    ++i;
    const bool is_end =
        (i == a.size() || begins_character(a[i])) && (i == b.size() || begins_character(b[i]));
    if (is_end) result = {i, result.characters + 1};
  }
  return result;
}

class SuffixArray {
 public:
  SuffixArray(std::span<const CountedWord> words, std::int64_t max_length) {
    const auto longest = static_cast<std::size_t>(max_length);
    for (std::size_t w = 0; w < words.size(); ++w) {
      const std::string_view word = words[w].text;
      std::vector<std::size_t> begins;
      for (std::size_t i = 0; i < word.size(); i += decode_utf8(word, i).length)
        begins.push_back(i);
      begins.push_back(word.size());
      for (std::size_t k = 0; k + 1 < begins.size(); ++k) {
        const std::size_t end = begins[std::min(k + longest, begins.size() - 1)];
        suffixes_.push_back({word.substr(begins[k], end - begins[k]), words[w].count});
      }
    }
    std::sort(suffixes_.begin(), suffixes_.end(),
              [](const CountedWord& a, const CountedWord& b) { return a.text < b.text; });
  }

  // Calls found(text, characters, count) for each text that suffixes begin with and go on from
  // differently, or end with.
  template <class F>
  void for_each_branch(F&& found) const {
    struct Node {
      Prefix prefix;
      std::int64_t count;  // of the suffixes that have been left behind
    };
    std::vector<Node> path{{{}, 0}};  // from the root to a suffix
    for (std::size_t i = 0; i < suffixes_.size(); ++i) {
      const std::string_view text = suffixes_[i].text;
      const Prefix all = common_prefix(text, text);
      if (path.back().prefix.bytes < all.bytes) path.push_back({all, 0});
      path.back().count += suffixes_[i].count;
      const Prefix next =
          i + 1 < suffixes_.size() ? common_prefix(text, suffixes_[i + 1].text) : Prefix{};
      while (path.back().prefix.bytes > next.bytes) {
        const Node node = path.back();
        path.pop_back();
        found(text.substr(0, node.prefix.bytes), node.prefix.characters, node.count);
        if (path.back().prefix.bytes < next.bytes) path.push_back({next, 0});
        path.back().count += node.count;
      }
    }
  }

 private:
  std::vector<CountedWord> suffixes_;
};

}  // namespace

std::vector<ScoredPiece> seed_pieces(std::span<const CountedWord> words, std::int64_t max_length,
                                     std::int64_t most) {
  struct Seed {
    std::string_view text;
    double score;
  };
  std::vector<Seed> seeds;
  SuffixArray(words, max_length)
      .for_each_branch([&](std::string_view text, std::int64_t characters, std::int64_t count) {
        if (characters < 2 || count < 2) return;
        seeds.push_back({text, static_cast<double>(count) * static_cast<double>(characters)});
      });
  std::sort(seeds.begin(), seeds.end(), [](const Seed& a, const Seed& b) {
    return a.score != b.score ? a.score > b.score : a.text < b.text;
  });
  seeds.resize(std::min(seeds.size(), static_cast<std::size_t>(most)));
  std::vector<ScoredPiece> result;
  result.reserve(seeds.size());
  for (const Seed& seed : seeds) result.push_back({std::string(seed.text), seed.score});
  return result;
}

}  // namespace gradus::detail
