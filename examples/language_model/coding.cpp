#include <fmt/format.h>
#include <gradus/examples/language_model/coding.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/text_lines.h>
#include <gradus/framework/metrics/perplexity.h>
#include <gradus/framework/text/tokenize.h>

#include <cmath>
#include <numeric>

namespace gradus::examples {
namespace {

std::vector<std::string> split_line(std::string_view line, bool tokenized) {
  return tokenized ? split_words(line) : tokenize(line);
}

/// Whether no blank goes between this word and the one before.
bool follows_closely(const std::string& word) {
  return word.size() == 1 && std::string_view(".,;:!?)").find(word) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> read_lines(const std::string& path, TextEncoding encoding) {
  std::vector<std::string> lines;
  for (std::string line : TextLines(path, {.encoding = encoding})) {
    if (line.find_first_not_of(" \t\r\f\v") != std::string::npos) lines.push_back(std::move(line));
  }
  if (!lines.empty()) return lines;
  throw FormatError(fmt::format("'{}' has only blank lines: it should be a text", path));
}

WordCoding WordCoding::of(std::span<const std::string> lines, const CodingOptions& options) {
  WordCounter counter;
  for (const std::string& line : lines) {
    counter.add(split_line(line, options.tokenized));
    counter.add(end_of_line);
  }
  return {Vocabulary(counter, {.min_count = options.min_count,
                               .max_size = options.max_words,
                               .padding = "",
                               .specials = {end_of_line}}),
          options.tokenized};
}

std::vector<std::string> WordCoding::split(std::string_view line) const {
  return split_line(line, tokenized);
}

std::vector<std::int64_t> WordCoding::ids(std::span<const std::string> lines) const {
  std::vector<std::int64_t> ids = {line_id()};
  for (const std::string& line : lines) {
    for (const std::string& word : split(line)) ids.push_back(words.id(word));
    ids.push_back(line_id());
  }
  return ids;
}

std::string WordCoding::text(std::span<const std::int64_t> ids) const {
  std::string text;
  for (const std::int64_t id : ids) {
    if (id == line_id()) {
      text += '\n';
      continue;
    }
    const bool close = text.empty() || text.back() == '\n' || text.back() == '(' ||
                       (!tokenized && follows_closely(words.word(id)));
    if (!close) text += ' ';
    text += words.word(id);
  }
  return text;
}

double unigram_perplexity(const Vocabulary& words, std::span<const std::int64_t> ids) {
  const std::vector<std::int64_t>& counts = words.counts();
  const auto total = static_cast<double>(
      std::accumulate(counts.begin(), counts.end(), std::int64_t{words.size()}));
  Perplexity perplexity;
  for (const std::int64_t id : ids.subspan(1)) {
    const auto count = static_cast<double>(counts[static_cast<std::size_t>(id)]);
    perplexity.add(-std::log((count + 1) / total), 1);
  }
  return perplexity.result();
}

}  // namespace gradus::examples
