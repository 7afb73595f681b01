#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/io/detail/safetensors_json.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

using nlohmann::json;

constexpr std::size_t depth_limit = 8;

/// Builds the value from what nlohmann's parser finds: the functions that it asks for, each of
/// which returns true to go on. A callback for json::parse() would make it look at every member of
/// an object again after each object in it, which takes minutes for a hundred thousand tensors.
class Builder {
 public:
  using Fail = std::function<void(const std::string&)>;

  Builder(const std::string& text, const Fail& fail) : text_(text), fail_(fail) {}

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(std::int64_t value) { return add(value); }
  bool number_unsigned(std::uint64_t value) { return add(value); }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t&) { return false; }  // JSON has none
  bool key(std::string& name) {
    levels_.back().key = std::move(name);
    return true;
  }
  bool start_object(std::size_t) { return open(json::object()); }
  bool start_array(std::size_t) { return open(json::array()); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool parse_error(std::size_t byte, const std::string&, const json::exception& error) {
    if (dynamic_cast<const json::parse_error*>(&error) == nullptr)
      fail_("holds a number that is too large");
    if (byte > text_.size()) fail_("is not JSON: it ends too early");
    const std::size_t begin = byte - std::min<std::size_t>(byte, 20);
    fail_(fmt::format("is not JSON: byte {}, at the end of '{}', is wrong", byte,
                      printable(std::string_view(text_).substr(begin, byte - begin))));
    return false;
  }

  json finish() && { return std::move(result_); }

 private:
  struct Level {
    json value;
    std::string key = {};  // the one read last
  };

  bool open(json empty) {
    if (levels_.size() == depth_limit) fail_("is nested too deeply");
    levels_.push_back({std::move(empty)});
    return true;
  }

  bool close() {
    json value = std::move(levels_.back().value);
    levels_.pop_back();
    return add(std::move(value));
  }

  bool add(json value) {
    if (levels_.empty()) {
      result_ = std::move(value);
      return true;
    }
    Level& level = levels_.back();
    if (level.value.is_array()) {
      level.value.push_back(std::move(value));
    } else if (!level.value.emplace(level.key, std::move(value)).second) {
      fail_(fmt::format("names '{}' twice", printable(level.key)));
    }
    return true;
  }

  const std::string& text_;
  const Fail& fail_;
  std::vector<Level> levels_;  // what is open
  json result_;
};

}  // namespace

json parse_file_json(const std::string& text, const std::function<void(const std::string&)>& fail) {
  // The parser would take a NUL for the end of the text.
  if (text.find('\0') != std::string::npos) fail("holds a NUL byte");
  Builder builder(text, fail);
  json::sax_parse(text, &builder);
  return std::move(builder).finish();
}

std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace gradus::detail
