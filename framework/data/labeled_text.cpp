#include <fmt/format.h>
#include <gradus/framework/data/detail/sample_reader.h>
#include <gradus/framework/data/labeled_text.h>

#include <algorithm>
#include <string_view>
#include <utility>

namespace gradus {
namespace {

constexpr std::string_view blanks = " \t\v\f";

// Cuts the labels out of a line.
MultilabelText split(std::string_view line, const std::string& prefix) {
  MultilabelText sample;
  bool is_first = true;
  while (!line.empty()) {
    const std::size_t begin = std::min(line.find_first_not_of(blanks), line.size());
    const std::string_view word = line.substr(begin, line.find_first_of(blanks, begin) - begin);
    const std::size_t end = begin + word.size();
    const bool is_label = prefix.empty() ? is_first : word.starts_with(prefix);
    if (is_label) {
      sample.labels.emplace_back(word.substr(prefix.size()));
    } else if (!word.empty()) {
      sample.text += sample.text.empty() ? word : line.substr(0, end);
    }
    line.remove_prefix(end);
    is_first = false;
  }
  return sample;
}

const char* fault_of(const MultilabelText& sample) {
  if (sample.labels.empty()) return "no label";
  const auto is_empty = [](const std::string& label) { return label.empty(); };
  if (std::any_of(sample.labels.begin(), sample.labels.end(), is_empty)) {
    return "a label without a name";
  }
  return sample.text.empty() ? "no text" : nullptr;
}

std::vector<MultilabelText> read(const char* operation, const std::string& path,
                                 const LabeledLinesOptions& options, bool one) {
  detail::SampleReader reader(operation, path,
                              {options.bad_lines, options.encoding, options.skipped});
  std::vector<MultilabelText> samples;
  while (reader.next()) {
    if (reader.line().find_first_not_of(blanks) == std::string::npos) continue;
    if (!reader.is_text()) continue;
    MultilabelText sample = split(reader.line(), options.prefix);
    if (const char* fault = fault_of(sample); fault != nullptr) {
      reader.bad(fault);
    } else if (one && sample.labels.size() > 1) {
      reader.bad("several labels, which read_multilabel_lines() reads",
                 fmt::format("{}", sample.labels.size()));
    } else {
      samples.push_back(std::move(sample));
    }
  }
  reader.finish();
  return samples;
}

}  // namespace

std::vector<MultilabelText> read_multilabel_lines(const std::string& path,
                                                  const LabeledLinesOptions& options) {
  return read("read_multilabel_lines", path, options, false);
}

std::vector<LabeledText> read_labeled_lines(const std::string& path,
                                            const LabeledLinesOptions& options) {
  std::vector<LabeledText> samples;
  for (auto& [text, labels] : read("read_labeled_lines", path, options, true)) {
    samples.push_back({std::move(text), std::move(labels.front())});
  }
  return samples;
}

}  // namespace gradus
