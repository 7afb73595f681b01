#include <fmt/format.h>
#include <gradus/examples/tagger/report.h>
#include <gradus/framework/metrics/confusion_matrix.h>
#include <gradus/framework/metrics/curve.h>
#include <gradus/framework/metrics/report.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <sstream>
#include <utility>

namespace gradus::examples {
namespace {

/// "key=value" lines as rows.
std::vector<std::vector<std::string>> rows_of(const std::string& options) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(options);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t mark = line.find('=');
    if (mark != std::string::npos) rows.push_back({line.substr(0, mark), line.substr(mark + 1)});
  }
  return rows;
}

/// The words of a sentence, the one at t in brackets.
std::string with_mark(const Words& words, std::size_t t) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += ' ';
    text += i == t ? fmt::format("[{}]", words[i]) : words[i];
  }
  return text;
}

void add_labels(Report& report, const TrainedTagger& trained,
                const std::vector<TaggedSentence>& sentences) {
  const std::vector<Words> found = trained.tag(words_of(sentences));
  LabelSet labels = trained.coding.labels;  // and those that only these sentences have
  for (const TaggedSentence& sentence : sentences) labels.add(sentence.tags);
  ConfusionMatrix confusion(labels.names());
  std::vector<ReportExample> mistakes;
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const auto& [words, tags, further] = sentences[i];
    confusion.add(labels.ids(found[i]), labels.ids(tags));
    for (std::size_t t = 0; t < tags.size(); ++t) {
      if (found[i][t] != tags[t]) mistakes.push_back({with_mark(words, t), tags[t], found[i][t]});
    }
  }
  report.add_confusion_matrix("Labels", confusion);
  report.add_examples("Mistakes", std::move(mistakes));
}

}  // namespace

void write_report(const TaggerOptions& options, const TrainedTagger& trained,
                  const std::vector<TaggedSentence>& sentences,
                  const std::vector<NamedValue>& results) {
  Report report(fmt::format("Tagger in {}", options.output));
  report.add_values("Results, %", results);
  report.add_curves("Training", read_curves(options.file(log_file)), {.smoothing = 0.01});
  add_labels(report, trained, sentences);
  report.add_table("Options", rows_of(options.text));
  const std::vector<std::string>& words = trained.coding.words.words();
  const std::int64_t n = std::min<std::int64_t>(std::ssize(words), 1000);  // the most frequent
  report.add_embeddings("Words", slice(trained.model.vectors(), 0, 0, n).detach(),
                        {words.begin(), words.begin() + n});
  report.save(options.file(report_file));
}

}  // namespace gradus::examples
