#pragma once
// Flags of command lines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <set>
#include <string>
#include <system_error>
#include <type_traits>
#include <vector>

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

/// A flag for a file that TextPieces::load() reads.
inline CLI::Option* add_tokenizer(CLI::App& app, std::string& path, const std::string& use) {
  const std::string files =
      "tokenizer.json, vocab.txt of BERT, or vocab.json of GPT-2 with merges.txt beside it: ";
  return add_path(app, "--tokenizer", path, (files + use).c_str());
}

template <class T>
struct Choice {
  const char* name;
  T value;
};

/// A flag that takes one of these names, the first by default.
template <class T>
void add_choice(CLI::App& app, const char* flag, T& value, const std::vector<Choice<T>>& choices,
                const char* what) {
  std::vector<std::string> names;
  names.reserve(choices.size());
  for (const Choice<T>& choice : choices) names.emplace_back(choice.name);
  const auto choose = [&value, choices](const std::string& name) {
    for (const Choice<T>& choice : choices) {
      if (choice.name == name) value = choice.value;
    }
  };
  app.add_option_function<std::string>(flag, choose, what)
      ->check(CLI::IsMember(names))
      ->default_str(names.front());
}

/// Refuses flags that have no effect together with `flag`: the ones listed, or all but those.
inline void refuse(const CLI::App& app, const std::string& flag, const std::set<std::string>& names,
                   bool listed = true) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_name();
    if (app.count(flag) == 0 || option->count() == 0 || name == flag) continue;
    if (names.contains(name) == listed) {
      throw CLI::ValidationError(name, "has no effect with " + flag);
    }
  }
}

}  // namespace gradus::examples
