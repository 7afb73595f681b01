#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/number_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/optim/detail/state_text.h>

namespace gradus::detail {

const std::string& text_of(const StateDict& state, const std::string& key) {
  const std::string* text = state.metadata.find(key);
  if (text == nullptr) {
    throw FormatError(fmt::format("load_state_dict: the state has no '{}'", key));
  }
  return *text;
}

// The whole text as a number, independent of the locale.
template <class Number>
Number number_of(const StateDict& state, const std::string& key) {
  const std::string& text = text_of(state, key);
  Number value{};
  if (parse_number(text, value) != NumberText::number) {
    throw FormatError(
        fmt::format("load_state_dict: '{}' is '{}', not a number", key, printable(text)));
  }
  return value;
}

bool flag_of(const StateDict& state, const std::string& key) {
  const std::string& text = text_of(state, key);
  if (text != "true" && text != "false") {
    throw FormatError(
        fmt::format("load_state_dict: '{}' is '{}', not true or false", key, printable(text)));
  }
  return text == "true";
}

void check_direction(const char* owner, const StateDict& state, const std::string& key,
                     bool maximize) {
  if (state.metadata.find(key) == nullptr || flag_of(state, key) == maximize) return;
  throw ValueError(
      fmt::format("load_state_dict: the state is that of {} with maximize = {}, not {}: its best "
                  "value would be the worst here",
                  owner, !maximize, maximize));
}

bool same_class(std::string_view a, std::string_view b) {
  const auto letters = [](std::string_view name) {
    std::string result;
    for (const char c : name) {
      if (c != '_') result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return result;
  };
  return letters(a) == letters(b);
}

template double number_of<double>(const StateDict&, const std::string&);
template std::int64_t number_of<std::int64_t>(const StateDict&, const std::string&);

}  // namespace gradus::detail
