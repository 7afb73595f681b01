#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/split_rule.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>
#include <gradus/framework/text/splitter.h>
#include <gradus/framework/text/tokenizer.h>

#include <algorithm>
#include <type_traits>
#include <utility>
#include <variant>

namespace gradus {
namespace {

using namespace detail;

Words split_text(const PreTokenizer& pre_tokenizer, std::string_view text) {
  Words words{AlignedText(text), {{0, text.size()}}};
  std::visit(
      [&]<class T>(const T& each) {
        if constexpr (!std::is_same_v<T, ByteLevel> && !std::is_same_v<T, Metaspace>)
          pre_tokenize(words, each);
      },
      pre_tokenizer);
  return words;
}

// Calls found(piece) for each piece of a text.
template <class F>
void for_each_piece(const SplitRule& rule, std::string_view text, F&& found) {
  const Words words = split_text(rule.pre_tokenizer, text);
  const std::string_view all = words.text.text();
  for (const Span span : words.spans) {
    if (span.begin < span.end) found(all.substr(span.begin, span.size()));
  }
}

TokenTable table_of(const std::vector<std::string>& words) {
  TokenList tokens;
  tokens.reserve(words.size());
  for (const std::string& word : words) tokens.emplace_back(word, std::ssize(tokens));
  return TokenTable(std::move(tokens));
}

}  // namespace

Splitter::Splitter(detail::SplitRule rule)
    : rule_(std::make_shared<const detail::SplitRule>(std::move(rule))) {}

Splitter Splitter::whitespace() { return Splitter({WhitespaceSplit{}, true}); }

Splitter Splitter::words(const TokenizeOptions& options) {
  return Splitter({TokenizeWords{options.lowercase}, true});
}

Splitter Splitter::pattern(const std::string& expression, const SplitPatternOptions& options) {
  const TextPattern pattern = TextPattern::regex(expression);
  if (options.keep_rest) return Splitter({Split{pattern, SplitBehavior::isolated, false}, false});
  return Splitter({Split{pattern, SplitBehavior::removed, true}, true});
}

Splitter Splitter::code_points() { return Splitter({CodePoints{}, false}); }

Splitter Splitter::graphemes() { return Splitter({GraphemeClusters{}, false}); }

std::vector<std::string> Splitter::split(std::string_view text) const {
  std::vector<std::string> pieces;
  const detail::SplitRule& rule = detail::held(rule_, "Splitter");
  for_each_piece(rule, text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

WordCounter Splitter::count(std::span<const std::string> texts) const {
  const detail::SplitRule& rule = detail::held(rule_, "Splitter");
  WordCounter counter;
  for (const std::string& text : texts)
    for_each_piece(rule, text, [&](std::string_view piece) { counter.add(piece); });
  return counter;
}

Tokenizer::Tokenizer(const Splitter& splitter, const Vocabulary& vocabulary) {
  const detail::SplitRule& rule = detail::held(splitter.rule_, "Splitter");
  std::vector<AddedToken> special;
  for (const std::int64_t id : vocabulary.special_ids())
    special.push_back({.id = id, .content = vocabulary.word(id), .special = true});
  const auto unknown = vocabulary.default_id();
  std::vector<Decoder> decoders;
  if (!rule.spaced) decoders.emplace_back(Fuse{});
  parts_ = std::make_shared<const TokenizerParts>(TokenizerParts{
      {},
      {rule.pre_tokenizer},
      WordLevel(table_of(vocabulary.words()), unknown ? vocabulary.word(*unknown) : ""),
      false,
      {},
      std::move(decoders),
      AddedTokens(std::move(special), {}),
      {},
      {}});
}

Tokenizer Tokenizer::bytes(const std::vector<std::string>& special_tokens) {
  std::vector<std::string> alphabet;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    alphabet.push_back(to_byte_alphabet({&c, 1}));
  }
  const TokenTable tokens = table_of(alphabet);
  std::vector<AddedToken> special;
  for (const std::string& token : special_tokens) {
    const bool twice = std::count(special_tokens.begin(), special_tokens.end(), token) > 1;
    if (token.empty() || twice || tokens.find(token) >= 0) {
      throw ValueError(fmt::format("Tokenizer::bytes: the special token '{}' {}", printable(token),
                                   token.empty() ? "is empty"
                                   : twice       ? "is there twice"
                                                 : "is that of a byte: give it a longer name"));
    }
    special.push_back({.id = 256 + std::ssize(special), .content = token, .special = true});
  }
  return Tokenizer(std::make_shared<const TokenizerParts>(
      TokenizerParts{{},
                     {CodePoints{}, ByteLevel{.add_prefix_space = false, .use_regex = false}},
                     Bpe(tokens, {}, {}, true),
                     true,
                     {},
                     {ByteLevelDecoder{}},
                     AddedTokens(std::move(special), {}),
                     {},
                     {}}));
}

}  // namespace gradus
