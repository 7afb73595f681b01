#pragma once
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace gradus::detail {

/// Parses a JSON text of a file: no deeper than 8 levels, no key twice, nothing behind it. Passes
/// what is wrong with it to `fail`, which must throw: "is not JSON: it ends too early".
nlohmann::json parse_file_json(const std::string& text,
                               const std::function<void(const std::string&)>& fail);

/// A value, for an error message.
std::string shown(const nlohmann::json& value);

}  // namespace gradus::detail
