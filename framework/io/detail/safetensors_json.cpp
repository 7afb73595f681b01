#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/io/detail/safetensors_json.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

namespace gradus::detail {

using nlohmann::json;

constexpr int depth_limit = 8;

json parse_file_json(const std::string& text, const std::function<void(const std::string&)>& fail) {
  // The parser would take a NUL for the end of the text.
  if (text.find('\0') != std::string::npos) fail("holds a NUL byte");
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > depth_limit) fail("is nested too deeply");
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) fail(fmt::format("names '{}' twice", printable(key)));
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::parse_error& error) {
    if (error.byte > text.size()) fail("is not JSON: it ends too early");
    const std::size_t begin = error.byte - std::min<std::size_t>(error.byte, 20);
    fail(fmt::format("is not JSON: byte {}, at the end of '{}', is wrong", error.byte,
                     printable(std::string_view(text).substr(begin, error.byte - begin))));
  } catch (const json::exception&) {
    fail("holds a number that is too large");
  }
  return {};
}

std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace gradus::detail
