#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/detail/sample_reader.h>

#include <string_view>
#include <utility>

namespace gradus {
namespace {

using Fields = std::vector<std::string_view>;

std::size_t place_of(std::int64_t column, std::size_t columns, const detail::SampleReader& reader) {
  const auto n = static_cast<std::int64_t>(columns);
  const std::int64_t place = column < 0 ? column + n : column;
  if (place < 0 || place >= n) {
    throw IndexError(
        fmt::format("{}: there is no column {}: lines have {} columns", reader.file(), column, n));
  }
  return static_cast<std::size_t>(place);
}

void append(TaggedSentence& sentence, const Fields& fields, const ConllOptions& options,
            const detail::SampleReader& reader) {
  sentence.words.emplace_back(fields[place_of(options.word_column, fields.size(), reader)]);
  sentence.tags.emplace_back(fields[place_of(options.tag_column, fields.size(), reader)]);
  sentence.further.resize(options.further_columns.size());
  for (std::size_t k = 0; k < sentence.further.size(); ++k) {
    sentence.further[k].emplace_back(
        fields[place_of(options.further_columns[k], fields.size(), reader)]);
  }
}

}  // namespace

std::vector<TaggedSentence> read_conll(const std::string& path, const ConllOptions& options) {
  detail::SampleReader reader("read_conll", path,
                              {options.bad_lines, options.encoding, options.skipped});
  std::vector<TaggedSentence> sentences;
  TaggedSentence sentence;
  bool is_bad = false;
  const auto end_sentence = [&] {
    if (!sentence.words.empty() && !is_bad) sentences.push_back(std::move(sentence));
    sentence = {};
    is_bad = false;
  };
  std::size_t columns = 0;
  Fields fields;
  while (reader.next()) {
    if (reader.line().find_first_not_of(" \t") == std::string::npos) {
      end_sentence();
      continue;
    }
    if (!reader.is_text()) {
      is_bad = true;
      continue;
    }
    detail::split_fields(reader.line(), options.separator, fields);
    if (!options.document_start.empty() && fields.front() == options.document_start) continue;
    if (columns == 0) columns = fields.size();
    if (fields.size() == columns) {
      append(sentence, fields, options, reader);
    } else {
      is_bad = true;
      reader.bad("wrong number of fields", fmt::format("{} instead of {}", fields.size(), columns));
    }
  }
  end_sentence();
  reader.finish();
  return sentences;
}

}  // namespace gradus
