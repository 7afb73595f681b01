#include <fmt/format.h>
#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/half.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/safetensors_file.h>
#include <gradus/framework/io/detail/safetensors_json.h>
#include <gradus/framework/io/detail/safetensors_keys.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace gradus::detail {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little);

// The bytes of a file.
class SafetensorsFile::Source {
 public:
  virtual ~Source() = default;
  virtual std::uint64_t size() = 0;
  // False if the file ends too early.
  virtual bool read(std::uint64_t position, char* out, std::uint64_t bytes) = 0;
  // Where they are mapped, if they are.
  virtual Ref<Storage> storage() const { return {}; }
};

class SafetensorsFile::Bytes final : public Source {
 public:
  Bytes(const char* operation, const std::string& path)
      : file_(operation, path, Streams::refused) {}

  std::uint64_t size() override { return file_.size(); }
  bool read(std::uint64_t position, char* out, std::uint64_t bytes) override {
    return file_.read_at(position, out, bytes);
  }

 private:
  InputFile file_;
};

class SafetensorsFile::Map final : public Source {
 public:
  explicit Map(const std::string& path) : storage_(Storage::mapped(path)) {}

  std::uint64_t size() override { return storage_->file()->size(); }
  bool read(std::uint64_t position, char* out, std::uint64_t bytes) override {
    if (position > size() || bytes > size() - position) return false;
    if (bytes > 0) std::memcpy(out, storage_->file()->data() + position, bytes);
    return true;
  }
  Ref<Storage> storage() const override { return storage_; }

 private:
  Ref<Storage> storage_;
};

namespace {

template <class From, class To, class F>
void convert(const std::vector<char>& bytes, To* out, std::int64_t n, F&& f) {
  for (std::int64_t i = 0; i < n; ++i) {
    From value;
    std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(f(value));  // NOLINT(bugprone-signed-char-misuse): int8 is a number
  }
}

// Parses a text of the metadata as JSON; a discarded value if it is not JSON. The parser would take
// a NUL for the end of the text.
json parse_metadata(const std::string& text) {
  if (text.find('\0') != std::string::npos) return json(json::value_t::discarded);
  return json::parse(text, nullptr, false);
}

// Takes one of our own entries out of the metadata.
std::optional<json> take(Metadata& metadata, const char* key) {
  const std::string* found = metadata.find(key);
  if (found == nullptr) return std::nullopt;
  json value = parse_metadata(*found);
  metadata.erase(key);
  return value;
}

}  // namespace

SafetensorsFile::SafetensorsFile(const char* operation, const std::string& path, FileAccess access)
    : operation_(operation), path_(path) {
  if (access == FileAccess::map) {
    source_ = std::make_unique<Map>(path);
  } else {
    source_ = std::make_unique<Bytes>(operation, path);
  }
  const json header = parse_file_json(
      read_header(), [this](const std::string& problem) { fail("its header " + problem); });
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") {
      check_metadata(value);
    } else {
      entries_.push_back(check_entry(name, value));
    }
  }
  check_layout();
  for (std::size_t i = 0; i < entries_.size(); ++i) index_[entries_[i].name] = i;
  take_ties();
  take_flags();
}

SafetensorsFile::~SafetensorsFile() = default;
SafetensorsFile::SafetensorsFile(SafetensorsFile&&) noexcept = default;

void SafetensorsFile::fail(const std::string& what) const {
  throw FormatError(
      fmt::format("{}: '{}' is not a valid .safetensors file: {}", operation_, path_, what));
}

// A valid file with something that cannot be read.
void SafetensorsFile::refuse(const std::string& what) const {
  throw FormatError(fmt::format("{}: '{}': {}", operation_, path_, what));
}

std::string SafetensorsFile::read_header() {
  const std::uint64_t size = source_->size();
  if (size < 8) fail(fmt::format("it has {} bytes, but the header length alone has 8", size));
  std::string head(std::min<std::uint64_t>(size, 64), '\0');
  if (!source_->read(0, head.data(), head.size())) fail("it ends within the header");
  std::uint64_t length = 0;
  std::memcpy(&length, head.data(), 8);
  const bool begins_well = length <= header_limit && (size == 8 || head[8] == '{');
  if (length > size - 8 && begins_well) {
    fail(fmt::format("it is cut off: its header has {} bytes, of which {} are there", length,
                     size - 8));
  }
  if (length > size - 8 || length > header_limit) {
    fail(fmt::format("its header would have {} bytes, but {}{}", length,
                     length > size - 8 ? fmt::format("the file has {}", size)
                                       : fmt::format("the format allows {}", header_limit),
                     head[8] == '{' ? "" : looks_like(head) + looks_like_vectors(head)));
  }
  std::string text(length, '\0');
  if (!source_->read(8, text.data(), length)) fail("it ends within the header");
  if (!text.starts_with('{')) fail("its header does not begin with '{'" + looks_like(head));
  data_start_ = 8 + length;
  data_bytes_ = size - data_start_;
  return text;
}

FileType SafetensorsFile::check_type(const std::string& name, const json& value) const {
  if (!value.is_string()) fail(fmt::format("tensor '{}': its dtype is not text", printable(name)));
  return file_type(value.get_ref<const std::string&>());
}

Shape SafetensorsFile::check_shape(const std::string& name, const json& value) const {
  const auto bad = [&](const std::string& what) {
    fail(fmt::format("tensor '{}': {}", printable(name), what));
  };
  if (!value.is_array()) bad("its shape is not an array");
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

SafetensorsFile::Entry SafetensorsFile::check_entry(const std::string& name,
                                                    const json& value) const {
  const auto bad = [&](const std::string& what) {
    fail(fmt::format("tensor '{}': {}", printable(name), what));
  };
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") ||
      !value.contains("shape") || !value.contains("data_offsets")) {
    bad("its entry is not {dtype, shape, data_offsets}");
  }
  const FileType type = check_type(name, value["dtype"]);
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
  if (type.bits == 0) return entry;
  const std::uint64_t bytes = entry.end - entry.begin;
  const auto count = static_cast<std::uint64_t>(shape.numel());
  // count < 2^63 and bits <= 64: the product fits into 128 bits
  __extension__ using Wide = unsigned __int128;
  if (static_cast<Wide>(count) * type.bits != static_cast<Wide>(bytes) * 8) {
    bad(fmt::format("{} bytes for shape {} of {}", bytes, shape.str(), type.name));
  }
  return entry;
}

void SafetensorsFile::check_layout() {
  std::stable_sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t position = 0;
  for (const Entry& entry : entries_) {
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

void SafetensorsFile::check_metadata(const json& value) {
  if (!value.is_object()) fail("its __metadata__ is not an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) fail(fmt::format("its __metadata__ '{}' is not text", printable(key)));
    metadata_[key] = text.get<std::string>();
  }
}

void SafetensorsFile::take_ties() {
  const std::optional<json> ties = take(metadata_, tied_key);
  if (!ties) return;
  if (!ties->is_object()) fail("its metadata gradus.tied is not an object");
  for (const auto& [name, kept] : ties->items()) {
    const auto place = kept.is_string() ? index_.find(kept.get<std::string>()) : index_.end();
    if (place == index_.end() || index_.count(name) > 0) {
      fail(fmt::format("its metadata gradus.tied has no tensor for '{}'", printable(name)));
    }
    entries_[place->second].tied.push_back(name);
    index_[name] = place->second;
  }
}

void SafetensorsFile::take_flags() {
  const std::optional<json> flags = take(metadata_, frozen_key);
  if (!flags) return;
  if (!flags->is_object()) fail("its metadata gradus.frozen is not an object");
  for (const auto& [name, flag] : flags->items()) {
    if (!flag.is_boolean() || index_.count(name) == 0) {
      fail(fmt::format("its metadata gradus.frozen names '{}', which is not a tensor",
                       printable(name)));
    }
    frozen_[name] = flag.get<bool>();
  }
}

std::vector<std::string> SafetensorsFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : index_) names.push_back(name);
  return names;
}

bool SafetensorsFile::contains(std::string_view name) const { return index_.count(name) > 0; }

const SafetensorsFile::Entry* SafetensorsFile::find(std::string_view name) const {
  const auto place = index_.find(name);
  return place == index_.end() ? nullptr : &entries_[place->second];
}

void SafetensorsFile::require_readable(std::string_view name, bool mapped) const {
  const Entry* entry = find(name);
  if (entry == nullptr) return;
  if (!entry->type.dtype) {
    refuse(
        fmt::format("tensor '{}' is of dtype {}, which is not supported: convert it to one of {}",
                    printable(name), printable(entry->type.name), readable_types()));
  }
  if (mapped && !is_mappable(entry->type)) {
    refuse(fmt::format("tensor '{}': {} needs conversion, so it cannot be mapped: load() it",
                       printable(name), entry->type.name));
  }
}

void SafetensorsFile::read(StateDict& state,
                           const std::function<bool(const std::string&)>& wanted) const {
  for (const Entry& entry : entries_) {
    std::vector<std::string> names = entry.tied;
    names.insert(names.begin(), entry.name);
    std::erase_if(names, [&](const std::string& name) { return !wanted(name); });
    if (names.empty()) continue;
    const bool map = source_->storage() && is_mappable(entry.type);
    Tensor tensor;
    if (entry.type.dtype) tensor = map ? map_tensor(entry) : read_tensor(entry);
    for (const std::string& name : names) {
      if (state.contains(name) || state.left_out.contains(name)) {
        refuse(fmt::format("tensor '{}' is in another shard too", printable(name)));
      }
      if (!entry.type.dtype) {
        state.left_out[name] = entry.type.name;
        continue;
      }
      const auto flag = frozen_.find(name);
      state.set(name, tensor, flag == frozen_.end() ? std::nullopt : std::optional(flag->second));
    }
  }
}

Tensor SafetensorsFile::read_tensor(const Entry& entry) const {
  Tensor tensor = empty(entry.shape, *entry.type.dtype);
  const auto bytes = static_cast<std::size_t>(entry.end - entry.begin);
  const std::int64_t n = entry.shape.numel();
  const std::string& type = entry.type.name;
  const auto same = [](auto value) { return value; };
  const bool direct = is_mappable(entry.type);
  std::vector<char> bits(direct ? 0 : bytes);
  char* target = direct ? static_cast<char*>(raw(tensor)) : bits.data();
  if (!source_->read(data_start_ + entry.begin, target, bytes)) {
    fail(fmt::format("it ends within tensor '{}'", printable(entry.name)));
  }
  if (direct) return tensor;
  if (tensor.dtype() == DType::boolean) {
    convert<std::uint8_t>(bits, tensor.mutable_data<bool>(), n, [](auto v) { return v != 0; });
  } else if (type == "F16") {
    convert<std::uint16_t>(bits, tensor.mutable_data<float>(), n, from_half);
  } else if (type == "BF16") {
    convert<std::uint16_t>(bits, tensor.mutable_data<float>(), n, from_bfloat16);
  } else {
    auto* out = tensor.mutable_data<std::int64_t>();
    if (type == "I32") convert<std::int32_t>(bits, out, n, same);
    if (type == "I16") convert<std::int16_t>(bits, out, n, same);
    if (type == "I8") convert<std::int8_t>(bits, out, n, same);
    if (type == "U32") convert<std::uint32_t>(bits, out, n, same);
    if (type == "U16") convert<std::uint16_t>(bits, out, n, same);
    if (type == "U8") convert<std::uint8_t>(bits, out, n, same);
  }
  return tensor;
}

Tensor SafetensorsFile::map_tensor(const Entry& entry) const {
  return Access::make(source_->storage(), static_cast<std::int64_t>(data_start_ + entry.begin),
                      entry.shape, *entry.type.dtype);
}

}  // namespace gradus::detail
