#include <fmt/format.h>
#include <gradus/examples/common/corpus.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/random.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gradus::examples {
namespace {

LabelledText parse_line(const std::string& line, const std::string& place) {
  const std::size_t tab = line.find('\t');
  if (tab == std::string::npos) {
    throw FormatError(fmt::format("{}: no tab in '{}': a line is label<TAB>text{}", place,
                                  detail::printable(line, 40), detail::looks_like(line)));
  }
  LabelledText result{line.substr(0, tab), line.substr(tab + 1)};
  if (result.label.empty()) throw FormatError(fmt::format("{}: the label is empty", place));
  if (result.text.find_first_not_of(" \t") == std::string::npos) {
    throw FormatError(fmt::format("{}: the text is empty", place));
  }
  return result;
}

void shuffle(Corpus& corpus, std::uint64_t seed) {
  Generator generator(seed);
  for (auto i = static_cast<std::int64_t>(corpus.size()) - 1; i > 0; --i) {
    std::swap(corpus[static_cast<std::size_t>(i)],
              corpus[static_cast<std::size_t>(generator.below(i + 1))]);
  }
}

}  // namespace

Corpus read_corpus(const std::filesystem::path& path) {
  detail::LineReader lines("corpus", path.string());
  Corpus corpus;
  for (std::string line; lines.next(line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.empty()) continue;
    corpus.push_back(
        parse_line(line, fmt::format("corpus: {}, line {}", path.string(), lines.number())));
  }
  if (corpus.empty()) {
    throw FormatError(
        fmt::format("corpus: {} is empty: it needs lines of label<TAB>text", path.string()));
  }
  return corpus;
}

void write_corpus(const Corpus& corpus, const std::filesystem::path& path) {
  AtomicFile file(path);
  for (const LabelledText& line : corpus) file.write(line.label + "\t" + line.text + "\n");
  file.commit();
}

Split split_corpus(Corpus corpus, std::int64_t parts, std::uint64_t seed) {
  const auto n = static_cast<std::int64_t>(corpus.size());
  const std::int64_t test = std::max<std::int64_t>(n / parts, 1);
  if (test >= n) {
    throw ValueError(fmt::format("corpus: {} text{} cannot be split into training and test", n,
                                 n == 1 ? "" : "s"));
  }
  shuffle(corpus, seed);
  const auto cut = corpus.begin() + test;
  Split split;
  split.train.assign(std::make_move_iterator(cut), std::make_move_iterator(corpus.end()));
  split.test.assign(std::make_move_iterator(corpus.begin()), std::make_move_iterator(cut));
  return split;
}

Corpus set_aside(Corpus& train, std::int64_t parts, std::uint64_t seed) {
  std::unordered_map<std::string, std::int64_t> left;  // texts of each label
  for (const LabelledText& text : train) ++left[text.label];
  const std::size_t wanted =
      std::max<std::size_t>(train.size() / static_cast<std::size_t>(parts), 1);
  shuffle(train, seed);
  Corpus aside, rest;
  for (LabelledText& text : train) {
    std::int64_t& of_label = left[text.label];
    const bool taken = aside.size() < wanted && of_label > 1;
    if (taken) --of_label;
    (taken ? aside : rest).push_back(std::move(text));
  }
  train = std::move(rest);
  return aside;
}

std::vector<std::string> labels_of(const Corpus& corpus) {
  std::vector<std::string> labels;
  std::unordered_set<std::string> seen;
  for (const LabelledText& text : corpus) {
    if (seen.insert(text.label).second) labels.push_back(text.label);
  }
  return labels;
}

void check_split(const Split& split) {
  const std::vector<std::string> labels = labels_of(split.train);
  if (labels.size() < 2) {
    throw ValueError(
        fmt::format("corpus: all training texts have the label '{}': a classifier "
                    "needs two labels or more",
                    labels.empty() ? "" : detail::printable(labels[0])));
  }
  for (const std::string& label : labels_of(split.test)) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
      throw ValueError(fmt::format("corpus: no training text has the label '{}' of the test texts",
                                   detail::printable(label)));
    }
  }
}

}  // namespace gradus::examples
