#pragma once

#include <cmath>
#include <cstdio>
#include <string>

namespace peers {

inline std::string format(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof(text), form, value);
  return text;
}

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// JSON has no NaN and no infinity.
inline std::string number(double value) {
  return std::isfinite(value) ? format("%.9g", value) : "null";
}

/// A JSON object, its fields in the order in which they are added.
class Json {
 public:
  Json& text(const std::string& key, const std::string& value) { return raw(key, quoted(value)); }
  Json& real(const std::string& key, double value) { return raw(key, number(value)); }
  Json& integer(const std::string& key, int value) { return raw(key, std::to_string(value)); }
  Json& boolean(const std::string& key, bool value) { return raw(key, value ? "true" : "false"); }
  Json& null(const std::string& key) { return raw(key, "null"); }
  Json& raw(const std::string& key, const std::string& value) {
    body_ += (body_.empty() ? "" : ", ") + quoted(key) + ": " + value;
    return *this;
  }
  std::string str() const { return "{" + body_ + "}"; }

 private:
  std::string body_;
};

/// The items, each JSON already, as an array.
template <class Items>
std::string json_array(const Items& items) {
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ", ") + item;
  return "[" + list + "]";
}

}  // namespace peers
