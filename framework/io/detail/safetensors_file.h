#pragma once
#include <gradus/framework/base/detail/ref.h>
#include <gradus/framework/core/storage.h>
#include <gradus/framework/io/detail/safetensors_types.h>
#include <gradus/framework/module/state_dict.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// How the bytes of a file are reached.
enum class FileAccess : std::uint8_t { read, map };

/// One .safetensors file, open, with a header that was checked.
class SafetensorsFile {
 public:
  /// Reads and checks the header. Throws FormatError, and Error if the file cannot be read.
  SafetensorsFile(const char* operation, const std::string& path, FileAccess access);
  ~SafetensorsFile();
  SafetensorsFile(SafetensorsFile&&) noexcept;
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  /// Without our own keys.
  const Metadata& metadata() const { return metadata_; }
  /// All names, with those tied to another one.
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;

  /// Reads the tensors whose names are wanted into a state, where those of an unreadable dtype
  /// become `left_out`. Throws FormatError for a name that the state has already.
  void read(StateDict& state, const std::function<bool(const std::string&)>& wanted) const;
  /// Throws FormatError if the tensor is of a dtype that cannot be read or, if the file is mapped
  /// and `mapped` is true, mapped.
  void require_readable(std::string_view name, bool mapped = false) const;

 private:
  class Source;
  class Bytes;
  class Map;

  // One tensor as the header describes it, checked.
  struct Entry {
    std::string name;
    FileType type;
    Shape shape;
    std::uint64_t begin, end;
    std::vector<std::string> tied{};  // further names of it
  };

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void refuse(const std::string& what) const;
  std::string read_header();
  FileType check_type(const std::string& name, const nlohmann::json& value) const;
  Shape check_shape(const std::string& name, const nlohmann::json& value) const;
  Entry check_entry(const std::string& name, const nlohmann::json& value) const;
  void check_layout();
  void check_metadata(const nlohmann::json& value);
  void take_ties();
  void take_flags();
  const Entry* find(std::string_view name) const;
  Tensor read_tensor(const Entry& entry) const;
  Tensor map_tensor(const Entry& entry) const;

  const char* operation_;
  std::string path_;
  std::unique_ptr<Source> source_;
  std::uint64_t data_start_ = 0, data_bytes_ = 0;
  std::vector<Entry> entries_;
  std::map<std::string, std::size_t, std::less<>> index_;  // of each name, its entry
  std::map<std::string, bool> frozen_;
  Metadata metadata_;
};

}  // namespace gradus::detail
