#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// Throws FormatError, naming the metric and the text ("the reference"), unless it is UTF-8.
void check_utf8(const char* metric, const char* what, std::string_view text);

/// The words of a UTF-8 text: what white space separates, as in Python's str.split().
std::vector<std::string_view> split_words(std::string_view text);

/// The words of a UTF-8 text with one space between them.
std::string join_words(std::string_view text);
std::string join_words(std::span<const std::string_view> words);

/// The text without the white space at its end.
std::string_view strip_end(std::string_view text);
/// And without that at its beginning.
std::string_view strip(std::string_view text);

/// The characters of a UTF-8 text, in order.
std::vector<std::string_view> split_characters(std::string_view text);

/// A UTF-8 text with its letters in lower case, as Python's str.lower() makes them. That changes
/// Roman numerals and letters in circles as well, which are numbers and symbols.
std::string lower_case(std::string_view text);

}  // namespace gradus::detail
