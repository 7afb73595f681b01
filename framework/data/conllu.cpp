#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/data/conllu.h>
#include <gradus/framework/data/detail/sample_reader.h>

#include <algorithm>
#include <array>
#include <utility>

namespace gradus {
namespace {

using Fields = std::vector<std::string_view>;
constexpr std::array<const char*, 10> names = {"ID",    "FORM", "LEMMA",  "UPOS", "XPOS",
                                               "FEATS", "HEAD", "DEPREL", "DEPS", "MISC"};

// A number as the format writes it: digits, no sign, no leading zero.
std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  if (text.empty() || text.find_first_not_of("0123456789") != std::string_view::npos ||
      (text.size() > 1 && text[0] == '0') ||
      detail::parse_number(text, number) != detail::NumberText::number) {
    return std::nullopt;
  }
  return number;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

ConlluToken token_of(const Fields& f) {
  const auto text = [&](std::size_t k) { return std::string(f[k]); };
  return {text(0), text(1), text(2), text(3), text(4), text(5), number_of(f[6]).value_or(-1),
          text(7), text(8), text(9)};
}

// Reads the lines of one sentence after the other.
class ConlluReader {
 public:
  ConlluReader(const std::string& path, const ReadOptions& options)
      : reader_("read_conllu", path, options) {}

  std::vector<ConlluSentence> read() {
    while (reader_.next()) {
      if (reader_.line().empty()) {
        end_sentence();
      } else if (!reader_.is_text()) {
        is_bad_ = true;
      } else if (reader_.line()[0] == '#') {
        add_comment();
      } else {
        add_token();
      }
    }
    end_sentence();
    reader_.finish();
    return std::move(sentences_);
  }

 private:
  void bad(const char* kind, const std::string& example = "") {
    reader_.bad(kind, example);
    is_bad_ = true;
  }

  void add_comment() {
    if (has_tokens_) return bad("a comment after the first token");
    sentence_.comments.emplace_back(trimmed(std::string_view(reader_.line()).substr(1)));
  }

  void add_token() {
    has_tokens_ = true;
    Fields fields;
    detail::split_fields(reader_.line(), '\t', fields);
    if (fields.size() != names.size()) {
      return bad("not ten fields separated by tabs", fmt::format("{}", fields.size()));
    }
    for (std::size_t k = 0; k < fields.size(); ++k) {
      if (fields[k].empty()) return bad("an empty field", names[k]);
      const bool may_have_blanks = k == 1 || k == 2 || k == 9;
      if (!may_have_blanks && fields[k].find(' ') != std::string_view::npos) {
        return bad("a blank in a field that may have none", names[k]);
      }
    }
    if (is_bad_) return;  // without the bad line, ids and heads are out of order
    if (fields[0].find('-') != std::string_view::npos) return add_multiword(fields);
    if (fields[0].find('.') != std::string_view::npos) return add_empty_node(fields);
    add_word(fields);
  }

  void bad_id(std::string_view id) {
    bad("an id that is wrong or out of order", fmt::format("'{}'", detail::printable(id)));
  }

  void add_word(const Fields& fields) {
    const auto id = number_of(fields[0]);
    if (id != next_id()) return bad_id(fields[0]);
    if (fields[6] != "_" && !number_of(fields[6])) return bad_head(reader_.number(), fields[6]);
    sentence_.words.push_back(token_of(fields));
    lines_.push_back(reader_.number());
    last_empty_ = 0;
  }

  void add_multiword(const Fields& fields) {
    const std::size_t hyphen = fields[0].find('-');
    const auto first = number_of(fields[0].substr(0, hyphen));
    const auto last = number_of(fields[0].substr(hyphen + 1));
    if (first != next_id() || !last || *last <= *first || *first <= multiword_end_) {
      return bad_id(fields[0]);
    }
    if (fields[6] != "_") return bad("a multiword token with a head");
    multiword_end_ = *last;
    multiword_line_ = reader_.number();
    sentence_.multiword.push_back(token_of(fields));
  }

  void add_empty_node(const Fields& fields) {
    const std::size_t dot = fields[0].find('.');
    const auto word = number_of(fields[0].substr(0, dot));
    const auto count = number_of(fields[0].substr(dot + 1));
    if (word != next_id() - 1 || count != last_empty_ + 1) return bad_id(fields[0]);
    if (fields[6] != "_") return bad("an empty node with a head");
    last_empty_ = *count;
    sentence_.empty_nodes.push_back(token_of(fields));
  }

  void bad_head(std::int64_t line, std::string_view head) {
    reader_.bad(line, "a head that is no other word of the sentence",
                fmt::format("'{}'", detail::printable(head)));
    is_bad_ = true;
  }

  // What only the whole sentence shows.
  void check_sentence() {
    const auto n = static_cast<std::int64_t>(sentence_.words.size());
    for (std::size_t i = 0; i < sentence_.words.size(); ++i) {
      const std::int64_t head = sentence_.words[i].head;
      const bool itself = head == static_cast<std::int64_t>(i) + 1;
      if (head > n || itself) bad_head(lines_[i], std::to_string(head));
    }
    if (multiword_end_ > n) {
      reader_.bad(multiword_line_, "a multiword token beyond the sentence");
      is_bad_ = true;
    }
  }

  void end_sentence() {
    if (!is_bad_) check_sentence();
    if (!is_bad_ && has_tokens_) sentences_.push_back(std::move(sentence_));
    sentence_ = {};
    lines_.clear();
    last_empty_ = multiword_end_ = 0;
    is_bad_ = has_tokens_ = false;
  }

  std::int64_t next_id() const { return static_cast<std::int64_t>(sentence_.words.size()) + 1; }

  detail::SampleReader reader_;
  std::vector<ConlluSentence> sentences_;
  ConlluSentence sentence_;
  std::vector<std::int64_t> lines_;  // of the words
  std::int64_t last_empty_ = 0;      // empty nodes since the last word
  std::int64_t multiword_end_ = 0, multiword_line_ = 0;
  bool is_bad_ = false, has_tokens_ = false;
};

}  // namespace

std::optional<std::string> ConlluSentence::comment(std::string_view key) const {
  for (const std::string_view line : comments) {
    const std::size_t equals = std::min(line.find('='), line.size());
    if (trimmed(line.substr(0, equals)) != key) continue;
    return std::string(trimmed(line.substr(std::min(equals + 1, line.size()))));
  }
  return std::nullopt;
}

std::vector<ConlluSentence> read_conllu(const std::string& path, const ReadOptions& options) {
  return ConlluReader(path, options).read();
}

TaggedSentence upos_tagged(const ConlluSentence& sentence) {
  TaggedSentence tagged;
  for (const ConlluToken& word : sentence.words) {
    tagged.words.push_back(word.form);
    tagged.tags.push_back(word.upos);
  }
  return tagged;
}

}  // namespace gradus
