#include <fmt/format.h>
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/training_alphabet.h>
#include <gradus/framework/text/detail/unicode.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

namespace gradus::detail {
namespace {

constexpr std::uint32_t blank_mark = 0x2581;

std::string utf8(std::uint32_t code) {
  std::string result;
  append_utf8(code, result);
  return result;
}

// All later sums of counts are below this one.
void check_total(const WordCounter& words) {
  std::int64_t total = 0;
  for (std::size_t i = 0; i < words.words().size(); ++i) {
    std::int64_t bytes = 0;
    if (__builtin_mul_overflow(words.counts()[i], std::ssize(words.words()[i]), &bytes) ||
        __builtin_add_overflow(total, bytes, &total)) {
      throw ValueError(
          "TokenizerTrainer::train: the words have 2^63 bytes or more together: divide their "
          "counts by one number");
    }
  }
}

template <class F>
void for_each_character(std::string_view word, F&& f) {
  for (std::size_t i = 0; i < word.size();) {
    const Character c = decode_utf8(word, i);
    f(c.code);
    i += c.length;
  }
}

// The codes that stand within a word, not at its beginning.
std::set<std::uint32_t> continuing(const WordCounter& words,
                                   const std::map<std::uint32_t, std::int64_t>& characters) {
  std::set<std::uint32_t> result;
  for (const std::string& word : words.words()) {
    bool first = true;
    for_each_character(word, [&](std::uint32_t code) {
      if (!first && characters.contains(code)) result.insert(code);
      first = false;
    });
  }
  return result;
}

std::int32_t add(TextIndex& tokens, const std::string& token) {
  return static_cast<std::int32_t>(tokens.add(token));
}

TextIndex index_of(const std::vector<std::string>& specials) {
  TextIndex result;
  for (const std::string& token : specials) result.add(token);
  return result;
}

}  // namespace

std::map<std::uint32_t, std::int64_t> characters_of(const WordCounter& words,
                                                    std::optional<std::int64_t> max_alphabet) {
  check_total(words);
  std::map<std::uint32_t, std::int64_t> counts;
  for (std::size_t i = 0; i < words.words().size(); ++i) {
    for_each_character(words.words()[i],
                       [&](std::uint32_t code) { counts[code] += words.counts()[i]; });
  }
  if (!max_alphabet || std::ssize(counts) <= *max_alphabet) return counts;
  std::vector<std::pair<std::uint32_t, std::int64_t>> order(counts.begin(), counts.end());
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    if ((a.first == blank_mark) != (b.first == blank_mark)) return a.first == blank_mark;
    return a.second > b.second;
  });
  return {order.begin(), order.begin() + *max_alphabet};
}

BaseTokens base_of_bytes(const std::vector<std::string>& specials, const WordCounter& words) {
  check_total(words);
  TextIndex tokens = index_of(specials);
  std::array<std::int32_t, 256> ids{};
  std::array<unsigned char, 256> bytes{};
  for (unsigned i = 0; i < 256; ++i) bytes[i] = static_cast<unsigned char>(i);
  std::sort(bytes.begin(), bytes.end(),
            [](unsigned char a, unsigned char b) { return byte_character(a) < byte_character(b); });
  for (const unsigned char byte : bytes) ids[byte] = add(tokens, utf8(byte_character(byte)));

  SymbolWords symbols;
  for (std::size_t i = 0; i < words.words().size(); ++i) {
    symbols.begin_word(words.counts()[i]);
    for (const char c : words.words()[i]) symbols.add(ids[static_cast<unsigned char>(c)]);
    symbols.end_word();
  }
  return {tokens.texts(), std::move(symbols)};
}

BaseTokens base_of_characters(const std::vector<std::string>& specials,
                              const std::map<std::uint32_t, std::int64_t>& characters,
                              const WordCounter& words, const std::string& prefix) {
  TextIndex tokens = index_of(specials);
  std::map<std::uint32_t, std::int32_t> first_ids, other_ids;
  for (const auto& [code, count] : characters) first_ids[code] = add(tokens, utf8(code));
  for (const std::uint32_t code : continuing(words, characters))
    other_ids[code] = add(tokens, prefix + utf8(code));

  SymbolWords symbols;
  for (std::size_t i = 0; i < words.words().size(); ++i) {
    const std::int64_t count = words.counts()[i];
    const std::map<std::uint32_t, std::int32_t>* ids = &first_ids;
    symbols.begin_word(count);
    for_each_character(words.words()[i], [&](std::uint32_t code) {
      if (const auto found = ids->find(code); found != ids->end()) {
        symbols.add(found->second);
      } else {
        symbols.end_word();
        symbols.begin_word(count);
      }
      ids = &other_ids;
    });
    symbols.end_word();
  }
  return {tokens.texts(), std::move(symbols)};
}

std::vector<CountedWord> words_of_characters(
    const std::map<std::uint32_t, std::int64_t>& characters, const WordCounter& words) {
  std::vector<CountedWord> result;
  for (std::size_t w = 0; w < words.words().size(); ++w) {
    const std::string_view word = words.words()[w];
    std::size_t begin = 0, i = 0;
    const auto end_part = [&] {
      if (begin < i) result.push_back({word.substr(begin, i - begin), words.counts()[w]});
    };
    while (i < word.size()) {
      const Character c = decode_utf8(word, i);
      const bool known = characters.contains(c.code);
      if (!known) end_part();
      i += c.length;
      if (!known) begin = i;
    }
    end_part();
  }
  std::sort(result.begin(), result.end(),
            [](const CountedWord& a, const CountedWord& b) { return a.text < b.text; });
  std::size_t size = 0;
  for (const CountedWord& word : std::vector<CountedWord>(result)) {
    if (size > 0 && result[size - 1].text == word.text) {
      result[size - 1].count += word.count;
    } else {
      result[size++] = word;
    }
  }
  result.resize(size);
  return result;
}

}  // namespace gradus::detail
