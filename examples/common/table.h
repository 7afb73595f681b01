#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace gradus::examples {

/// Rows of cells as aligned columns: the first row is a heading, the first column is flush left and
/// the others flush right. Widths count characters of UTF-8, not bytes.
std::string table_text(const std::vector<std::vector<std::string>>& rows);

/// counts[i][j] is the number of texts of label i that were taken for label j; the last column has
/// the share that is right.
std::string confusion_text(const std::vector<std::string>& labels,
                           const std::vector<std::vector<std::int64_t>>& counts);

}  // namespace gradus::examples
