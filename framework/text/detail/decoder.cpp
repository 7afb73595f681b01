#include <gradus/framework/text/detail/bpe.h>
#include <gradus/framework/text/detail/decoder.h>
#include <gradus/framework/text/detail/sentencepiece_normalizer.h>

#include <array>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

namespace gradus::detail {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::string result;
  std::size_t kept = 0;
  for (std::size_t i = text.find(from); i != std::string::npos; i = text.find(from, kept)) {
    result.append(text, kept, i - kept).append(to);
    kept = i + from.size();
  }
  if (kept > 0) text = std::move(result.append(text, kept));
}

// The byte of a token such as <0x0A>.
std::optional<char> byte_of(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') return std::nullopt;
  unsigned value = 0;
  const auto end = std::from_chars(token.data() + 3, token.data() + 5, value, 16).ptr;
  if (end != token.data() + 5) return std::nullopt;
  return static_cast<char>(value);
}

// What English has no blanks around. Source: Hugging Face's tokenizers, decoders/wordpiece.rs.
void clean_up(std::string& text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> changes{
      {{" .", "."},
       {" ?", "?"},
       {" !", "!"},
       {" ,", ","},
       {" ' ", "'"},
       {" n't", "n't"},
       {" 'm", "'m"},
       {" do not", " don't"},
       {" 's", "'s"},
       {" 've", "'ve"},
       {" 're", "'re"}}};
  for (const auto& [from, to] : changes) replace_all(text, from, to);
}

}  // namespace

void decode(std::vector<std::string>& tokens, const ByteLevelDecoder&) {
  std::string all;
  for (const std::string& token : tokens) all += from_byte_alphabet(token).value_or(token);
  tokens = {std::move(all)};
}

void decode(std::vector<std::string>& tokens, const WordPieceDecoder& options) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    std::string& token = tokens[i];
    if (i > 0) {
      if (token.starts_with(options.prefix)) {
        token.erase(0, options.prefix.size());
      } else {
        std::string spaced(1, ' ');
        token = std::move(spaced += token);
      }
    }
    if (options.cleanup) clean_up(token);
  }
}

void decode(std::vector<std::string>& tokens, const MetaspaceDecoder& options) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const bool first = i == 0 && options.prepend_scheme != Metaspace::Prepend::never;
    replace_all(tokens[i], options.replacement, first ? "" : " ");
  }
}

void decode(std::vector<std::string>& tokens, const BpeDecoder& options) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    replace_all(tokens[i], options.suffix, i + 1 == tokens.size() ? "" : " ");
  }
}

// Bytes that follow each other become one token: the next decoder may look for a character.
void decode(std::vector<std::string>& tokens, const ByteFallback&) {
  std::size_t kept = 0;
  bool after_byte = false;
  for (std::string& token : tokens) {
    const std::optional<char> byte = byte_of(token);
    if (byte && after_byte) {
      tokens[kept - 1] += *byte;
      continue;
    }
    if (byte) token.assign(1, *byte);
    if (&token != &tokens[kept]) tokens[kept] = std::move(token);
    ++kept;
    after_byte = byte.has_value();
  }
  tokens.resize(kept);
}

void decode(std::vector<std::string>& tokens, const Fuse&) {
  std::string all;
  for (const std::string& token : tokens) all += token;
  tokens = {std::move(all)};
}

void decode(std::vector<std::string>& tokens, const StripDecoder& options) {
  const std::string& content = options.content;
  if (content.empty()) return;
  for (std::string& token : tokens) {
    for (std::int64_t i = 0; i < options.start && token.starts_with(content); ++i)
      token.erase(0, content.size());
    for (std::int64_t i = 0; i < options.stop && token.ends_with(content); ++i)
      token.resize(token.size() - content.size());
  }
}

void decode(std::vector<std::string>& tokens, const ReplaceDecoder& options) {
  std::vector<Span> matches;
  for (std::string& token : tokens) {
    matches.clear();
    options.pattern.find_all(token, matches);
    for (auto match = matches.rbegin(); match != matches.rend(); ++match) {
      token.replace(match->begin, match->size(), options.content);
    }
  }
}

// Source: google/sentencepiece, sentencepiece_processor.cc, Decode.
void decode(std::vector<std::string>& tokens, const SentencePieceDecoder& options) {
  std::string text;
  bool begins = true;  // the text, which may lose a blank
  for (std::string& token : tokens) {
    if (const auto byte = options.byte_fallback ? byte_of(token) : std::nullopt) {
      text += *byte;
      continue;
    }
    begins = begins && text.empty();
    if (token == options.unknown_piece) {
      text += options.unknown_surface;
      continue;
    }
    if (begins && options.strip_blank && token.starts_with(space_symbol)) {
      token.erase(0, space_symbol.size());
      begins = options.strip_blanks;
    }
    replace_all(token, space_symbol, " ");
    text += token;
  }
  tokens = {std::move(text)};
}

}  // namespace gradus::detail
