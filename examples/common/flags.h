#pragma once
// Validators for command lines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <string>
#include <system_error>
#include <type_traits>

namespace gradus::examples {

/// Accepts numbers from `low` to `high`, in decimal digits.
template <class T>
CLI::Validator between(T low, T high) {
  const std::string range = fmt::format("from {} to {}", low, high);
  const auto read = [=](std::string& text) {
    T value{};
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (result.ec == std::errc() && result.ptr == end && low <= value && value <= high) {
      text = fmt::format("{}", value);  // CLI11 would take 010 for 8
      return std::string();
    }
    const char* kind = std::is_integral_v<T> ? "whole number" : "number";
    return fmt::format("'{}' is not a {} {}", text, kind, range);
  };
  return CLI::Validator(read, range, "between");
}

/// An empty path would count as one that was not given.
inline CLI::Validator some_path() {
  return CLI::Validator(
      [](std::string& text) { return text.empty() ? std::string("the path is empty") : ""; }, "");
}

}  // namespace gradus::examples
