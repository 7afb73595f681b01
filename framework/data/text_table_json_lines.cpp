#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/data/detail/sample_reader.h>
#include <gradus/framework/data/text_table.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

namespace gradus {
namespace {

using Json = nlohmann::ordered_json;

constexpr int depth_limit = 100;

// What is wrong with a line, and an example.
struct Fault {
  std::string kind, example;
};

// The object of a line; throws Fault.
Json parse_object(const std::string& line) {
  std::set<std::string> keys;  // of the outermost object
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > depth_limit) throw Fault{fmt::format("nested more than {} deep", depth_limit), ""};
    if (event == Json::parse_event_t::key && depth == 1) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.insert(key).second) {
        throw Fault{"a field twice", fmt::format("'{}'", detail::printable(key))};
      }
    }
    return true;
  };
  try {
    Json object = Json::parse(line, watch);
    if (object.is_object()) return object;
  } catch (const Json::parse_error& error) {
    throw Fault{"not JSON", fmt::format("at byte {}", error.byte)};
  } catch (const Json::exception&) {  // a number beyond double
    throw Fault{"a number that is too large", ""};
  }
  throw Fault{"not a JSON object", ""};
}

// The text of a field; throws Fault.
std::string text_of(const Json& object, const std::string& field) {
  const auto found = object.find(field);
  if (found == object.end()) {
    throw Fault{fmt::format("no field '{}'", detail::printable(field)), ""};
  }
  if (found->is_null()) throw Fault{fmt::format("'{}' is null", detail::printable(field)), ""};
  if (!found->is_string()) return found->dump();
  auto text = found->get<std::string>();
  if (detail::fault_of_text(text) != nullptr) {
    throw Fault{fmt::format("'{}' contains a NUL", detail::printable(field)), ""};
  }
  return text;
}

}  // namespace

TextTable read_json_lines(const std::string& path, const JsonLinesOptions& options) {
  detail::SampleReader reader("read_json_lines", path,
                              {options.bad_lines, options.encoding, options.skipped});
  std::vector<std::string> fields = options.fields;
  std::vector<TextTable::Row> rows;
  while (reader.next()) {
    if (reader.line().find_first_not_of(" \t") == std::string::npos || !reader.is_text()) continue;
    try {
      const Json object = parse_object(reader.line());
      if (fields.empty()) {
        for (const auto& [key, value] : object.items()) fields.push_back(key);
      }
      if (fields.empty()) throw Fault{"an object without fields", ""};
      TextTable::Row row;
      for (const std::string& field : fields) row.push_back(text_of(object, field));
      rows.push_back(std::move(row));
    } catch (const Fault& fault) {
      reader.bad(fault.kind, fault.example);
    }
  }
  reader.finish();
  return {std::move(fields), std::move(rows)};
}

}  // namespace gradus
