#include <fmt/format.h>
#include <gradus/examples/common/table.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace gradus::examples {
namespace {

std::size_t width(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80;
  }));
}

std::string row_text(const std::vector<std::string>& row, const std::vector<std::size_t>& widths) {
  std::string text = "  ";
  for (std::size_t j = 0; j < row.size(); ++j) {
    const std::string blanks(widths[j] - width(row[j]), ' ');
    if (j > 0) text += "  ";
    text += j == 0 ? row[j] + blanks : blanks + row[j];
  }
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

}  // namespace

std::string table_text(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t j = 0; j < row.size(); ++j) widths[j] = std::max(widths[j], width(row[j]));
  }
  std::string text;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    text += row_text(rows[i], widths);
    if (i > 0) continue;
    const std::size_t line = std::accumulate(widths.begin(), widths.end(), std::size_t{0});
    text +=
        "  " + std::string(line + 2 * (std::max<std::size_t>(widths.size(), 1) - 1), '-') + "\n";
  }
  return text;
}

std::string confusion_text(const std::vector<std::string>& labels,
                           const std::vector<std::vector<std::int64_t>>& counts) {
  std::vector<std::vector<std::string>> rows(1, {"true \\ predicted"});
  for (std::size_t j = 0; j < labels.size(); ++j) rows[0].push_back(fmt::format("({})", j + 1));
  rows[0].emplace_back("right");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    std::vector<std::string> row = {fmt::format("({}) {}", i + 1, labels[i])};
    for (const std::int64_t n : counts[i]) row.push_back(fmt::format("{}", n));
    const auto total = std::accumulate(counts[i].begin(), counts[i].end(), std::int64_t{0});
    row.push_back(total == 0 ? std::string("-")
                             : fmt::format("{:.1f} %", 100.0 * static_cast<double>(counts[i][i]) /
                                                           static_cast<double>(total)));
    rows.push_back(row);
  }
  return table_text(rows);
}

}  // namespace gradus::examples
