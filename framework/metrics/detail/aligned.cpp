#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/metrics/detail/aligned.h>
#include <gradus/framework/metrics/detail/words.h>

#include <algorithm>
#include <cstddef>

namespace gradus::detail {

std::string aligned(std::vector<std::vector<std::string>> rows) {
  std::vector<std::size_t> widths;
  for (auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t k = 0; k < row.size(); ++k) {
      row[k] = printable(row[k]);
      widths[k] = std::max(widths[k], split_characters(row[k]).size());
    }
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) {
      const std::string blanks(widths[k] - split_characters(row[k]).size(), ' ');
      text += k == 0 ? row[k] + blanks : "  " + blanks + row[k];
    }
    text += '\n';
  }
  return text;
}

}  // namespace gradus::detail
