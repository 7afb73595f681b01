#pragma once
#include <string>
#include <vector>

namespace gradus::detail {

/// Rows of cells as lines with aligned columns: the first column is flush left, the others flush
/// right. Cells may have fewer characters than bytes; what a terminal cannot show is escaped.
std::string aligned(std::vector<std::vector<std::string>> rows);

}  // namespace gradus::detail
