#include <fmt/format.h>
#include <gradus/examples/kjv/bible.h>
#include <gradus/examples/language_model/texts.h>
#include <gradus/framework/base/error.h>

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

namespace gradus::examples {
namespace {

std::vector<std::string> read_corpus(const LanguageModelOptions& options) {
  if (!options.corpus.empty()) return read_lines(options.corpus, options.encoding);
  std::vector<std::string> lines;
  for (LabeledText& verse : read_bible(false)) lines.push_back(std::move(verse.text));
  return lines;
}

/// Takes the last tenth out of the lines.
std::vector<std::string> hold_out(std::vector<std::string>& lines, const std::string& path) {
  if (lines.size() < 10) {
    throw Error(
        fmt::format("--corpus: '{}' has {} lines, of which the last tenth is held out: "
                    "break it into 10 or more, or name a held-out text with --valid",
                    path, lines.size()));
  }
  const auto tenth = lines.end() - std::ssize(lines) / 10;
  std::vector<std::string> held_out(tenth, lines.end());
  lines.erase(tenth, lines.end());
  return held_out;
}

}  // namespace

Corpus load_texts(const LanguageModelOptions& options) {
  std::vector<std::string> lines = read_corpus(options);
  const std::vector<std::string> valid = options.valid.empty()
                                             ? hold_out(lines, options.corpus)
                                             : read_lines(options.valid, options.encoding);
  const WordCoding coding = WordCoding::of(lines, options.coding);
  Corpus texts{coding, coding.ids(lines), coding.ids(valid)};
  if (std::ssize(texts.train) >= 2 * options.batch_size) return texts;
  throw Error(fmt::format("--batch-size: {} words are too few for {} streams: use a smaller number",
                          texts.train.size(), options.batch_size));
}

void describe_held_out(const Vocabulary& words, std::span<const std::int64_t> ids) {
  const std::size_t n = ids.size() - 1;
  const auto unknown = static_cast<double>(std::ranges::count(ids, *words.unknown_id()));
  fmt::print(
      "{} held-out words, {:.2f} % of them unknown; by their frequencies alone, their "
      "perplexity is {:.2f}\n",
      n, 100 * unknown / static_cast<double>(n), unigram_perplexity(words, ids));
}

std::uint64_t hash_of(std::span<const std::int64_t> ids) {
  const auto bytes = std::as_bytes(ids);
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace gradus::examples
