#pragma once
#include <string_view>

namespace gradus::detail {

/// The page of a report: the head, with the style and an empty body, and the script, which builds
/// the body from the JSON in the element `data`.
extern const std::string_view report_head;
extern const std::string_view report_script;

}  // namespace gradus::detail
