#include <fmt/format.h>
#include <gradus/examples/language_model/report.h>
#include <gradus/framework/metrics/report.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <sstream>

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

}  // namespace

void write_report(const LanguageModelOptions& options, double valid_perplexity,
                  double unigram_perplexity) {
  const TrainedModel best = TrainedModel::load(options.file(model_file));
  Report report(fmt::format("Language model in {}", options.output));
  report.add_values("Perplexity of the held-out words",
                    {{"model", valid_perplexity}, {"frequencies alone", unigram_perplexity}});
  report.add_curves("Perplexity", read_curves(options.file(log_file)),
                    {.log_y = true, .smoothing = 0.01});
  report.add_table("Options", rows_of(options.text));
  for (const double temperature : {0.5, 1.0}) {
    report.add_text(fmt::format("What it writes at temperature {}", temperature),
                    generate(best, "", {.words = 200, .temperature = temperature}));
  }
  const std::vector<std::string>& words = best.coding.words.words();
  const std::int64_t n = std::min<std::int64_t>(std::ssize(words), 1000);  // the most frequent
  report.add_embeddings("Words", slice(best.model.vectors(), 0, 0, n).detach(),
                        {words.begin(), words.begin() + n});
  report.save(options.file(report_file));
}

}  // namespace gradus::examples
