#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/bpe.h>
#include <gradus/framework/text/detail/pre_tokenizer.h>
#include <gradus/framework/text/detail/unicode.h>
#include <gradus/framework/text/detail/word_spans.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

namespace gradus::detail {
namespace {

/// A part of a word, and whether it is a match of what the word is split at.
struct Part {
  Span span;
  bool match;
};

// What of the parts of a word become words. A part between two characters only keeps them apart.
void apply(SplitBehavior behavior, const std::vector<Part>& parts, std::vector<Span>& out) {
  const std::size_t first = out.size();
  const auto add = [&](Span span) { out.push_back(span); };
  const auto lengthen = [&](Span span) {
    if (out.size() > first) {
      out.back().end = span.end;
    } else {
      add(span);
    }
  };
  bool before = false;  // the part before was a match
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto [span, match] = parts[i];
    switch (behavior) {
      case SplitBehavior::removed:
        if (!match) add(span);
        break;
      case SplitBehavior::isolated:
        add(span);
        break;
      case SplitBehavior::merged_with_previous:
        match && !before ? lengthen(span) : add(span);
        break;
      case SplitBehavior::merged_with_next:
        before && !match ? lengthen(span) : add(span);
        break;
      case SplitBehavior::contiguous:
        i > 0 && match == before ? lengthen(span) : add(span);
        break;
    }
    before = match;
  }
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
  const auto is_empty = [](Span span) { return span.begin == span.end; };
  out.erase(std::remove_if(begin, out.end(), is_empty), out.end());
}

// Splits each word at what find(text, matches) appends, spans of the word.
template <class Find>
void split_words_at(Words& words, SplitBehavior behavior, bool invert, Find&& find) {
  std::vector<Span> result, matches;
  std::vector<Part> parts;
  for (const Span word : words.spans) {
    matches.clear();
    parts.clear();
    find(std::string_view(words.text.text()).substr(word.begin, word.size()), matches);
    std::size_t end = word.begin;
    for (const Span match : matches) {
      const Span span{word.begin + match.begin, word.begin + match.end};
      if (end < span.begin) parts.push_back({{end, span.begin}, invert});
      parts.push_back({span, !invert});
      end = span.end;
    }
    if (end < word.end) parts.push_back({{end, word.end}, invert});
    apply(behavior, parts, result);
  }
  words.spans = std::move(result);
}

// Splits each word before the characters for which begins(code) holds, the first one among them.
template <class F>
void split_before(Words& words, const F& begins) {
  std::vector<Span> result;
  for (const Span word : words.spans) {
    const auto text = std::string_view(words.text.text()).substr(0, word.end);
    F begins_here = begins;  // may remember the characters before
    for (std::size_t i = word.begin; i < word.end;) {
      const Character c = decode_utf8(text, i);
      if (begins_here(c.code)) result.push_back({i, i});
      result.back().end = i += c.length;
    }
  }
  words.spans = std::move(result);
}

// Matches are the single characters for which is_match(code) holds.
template <class F>
auto characters_where(F is_match) {
  return [is_match](std::string_view text, std::vector<Span>& matches) {
    for (std::size_t i = 0; i < text.size();) {
      const Character c = decode_utf8(text, i);
      if (is_match(c.code)) matches.push_back({i, i + c.length});
      i += c.length;
    }
  };
}

// BERT's: all visible characters of ASCII that are neither letters nor digits, too.
bool is_punctuation(std::uint32_t code) {
  if (code < 0x80) {
    const bool letter =
        ((code | 0x20U) >= 'a' && (code | 0x20U) <= 'z') || (code >= '0' && code <= '9');
    return code > ' ' && code < 0x7F && !letter;
  }
  return category(code) == Category::punctuation;
}

enum class Kind : std::uint8_t { letter, number, space, other };

Kind kind_of(std::uint32_t code) {
  static constexpr std::array<Kind, 128> ascii = [] {
    std::array<Kind, 128> result{};
    for (unsigned c = 0; c < 128; ++c) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      const bool number = c >= '0' && c <= '9';
      const bool space = c == ' ' || (c >= '\t' && c <= '\r');
      result[c] = letter ? Kind::letter : number ? Kind::number : space ? Kind::space : Kind::other;
    }
    return result;
  }();
  if (code < 128) return ascii[code];
  switch (category(code)) {
    case Category::letter:
      return Kind::letter;
    case Category::number:
      return Kind::number;
    default:
      return is_white_space(code) ? Kind::space : Kind::other;
  }
}

/// The words that GPT-2's expression finds, which is written out here:
/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
/// Source: openai/gpt-2, encoder.py.
class Gpt2Words {
 public:
  explicit Gpt2Words(std::string_view text) : text_(text) {}

  // The end of the word that begins at `begin`.
  std::size_t end_of(std::size_t begin) const {
    if (text_[begin] == '\'') {
      if (const std::size_t end = contraction(begin); end > begin) return end;
    }
    std::size_t first = begin;
    if (text_[begin] == ' ' && begin + 1 < text_.size()) ++first;
    const Character c = decode_utf8(text_, first);
    const Kind kind = kind_of(c.code);
    if (kind == Kind::space) return end_of_space(begin);
    return end_of_run(first + c.length, kind);
  }

 private:
  std::size_t contraction(std::size_t begin) const {
    for (const std::string_view ending : {"s", "t", "re", "ve", "m", "ll", "d"}) {
      if (text_.substr(begin + 1).starts_with(ending)) return begin + 1 + ending.size();
    }
    return begin;
  }
  std::size_t end_of_run(std::size_t i, Kind kind) const {
    while (i < text_.size()) {
      const Character c = decode_utf8(text_, i);
      if (kind_of(c.code) != kind) break;
      i += c.length;
    }
    return i;
  }
  // White space, without the last of several if a word follows.
  std::size_t end_of_space(std::size_t begin) const {
    std::size_t last = begin, i = begin;
    while (i < text_.size()) {
      const Character c = decode_utf8(text_, i);
      if (kind_of(c.code) != Kind::space) return last > begin ? last : i;
      last = i;
      i += c.length;
    }
    return i;
  }

  std::string_view text_;
};

void split_as_gpt2(Words& words) {
  std::vector<Span> result;
  result.reserve(words.spans.size() + words.text.text().size() / 4);
  for (const Span span : words.spans) {
    const Gpt2Words found(std::string_view(words.text.text()).substr(span.begin, span.size()));
    for (std::size_t i = 0; i < span.size();) {
      const std::size_t end = found.end_of(i);
      result.push_back({span.begin + i, span.begin + end});
      i = end;
    }
  }
  words.spans = std::move(result);
}

// Writes each word anew by write(word, span, edit); the spans become those of the new words.
template <class F>
void rewrite(Words& words, F&& write) {
  TextEdit edit(words.text);
  std::vector<Span> result;
  for (const Span span : words.spans) {
    const std::size_t begin = edit.size();
    write(std::string_view(words.text.text()).substr(span.begin, span.size()), span, edit);
    result.push_back({begin, edit.size()});
  }
  words.text = std::move(edit).finish();
  words.spans = std::move(result);
}

Span first_character(std::string_view word, Span span) {
  return {span.begin, span.begin + decode_utf8(word, 0).length};
}

}  // namespace

void pre_tokenize(Words& words, const Split& options) {
  split_words_at(words, options.behavior, options.invert,
                 [&](std::string_view text, std::vector<Span>& matches) {
                   options.pattern.find_all(text, matches);
                 });
}

void pre_tokenize(Words& words, const BertPreTokenizer&) {
  pre_tokenize(words, WhitespaceSplit{});
  pre_tokenize(words, Punctuation{});
}

// Not by an expression of PCRE2, whose \s has U+180E, which Unicode calls no white space.
void pre_tokenize(Words& words, const Whitespace&) {
  enum class Run : std::uint8_t { word, other, space };
  const auto run_of = [](std::uint32_t code) {
    if (is_white_space(code)) return Run::space;
    return is_word_character(code) ? Run::word : Run::other;
  };
  split_words_at(words, SplitBehavior::removed, true,
                 [&](std::string_view text, std::vector<Span>& matches) {
                   Run last = Run::space;
                   for (std::size_t i = 0; i < text.size();) {
                     const Character c = decode_utf8(text, i);
                     const Run run = run_of(c.code);
                     if (run != Run::space && run == last) {
                       matches.back().end = i + c.length;
                     } else if (run != Run::space) {
                       matches.push_back({i, i + c.length});
                     }
                     last = run;
                     i += c.length;
                   }
                 });
}

void pre_tokenize(Words& words, const WhitespaceSplit&) {
  split_words_at(words, SplitBehavior::removed, false, characters_where(is_white_space));
}

void pre_tokenize(Words& words, const Punctuation& options) {
  split_words_at(words, options.behavior, false, characters_where(is_punctuation));
}

void pre_tokenize(Words& words, const Digits& options) {
  const auto behavior =
      options.individual_digits ? SplitBehavior::isolated : SplitBehavior::contiguous;
  split_words_at(words, behavior, false, characters_where([](std::uint32_t code) {
                   return code < 0x80 ? code >= '0' && code <= '9'
                                      : category(code) == Category::number;
                 }));
}

void pre_tokenize(Words& words, const CodePoints&) {
  split_before(words, [](std::uint32_t) { return true; });
}

void pre_tokenize(Words& words, const GraphemeClusters&) { split_before(words, GraphemeBreaks()); }

void pre_tokenize(Words& words, const TokenizeWords& options) {
  const std::string& text = words.text.text();
  TextEdit edit(words.text);
  std::vector<Span> result;
  for (const Span part : words.spans) {
    for (const Span found : word_spans(std::string_view(text).substr(part.begin, part.size()))) {
      const Span span{part.begin + found.begin, part.begin + found.end};
      const std::size_t begin = edit.size();
      edit.put(word_of(std::string_view(text).substr(span.begin, span.size()), options.lowercase),
               span);
      result.push_back({begin, edit.size()});
    }
  }
  words.text = std::move(edit).finish();
  words.spans = std::move(result);
}

void pre_tokenize(Words& words, const Metaspace& options, bool is_start) {
  const std::string& mark = options.replacement;
  // The words at the beginning of the source: not the first one, if blanks before it are gone.
  const auto is_first = [&](Span span) {
    return is_start && words.text.source({span.begin, span.begin + 1}).begin == 0;
  };
  rewrite(words, [&](std::string_view word, Span span, TextEdit& edit) {
    const bool wanted = options.prepend_scheme == Metaspace::Prepend::always ||
                        (options.prepend_scheme == Metaspace::Prepend::first && is_first(span));
    if (wanted && !word.starts_with(' ') && !word.starts_with(mark))
      edit.put(mark, first_character(word, span));
    std::size_t kept = 0;
    for (std::size_t i = word.find(' '); i != std::string_view::npos; i = word.find(' ', i + 1)) {
      edit.keep({span.begin + kept, span.begin + i});
      edit.put(mark, {span.begin + i, span.begin + i + 1});
      kept = i + 1;
    }
    edit.keep({span.begin + kept, span.end});
  });
  if (!options.split) return;
  const TextPattern pattern = TextPattern::literal(mark);
  split_words_at(
      words, SplitBehavior::merged_with_next, false,
      [&](std::string_view text, std::vector<Span>& matches) { pattern.find_all(text, matches); });
}

void pre_tokenize(Words& words, const ByteLevel& options, bool keep_bytes) {
  const std::string& text = words.text.text();
  const bool spaced = std::all_of(words.spans.begin(), words.spans.end(),
                                  [&](Span span) { return text[span.begin] == ' '; });
  if (options.add_prefix_space && !spaced) {
    rewrite(words, [](std::string_view word, Span span, TextEdit& edit) {
      if (!word.starts_with(' ')) edit.put(" ", first_character(word, span));
      edit.keep(span);
    });
  }
  if (options.use_regex) split_as_gpt2(words);
  if (keep_bytes) return;
  rewrite(words, [](std::string_view word, Span span, TextEdit& edit) {
    for (std::size_t i = 0; i < word.size();) {
      const std::size_t length = decode_utf8(word, i).length;
      edit.put(to_byte_alphabet(word.substr(i, length)), {span.begin + i, span.begin + i + length});
      i += length;
    }
  });
}

}  // namespace gradus::detail
