#pragma once
#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// A value in a JSON file, with its place there for errors.
class JsonPlace {
 public:
  using Json = nlohmann::json;

  /// `where` is the operation and the file.
  JsonPlace(const Json& value, const std::string& where, std::string path = "")
      : value_(&value), where_(&where), path_(std::move(path)) {}

  const Json& value() const { return *value_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(fmt::format("{}: {}{}{}", *where_, path_, path_.empty() ? "" : ": ", what));
  }
  bool has(const char* key) const {
    return value_->is_object() && value_->contains(key) && !(*value_)[key].is_null();
  }
  JsonPlace at(const char* key) const {
    if (!value_->is_object()) fail(fmt::format("is {}, not an object", value_->type_name()));
    if (!value_->contains(key)) fail(fmt::format("has no \"{}\"", key));
    return {(*value_)[key], *where_, path_.empty() ? key : path_ + "." + key};
  }
  JsonPlace at(std::size_t i) const {
    return {(*value_)[i], *where_, fmt::format("{}[{}]", path_, i)};
  }

  std::size_t array_size() const {
    if (!value_->is_array()) fail(fmt::format("is {}, not an array", value_->type_name()));
    return value_->size();
  }
  const std::string& text() const {
    if (!value_->is_string()) fail(fmt::format("is {}, not a string", value_->type_name()));
    return value_->get_ref<const std::string&>();
  }
  bool flag() const {
    if (!value_->is_boolean()) fail(fmt::format("is {}, not true or false", value_->type_name()));
    return value_->get<bool>();
  }
  std::int64_t integer() const {
    if (!value_->is_number_integer() ||
        (value_->is_number_unsigned() &&
         value_->get<std::uint64_t>() >= (std::uint64_t{1} << 53U))) {
      fail(fmt::format("is {}, not an integer",
                       printable(value_->dump(-1, ' ', false, Json::error_handler_t::replace))));
    }
    return value_->get<std::int64_t>();
  }
  std::string text_or(const char* key, const std::string& otherwise) const {
    return has(key) ? at(key).text() : otherwise;
  }
  bool flag_or(const char* key, bool otherwise) const {
    return has(key) ? at(key).flag() : otherwise;
  }
  std::int64_t integer_or(const char* key, std::int64_t otherwise) const {
    return has(key) ? at(key).integer() : otherwise;
  }

 private:
  const Json* value_;
  const std::string* where_;
  std::string path_;
};

/// A large object or array of a file that is not kept: its members or elements are taken one by
/// one, and it stays empty in what is parsed. Without a function for it, it is kept.
struct JsonTable {
  std::string path;  ///< such as "model.vocab"; empty for the whole file
  std::function<void(const std::string& key, const JsonPlace::Json& value)> take_member;
  std::function<void(std::size_t position, const JsonPlace::Json& value)> take_element;
};

/// Parses a file. Throws FormatError with line and column where it is not JSON, for nesting beyond
/// 100 levels, and for a key that an object has twice, unless it is a table.
nlohmann::json parse_json(std::string_view text, const std::string& where,
                          const std::vector<JsonTable>& tables = {});

}  // namespace gradus::detail
