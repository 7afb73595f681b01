#include <fmt/format.h>
#include <gradus/framework/metrics/detail/score_table.h>

#include <cstddef>

namespace gradus::detail {

std::vector<std::vector<std::string>> score_table(const ClassificationScores& scores) {
  const ClassificationResult all = scores.result();
  const std::vector<std::string> names = scores.names();
  std::vector<std::vector<std::string>> rows{{"class", "precision", "recall", "F1", "support"}};
  const auto add_row = [&](const std::string& name, const ClassScore& score) {
    rows.push_back({name, fmt::format("{:.4f}", score.precision),
                    fmt::format("{:.4f}", score.recall), fmt::format("{:.4f}", score.f1),
                    fmt::to_string(score.support)});
  };
  for (std::size_t i = 0; i < names.size(); ++i) add_row(names[i], all.classes[i]);
  add_row("micro mean", all.micro);
  add_row("macro mean", all.macro);
  add_row("weighted mean", all.weighted);
  return rows;
}

}  // namespace gradus::detail
