#include <gradus/framework/metrics/detail/bleu_tokens.h>
#include <gradus/framework/metrics/detail/words.h>
#include <gradus/framework/text/detail/pattern.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

struct Rule {
  Pattern pattern;
  const char* replacement;
};

std::string apply(const std::vector<Rule>& rules, std::string text) {
  for (const Rule& rule : rules) text = rule.pattern.replace_all(text, rule.replacement);
  return join_words(text);
}

void replace(std::string& text, std::string_view from, std::string_view to) {
  std::string result;
  std::size_t begin = 0;
  for (std::size_t i = text.find(from); i != std::string::npos; i = text.find(from, begin)) {
    result.append(text, begin, i - begin).append(to);
    begin = i + from.size();
  }
  result.append(text, begin);
  text = std::move(result);
}

/// Those of WMT's mteval-v13a.pl, for the languages of Europe.
std::string tokens_13a(std::string_view line) {
  static const std::vector<Rule> rules = {
      {Pattern(R"(([\{-\~\[-\` -\&\(-\+\:-\@\/]))"), " $1 "},
      {Pattern(R"(([^0-9])([\.,]))"), "$1 $2 "},  // unless a digit is before
      {Pattern(R"(([\.,])([^0-9]))"), " $1 $2"},  // unless a digit is after
      {Pattern(R"(([0-9])(-))"), "$1 $2 "},
  };
  std::string text(1, ' ');
  text += line;
  text += ' ';
  replace(text, "<skipped>", "");
  replace(text, "-\n", "");
  replace(text, "\n", " ");
  replace(text, "&quot;", "\"");
  replace(text, "&amp;", "&");
  replace(text, "&lt;", "<");
  replace(text, "&gt;", ">");
  return apply(rules, std::move(text));
}

/// Those of mteval-v14.pl with its option for international text.
std::string tokens_intl(std::string_view line) {
  static const std::vector<Rule> rules = {
      {Pattern(R"((\P{N})(\p{P}))"), "$1 $2 "},
      {Pattern(R"((\p{P})(\P{N}))"), " $1 $2"},
      {Pattern(R"((\p{S}))"), " $1 "},
  };
  return apply(rules, std::string(line));
}

std::string tokens_char(std::string_view line) {
  std::string text;
  for (const std::string_view character : split_characters(line)) {
    text += character;
    text += ' ';
  }
  return join_words(text);
}

}  // namespace

std::string bleu_tokens(std::string_view text, BleuTokenizer tokenizer) {
  const std::string_view line = strip_end(text);
  switch (tokenizer) {
    case BleuTokenizer::mteval_13a:
      return tokens_13a(line);
    case BleuTokenizer::international:
      return tokens_intl(line);
    case BleuTokenizer::characters:
      return tokens_char(line);
    default:
      return join_words(line);
  }
}

const char* name(BleuTokenizer tokenizer) {
  constexpr const char* names[] = {"13a", "intl", "char", "none"};
  return names[static_cast<std::size_t>(tokenizer)];
}

}  // namespace gradus::detail
