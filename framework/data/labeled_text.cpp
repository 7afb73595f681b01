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
  line = line.substr(0, line.find_last_not_of(blanks) + 1);
  for (bool is_first = true; !line.empty(); is_first = false) {
    const std::size_t begin = line.find_first_not_of(blanks);
    std::size_t end = std::min(line.find_first_of(blanks, begin), line.size());
    const std::string_view word = line.substr(begin, end - begin);
    if (prefix.empty() ? is_first : word.starts_with(prefix)) {
      sample.labels.emplace_back(word.substr(prefix.size()));
    } else {
      const bool no_more_labels = prefix.empty() || line.find(prefix) == std::string_view::npos;
      if (no_more_labels) end = line.size();
      const std::size_t from = sample.text.empty() ? begin : 0;
      sample.text += line.substr(from, end - from);
    }
    line.remove_prefix(end);
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
