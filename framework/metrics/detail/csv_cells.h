#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// The cells of a line of CSV, without their quotes; nullopt if a quote is left open.
std::optional<std::vector<std::string>> csv_cells(std::string_view line);

}  // namespace gradus::detail
