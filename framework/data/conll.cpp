#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/detail/sample_reader.h>

#include <string_view>
#include <utility>

namespace gradus {
namespace {

using Fields = std::vector<std::string_view>;

// Reads the lines of one sentence after the other.
class ConllReader {
 public:
  ConllReader(const std::string& path, const ConllOptions& options)
      : reader_("read_conll", path, {options.bad_lines, options.encoding, options.skipped}),
        options_(options) {}

  std::vector<TaggedSentence> read() {
    while (reader_.next()) {
      if (reader_.line().find_first_not_of(" \t") == std::string::npos) {
        end_sentence();
      } else if (!reader_.is_text()) {
        is_bad_ = true;
      } else {
        add_line();
      }
    }
    end_sentence();
    reader_.finish(conllu_cure());
    return std::move(sentences_);
  }

 private:
  void add_line() {
    detail::split_fields(reader_.line(), options_.separator, fields_);
    if (starts_document()) return end_sentence();
    if (places_.empty()) find_places();
    if (places_[0] == places_[1]) {
      bad("words and tags in one column", fmt::format("column {} of {}", places_[0], columns_));
      return places_.clear();  // the next line decides
    }
    if (fields_.size() != columns_) {
      return bad("wrong number of fields",
                 fmt::format("{} instead of {}", fields_.size(), columns_));
    }
    for (const std::size_t place : places_) {
      if (fields_[place].empty()) return bad("an empty field", fmt::format("column {}", place));
    }
    append();
  }

  bool starts_document() const {
    const std::string_view first = fields_.front(), word = options_.document_start;
    if (word.empty() || !first.starts_with(word)) return false;
    return first.size() == word.size() || first[word.size()] == ' ';
  }

  // Where the fields are that are read: in the first line, which tells how many columns there are.
  void find_places() {
    columns_ = fields_.size();
    places_ = {place_of(options_.word_column), place_of(options_.tag_column)};
    for (const std::int64_t column : options_.further_columns) places_.push_back(place_of(column));
  }
  std::size_t place_of(std::int64_t column) const {
    const auto n = static_cast<std::int64_t>(columns_);
    const std::int64_t place = column < 0 ? column + n : column;
    if (0 <= place && place < n) return static_cast<std::size_t>(place);
    throw IndexError(fmt::format("{}: there is no column {}: line {} has {} column{}{}",
                                 reader_.file(), column, reader_.number(), n, n == 1 ? "" : "s",
                                 conllu_cure()));
  }
  std::string conllu_cure() const {
    if (!reader_.head().starts_with('#')) return "";
    return ": it looks like CoNLL-U: use read_conllu(), or document_start = \"#\"";
  }

  void append() {
    sentence_.words.emplace_back(fields_[places_[0]]);
    sentence_.tags.emplace_back(fields_[places_[1]]);
    sentence_.further.resize(options_.further_columns.size());
    for (std::size_t k = 0; k < sentence_.further.size(); ++k) {
      sentence_.further[k].emplace_back(fields_[places_[k + 2]]);
    }
  }
  void bad(const char* kind, const std::string& example) {
    reader_.bad(kind, example);
    is_bad_ = true;
  }
  void end_sentence() {
    if (!sentence_.words.empty() && !is_bad_) sentences_.push_back(sentence_);  // a copy fits
    sentence_.words.clear();
    sentence_.tags.clear();
    for (auto& column : sentence_.further) column.clear();
    is_bad_ = false;
  }

  detail::SampleReader reader_;
  const ConllOptions& options_;
  std::vector<TaggedSentence> sentences_;
  TaggedSentence sentence_;
  Fields fields_;
  std::vector<std::size_t> places_;  // of the word, the tag and the further columns; empty at first
  std::size_t columns_ = 0;
  bool is_bad_ = false;
};

}  // namespace

std::vector<TaggedSentence> read_conll(const std::string& path, const ConllOptions& options) {
  if (options.separator != ' ' && options.separator != '\t') {
    throw ValueError(fmt::format(
        "read_conll: separator '{}': it must be ' ', for runs of spaces and tabs, or '\\t'",
        detail::printable({&options.separator, 1})));
  }
  return ConllReader(path, options).read();
}

}  // namespace gradus
