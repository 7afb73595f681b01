#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/half.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/storage.h>
#include <gradus/framework/io/detail/safetensors_keys.h>
#include <gradus/framework/io/safetensors.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little);

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int depth_limit = 8;
using detail::printable;
using detail::tied_key;

// An element type of the format: its size in the file, and what it becomes.
struct FileType {
  const char* name;
  std::uint64_t bytes;
  DType dtype;
};
constexpr std::array<FileType, 12> file_types{{{"F32", 4, DType::float32},
                                               {"F64", 8, DType::float64},
                                               {"I64", 8, DType::int64},
                                               {"BOOL", 1, DType::boolean},
                                               {"F16", 2, DType::float32},
                                               {"BF16", 2, DType::float32},
                                               {"I32", 4, DType::int64},
                                               {"I16", 2, DType::int64},
                                               {"I8", 1, DType::int64},
                                               {"U32", 4, DType::int64},
                                               {"U16", 2, DType::int64},
                                               {"U8", 1, DType::int64}}};

template <class From, class To, class F>
void convert(const std::vector<char>& bytes, To* out, std::int64_t n, F&& f) {
  for (std::int64_t i = 0; i < n; ++i) {
    From value;
    std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(f(value));  // NOLINT(bugprone-signed-char-misuse): int8 is a number
  }
}

// One tensor as the header describes it, checked.
struct Entry {
  std::string name;
  FileType type;
  Shape shape;
  std::uint64_t begin, end;
};

// The bytes of a file: read on demand, or mapped.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::uint64_t size() = 0;
  // False if the file ends too early.
  virtual bool read(std::uint64_t position, char* out, std::uint64_t bytes) = 0;
};

class FileSource final : public Source {
 public:
  explicit FileSource(const fs::path& path) : file_("load", path.string()) {}

  std::uint64_t size() override { return file_.size(); }
  bool read(std::uint64_t position, char* out, std::uint64_t bytes) override {
    return file_.read_at(position, out, bytes);
  }

 private:
  detail::InputFile file_;
};

class MapSource final : public Source {
 public:
  explicit MapSource(const fs::path& path) : storage_(detail::Storage::mapped(path.string())) {}

  std::uint64_t size() override { return storage_->file()->size(); }
  bool read(std::uint64_t position, char* out, std::uint64_t bytes) override {
    if (position > size() || bytes > size() - position) return false;
    if (bytes > 0) std::memcpy(out, storage_->file()->data() + position, bytes);
    return true;
  }
  const detail::Ref<detail::Storage>& storage() const { return storage_; }

 private:
  detail::Ref<detail::Storage> storage_;
};

// A value of the header, for an error message.
std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

class Reader {
 public:
  Reader(const char* operation, const fs::path& path, Source& source)
      : operation_(operation), path_(path), source_(source) {}

  // With a name, reads only that tensor. If there is a `storage`, maps from it what can be mapped.
  StateDict read(const detail::Ref<detail::Storage>& storage = {},
                 std::optional<std::string_view> only = std::nullopt);

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(fmt::format("{}: '{}' is not a valid .safetensors file: {}", operation_,
                                  path_.string(), what));
  }
  // A valid file with something that cannot be read.
  [[noreturn]] void refuse(const std::string& what) const {
    throw FormatError(fmt::format("{}: '{}': {}", operation_, path_.string(), what));
  }
  std::string read_header();
  json parse(const std::string& text) const;
  const FileType& check_type(const std::string& name, const std::string& type) const;
  Shape check_shape(const std::string& name, const json& value) const;
  Entry check_entry(const std::string& name, const json& value) const;
  void check_layout(std::vector<Entry>& entries) const;
  Metadata check_metadata(const json& value) const;
  Tensor read_tensor(const Entry& entry);
  Tensor map_tensor(const Entry& entry, const detail::Ref<detail::Storage>& storage) const;
  void keep_only(StateDict& state, std::vector<Entry>& entries, std::string_view name) const;
  void restore_flags(StateDict& state) const;

  const char* operation_;
  const fs::path& path_;
  Source& source_;
  std::uint64_t data_start_ = 0, data_bytes_ = 0;
};

// Parses a text of the metadata as JSON; a discarded value if it is not JSON. The parser would take
// a NUL for the end of the text.
json parse_metadata(const std::string& text) {
  if (text.find('\0') != std::string::npos) return json(json::value_t::discarded);
  return json::parse(text, nullptr, false);
}

std::string Reader::read_header() {
  const std::uint64_t size = source_.size();
  if (size < 8) fail(fmt::format("it has {} bytes, but the header length alone has 8", size));
  std::string head(std::min<std::uint64_t>(size, 64), '\0');
  if (!source_.read(0, head.data(), head.size())) fail("it ends within the header");
  std::uint64_t length = 0;
  std::memcpy(&length, head.data(), 8);
  if (length > size - 8 || length > detail::header_limit) {
    fail(fmt::format("its header would have {} bytes, but the file has {}{}", length, size,
                     detail::looks_like(head)));
  }
  std::string text(length, '\0');
  if (!source_.read(8, text.data(), length)) fail("it ends within the header");
  if (!text.starts_with('{')) {
    fail("its header does not begin with '{'" + detail::looks_like(head));
  }
  data_start_ = 8 + length;
  data_bytes_ = size - data_start_;
  return text;
}

json Reader::parse(const std::string& text) const {
  if (text.find('\0') != std::string::npos) fail("its header holds a NUL byte");
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > depth_limit) fail("its header is nested too deeply");
    if (event == json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      keys.pop_back();
    } else if (event == json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second) {
        fail(fmt::format("its header names '{}' twice", printable(key)));
      }
    }
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::parse_error& error) {
    if (error.byte > text.size()) fail("its header is not JSON: it ends too early");
    const std::size_t begin = error.byte - std::min<std::size_t>(error.byte, 20);
    fail(fmt::format("its header is not JSON: byte {}, at the end of '{}', is wrong", error.byte,
                     printable(std::string_view(text).substr(begin, error.byte - begin))));
  } catch (const json::exception&) {
    fail("its header holds a number that is too large");
  }
}

const FileType& Reader::check_type(const std::string& name, const std::string& type) const {
  const auto* known = std::find_if(file_types.begin(), file_types.end(),
                                   [&](const FileType& t) { return type == t.name; });
  if (known != file_types.end()) return *known;
  std::vector<const char*> names;
  names.reserve(file_types.size());
  for (const FileType& t : file_types) names.push_back(t.name);
  refuse(fmt::format("tensor '{}' is of dtype {}, which is not supported: convert it to one of {}",
                     printable(name), printable(type), fmt::join(names, ", ")));
}

Shape Reader::check_shape(const std::string& name, const json& value) const {
  const auto bad = [&](const std::string& what) {
    fail(fmt::format("tensor '{}': {}", printable(name), what));
  };
  std::vector<std::int64_t> sizes;
  for (const json& size : value) {
    if (!size.is_number_unsigned()) {
      bad(fmt::format("size {} is not a non-negative integer", shown(size)));
    }
    const auto number = size.get<std::uint64_t>();
    if (number > (std::uint64_t{1} << 62U)) bad(fmt::format("size {} is too large", number));
    sizes.push_back(static_cast<std::int64_t>(number));
  }
  try {
    return Shape(sizes);
  } catch (const ShapeError& error) {
    bad(error.what());
  }
  return {};
}

Entry Reader::check_entry(const std::string& name, const json& value) const {
  const auto bad = [&](const std::string& what) {
    fail(fmt::format("tensor '{}': {}", printable(name), what));
  };
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets")) {
    bad("its entry is not {dtype, shape, data_offsets}");
  }
  if (!value["dtype"].is_string()) bad("its dtype is not text");
  if (!value["shape"].is_array()) bad("its shape is not an array");
  const FileType& type = check_type(name, value["dtype"].get_ref<const std::string&>());
  const Shape shape = check_shape(name, value["shape"]);
  const json& offsets = value["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    bad(fmt::format("its data_offsets are {}, not two non-negative integers", shown(offsets)));
  }
  Entry entry{name, type, shape, offsets[0].get<std::uint64_t>(), offsets[1].get<std::uint64_t>()};
  if (entry.begin > entry.end) {
    bad(fmt::format("its data_offsets [{}, {}] are in reverse order", entry.begin, entry.end));
  }
  if (entry.end > data_bytes_) {
    bad(fmt::format("bytes [{}, {}) are outside the {} bytes of data: is the file truncated?",
                    entry.begin, entry.end, data_bytes_));
  }
  const std::uint64_t bytes = entry.end - entry.begin;
  const auto count = static_cast<std::uint64_t>(shape.numel());
  if (bytes % type.bytes != 0 || bytes / type.bytes != count) {
    bad(fmt::format("{} bytes for shape {} of {}", bytes, shape.str(), type.name));
  }
  return entry;
}

void Reader::check_layout(std::vector<Entry>& entries) const {
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != position) {
      fail(fmt::format("tensor '{}' begins at byte {}, but the data before it ends at {}",
                       printable(entry.name), entry.begin, position));
    }
    position = entry.end;
  }
  if (position != data_bytes_) {
    fail(fmt::format("{} bytes at the end belong to no tensor", data_bytes_ - position));
  }
}

Metadata Reader::check_metadata(const json& value) const {
  if (!value.is_object()) fail("its __metadata__ is not an object");
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) fail(fmt::format("its __metadata__ '{}' is not text", printable(key)));
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

// True if the file holds the values as a tensor does; bytes of a boolean may be more than 0 and 1.
bool is_mappable(const FileType& type) {
  return type.dtype != DType::boolean &&
         type.bytes == static_cast<std::uint64_t>(item_size(type.dtype));
}

Tensor Reader::read_tensor(const Entry& entry) {
  Tensor tensor = empty(entry.shape, entry.type.dtype);
  const auto bytes = static_cast<std::size_t>(entry.end - entry.begin);
  const std::int64_t n = entry.shape.numel();
  const std::string_view type = entry.type.name;
  const auto same = [](auto value) { return value; };
  const bool direct = is_mappable(entry.type);
  std::vector<char> raw(direct ? 0 : bytes);
  char* target = direct ? static_cast<char*>(detail::raw(tensor)) : raw.data();
  if (!source_.read(data_start_ + entry.begin, target, bytes)) {
    fail(fmt::format("it ends within tensor '{}'", printable(entry.name)));
  }
  if (direct) return tensor;
  if (entry.type.dtype == DType::boolean) {
    convert<std::uint8_t>(raw, tensor.mutable_data<bool>(), n, [](auto v) { return v != 0; });
  } else if (entry.type.dtype == DType::float32) {
    convert<std::uint16_t>(raw, tensor.mutable_data<float>(), n, [&](std::uint16_t v) {
      return type == "F16" ? detail::from_half(v) : detail::from_bfloat16(v);
    });
  } else {
    auto* out = tensor.mutable_data<std::int64_t>();
    if (type == "I32") convert<std::int32_t>(raw, out, n, same);
    if (type == "I16") convert<std::int16_t>(raw, out, n, same);
    if (type == "I8") convert<std::int8_t>(raw, out, n, same);
    if (type == "U32") convert<std::uint32_t>(raw, out, n, same);
    if (type == "U16") convert<std::uint16_t>(raw, out, n, same);
    if (type == "U8") convert<std::uint8_t>(raw, out, n, same);
  }
  return tensor;
}

Tensor Reader::map_tensor(const Entry& entry, const detail::Ref<detail::Storage>& storage) const {
  return detail::Access::make(storage, static_cast<std::int64_t>(data_start_ + entry.begin),
                              entry.shape, entry.type.dtype);
}

// Drops all tensors but one, which may be tied to one that is stored under another name.
void Reader::keep_only(StateDict& state, std::vector<Entry>& entries, std::string_view name) const {
  std::string kept(name);
  if (const std::string* tied = state.metadata.find(tied_key)) {
    const json ties = parse_metadata(*tied);
    if (ties.is_object() && ties.contains(kept) && ties[kept].is_string()) {
      kept = ties[kept].get<std::string>();
    }
  }
  const auto place = std::find_if(entries.begin(), entries.end(),
                                  [&](const Entry& entry) { return entry.name == kept; });
  if (place == entries.end()) {
    std::vector<std::string> names;
    names.reserve(entries.size());
    for (const Entry& entry : entries) names.push_back(entry.name);
    throw IndexError(fmt::format("{}: '{}' has no tensor '{}'; there are [{}]", operation_,
                                 path_.string(), name, detail::printable_names(names)));
  }
  state.metadata.clear();
  Entry found = std::move(*place);
  found.name = name;
  if (!is_mappable(found.type)) {
    refuse(fmt::format("tensor '{}': {} needs conversion, so it cannot be mapped: load() it",
                       printable(name), found.type.name));
  }
  entries.clear();
  entries.push_back(std::move(found));
}

// Takes our own entries out of the metadata and applies them.
void Reader::restore_flags(StateDict& state) const {
  const auto take = [&](const char* key) -> std::optional<json> {
    const std::string* found = state.metadata.find(key);
    if (found == nullptr) return std::nullopt;
    json value = parse_metadata(*found);
    state.metadata.erase(key);
    return value;
  };
  if (const std::optional<json> tied = take(tied_key)) {
    if (!tied->is_object()) fail("its metadata gradus.tied is not an object");
    for (const auto& [name, kept] : tied->items()) {
      if (!kept.is_string() || !state.contains(kept.get<std::string>()) || state.contains(name)) {
        fail(fmt::format("its metadata gradus.tied has no tensor for '{}'", printable(name)));
      }
      state.set(name, state.at(kept.get<std::string>()));
    }
  }
  if (const std::optional<json> frozen = take(detail::frozen_key)) {
    if (!frozen->is_object()) fail("its metadata gradus.frozen is not an object");
    for (const auto& [name, flag] : frozen->items()) {
      if (!flag.is_boolean() || !state.contains(name)) {
        fail(fmt::format("its metadata gradus.frozen names '{}', which is not a tensor",
                         printable(name)));
      }
      state.set(name, state.at(name), flag.get<bool>());
    }
  }
}

StateDict Reader::read(const detail::Ref<detail::Storage>& storage,
                       std::optional<std::string_view> only) {
  const std::string text = read_header();
  const json header = parse(text);
  StateDict state;
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      state.metadata = check_metadata(value);
    } else {
      entries.push_back(check_entry(name, value));
    }
  }
  check_layout(entries);
  if (only) keep_only(state, entries, *only);
  for (const Entry& entry : entries) {
    const bool map = storage && is_mappable(entry.type);
    state.set(entry.name, map ? map_tensor(entry, storage) : read_tensor(entry));
  }
  restore_flags(state);
  return state;
}

}  // namespace

StateDict load(const std::string& path) {
  const fs::path file(path);
  FileSource source(file);
  return Reader("load", file, source).read();
}

StateDict load_mapped(const std::string& path) {
  const fs::path file(path);
  MapSource source(file);
  return Reader("load_mapped", file, source).read(source.storage());
}

Tensor load_mapped(const std::string& path, std::string_view name) {
  const fs::path file(path);
  MapSource source(file);
  const StateDict state = Reader("load_mapped", file, source).read(source.storage(), name);
  return state.at(name);
}

}  // namespace gradus
