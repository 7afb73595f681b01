#pragma once
#include <gradus/framework/base/export.h>

#include <string>
#include <string_view>

namespace gradus::detail {

/// A regular expression as Oniguruma reads it, which is what Hugging Face's library has, in PCRE2's
/// terms, where both differ: \s is White_Space (PCRE2 adds U+180E), \h is a hexadecimal digit, and
/// a bracket within a class begins a class. Throws ValueError for a class within a class that is
/// negated or intersected.
GRADUS_API std::string from_oniguruma(std::string_view expression);

}  // namespace gradus::detail
