#include <gradus/framework/text/detail/json_place.h>

#include <algorithm>
#include <set>
#include <vector>

namespace gradus::detail {
namespace {

using Json = JsonPlace::Json;

// The name of a key that an object has twice; it is known that there is one.
std::string key_twice(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  std::string found;
  const auto watch = [&](int, Json::parse_event_t event, Json& value) {
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      found = value.get<std::string>();
    }
    return true;
  };
  return Json::parse(text, watch).is_null() ? std::string() : found;
}

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where) {
  constexpr int most_levels = 100;
  std::size_t keys = 0, kept = 0;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > most_levels)
      throw FormatError(fmt::format("{}: nested more than {} levels deep", where, most_levels));
    keys += event == Json::parse_event_t::key ? 1 : 0;
    kept += event == Json::parse_event_t::object_end ? value.size() : 0;
    return true;
  };
  try {
    Json result = Json::parse(text, watch);
    if (keys != kept)
      throw FormatError(
          fmt::format("{}: the key '{}' is there twice", where, printable(key_twice(text))));
    return result;
  } catch (const Json::parse_error& error) {
    const std::string_view before =
        text.substr(0, std::min(error.byte > 0 ? error.byte - 1 : 0, text.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    throw FormatError(fmt::format(
        "{}:{}:{}: not JSON{}", where, line, column,
        error.byte > text.size() ? ": the text ends too early" : looks_like(text.substr(0, 64))));
  } catch (const Json::exception&) {
    throw FormatError(fmt::format("{}: a number is too large", where));
  }
}

}  // namespace gradus::detail
