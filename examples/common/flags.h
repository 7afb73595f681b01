#pragma once
// Flags of command lines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <string>
#include <system_error>
#include <type_traits>

namespace gradus::examples {

/// A flag for a number from `low` to `high`, in decimal digits.
template <class T>
CLI::Option* add_number(CLI::App& app, const char* flag, T& value, std::type_identity_t<T> low,
                        std::type_identity_t<T> high, const char* help) {
  const std::string range = fmt::format("from {} to {}", low, high);
  const auto read = [=](std::string& text) {
    T number{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, number);
    if (result.ec == std::errc() && result.ptr == end && low <= number && number <= high) {
      text = fmt::format("{}", number);  // CLI11 would take 010 for 8
      return std::string();
    }
    const char* kind = std::is_integral_v<T> ? "whole number" : "number";
    return fmt::format("'{}' is not a {} {}", text, kind, range);
  };
  return app.add_option(flag, value, help)->transform(CLI::Validator(read, range, "between"));
}

/// A flag for a path, a std::filesystem::path or a text. An empty one would count as one that was
/// not given.
template <class Path>
CLI::Option* add_path(CLI::App& app, const char* flag, Path& path, const char* help) {
  const auto check = [](const std::string& text) {
    return std::string(text.empty() ? "the path is empty" : "");
  };
  return app.add_option(flag, path, help)->check(check);
}

}  // namespace gradus::examples
