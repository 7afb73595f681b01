#include <gradus/framework/text/detail/json_place.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

using Json = JsonPlace::Json;

/// Builds the value of a text from what nlohmann's parser finds in it: the functions that it asks
/// for, each of which returns true to go on.
class JsonBuilder {
 public:
  JsonBuilder(std::string_view text, const std::string& where, const std::vector<JsonTable>& tables)
      : text_(text), where_(where), tables_(tables) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(Json::binary_t&) { return false; }  // JSON has none
  bool key(std::string& name) {
    levels_.back().key = std::move(name);
    return true;
  }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  [[noreturn]] bool parse_error(std::size_t byte, const std::string&,
                                const Json::exception& error) {
    if (dynamic_cast<const Json::parse_error*>(&error) == nullptr)
      throw FormatError(fmt::format("{}: a number is too large", where_));
    const std::string_view before =
        text_.substr(0, std::min(byte > 0 ? byte - 1 : 0, text_.size()));
    const auto line = std::count(before.begin(), before.end(), '\n') + 1;
    const std::size_t column = before.size() - (before.rfind('\n') + 1) + 1;
    throw FormatError(fmt::format(
        "{}:{}:{}: not JSON{}", where_, line, column,
        byte > text_.size() ? ": the text ends too early" : looks_like(text_.substr(0, 64))));
  }

  Json finish() && {
    if (twice_)
      throw FormatError(fmt::format("{}: the key '{}' is there twice", where_, printable(*twice_)));
    return std::move(result_);
  }

 private:
  struct Level {
    Json value;
    std::optional<std::string> path;  // of an object that is in no array
    const JsonTable* table;           // what takes the elements, instead of the value
    std::string key = {};             // the one read last
    std::size_t count = 0;            // of elements of a table
  };

  bool open(Json empty) {
    constexpr std::size_t most_levels = 100;
    if (levels_.size() == most_levels)
      throw FormatError(fmt::format("{}: nested more than {} levels deep", where_, most_levels));
    std::optional<std::string> path = next_path();
    const auto takes = [&](const JsonTable& table) {
      return path == table.path &&
             (empty.is_object() ? table.take_member != nullptr : table.take_element != nullptr);
    };
    const auto table = std::find_if(tables_.begin(), tables_.end(), takes);
    levels_.push_back(
        {std::move(empty), std::move(path), table == tables_.end() ? nullptr : &*table});
    return true;
  }

  std::optional<std::string> next_path() const {
    if (levels_.empty()) return "";
    const Level& level = levels_.back();
    if (level.table != nullptr || !level.path || level.value.is_array()) return std::nullopt;
    return level.path->empty() ? level.key : *level.path + "." + level.key;
  }

  bool close() {
    Json value = std::move(levels_.back().value);
    levels_.pop_back();
    return add(std::move(value));
  }

  bool add(Json value) {
    if (levels_.empty()) {
      result_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) {
      if (level.table != nullptr) {
        level.table->take_element(level.count++, value);
      } else {
        level.value.push_back(std::move(value));
      }
    } else if (level.table != nullptr) {
      level.table->take_member(level.key, value);
    } else if (!level.value.emplace(level.key, std::move(value)).second) {
      twice_ = level.key;
    }
    return true;
  }

  std::string_view text_;
  const std::string& where_;
  const std::vector<JsonTable>& tables_;
  std::vector<Level> levels_;  // what is open
  Json result_;
  std::optional<std::string> twice_;  // a key
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& where,
                          const std::vector<JsonTable>& tables) {
  JsonBuilder builder(text, where, tables);
  Json::sax_parse(text, &builder);
  return std::move(builder).finish();
}

}  // namespace gradus::detail
