#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string_view>

namespace gradus::detail {

enum class NumberText : std::uint8_t { number, no_number, too_large };

/// Parses all of `text` as a float, double, int64 or uint64, whatever the locale. A number that is
/// too small for its type becomes the nearest value of the type, as in source code: 1e-46 is 0.0f.
template <class Number>
NumberText parse_number(std::string_view text, Number& value);

extern template GRADUS_API NumberText parse_number(std::string_view, float&);
extern template GRADUS_API NumberText parse_number(std::string_view, double&);
extern template GRADUS_API NumberText parse_number(std::string_view, std::int64_t&);
extern template GRADUS_API NumberText parse_number(std::string_view, std::uint64_t&);

}  // namespace gradus::detail
