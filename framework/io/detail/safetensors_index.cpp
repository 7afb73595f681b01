#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/safetensors_index.h>
#include <gradus/framework/io/detail/safetensors_json.h>
#include <gradus/framework/io/detail/safetensors_keys.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <vector>

namespace gradus::detail {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What is in the folder, for somebody who has to choose.
std::string choices(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json")) {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  if (names.empty()) return "it has no .safetensors file";
  return fmt::format("name one of its files [{}]", printable_names(names));
}

std::string file_in(const char* operation, const fs::path& folder) {
  std::error_code code;
  for (const char* name : {safetensors_model_name, safetensors_index_name}) {
    if (fs::exists(folder / name, code)) return (folder / name).string();
  }
  throw Error(fmt::format("{}: the folder '{}' has neither {} nor {}: {}", operation,
                          folder.string(), safetensors_model_name, safetensors_index_name,
                          choices(folder)));
}

// True for JSON: its first eight bytes, as the length of a header, would be beyond any limit.
bool is_json(std::string_view head) {
  const std::size_t begin = head.find_first_not_of(" \t\r\n");
  const bool has_length = head.size() >= 8 && head.substr(4, 4) == std::string_view("\0\0\0\0", 4);
  return begin != std::string_view::npos && head[begin] == '{' && !has_length;
}

class IndexReader {
 public:
  IndexReader(const char* operation, const std::string& path)
      : operation_(operation), path_(path) {}

  SafetensorsIndex parse(const std::string& text) const {
    const json all = parse_file_json(text, [this](const std::string& problem) { fail(problem); });
    if (!all.is_object() || !all.contains("weight_map")) fail("has no \"weight_map\"");
    const json& map = all["weight_map"];
    if (!map.is_object()) fail("has a \"weight_map\" that is not an object");
    if (map.empty()) check_size(all);
    SafetensorsIndex index{path_, {}};
    for (const auto& [name, shard] : map.items()) {
      if (!shard.is_string()) {
        fail(fmt::format("places tensor '{}' in {}, not in a file", printable(name), shown(shard)));
      }
      index.shards[name] = shard_path(name, shard.get<std::string>());
    }
    return index;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FormatError(fmt::format("{}: '{}' is not an index of .safetensors files: it {}",
                                  operation_, path_, what));
  }

  // Of an index that places nothing: that of an empty state, not one that lost its tensors.
  void check_size(const json& all) const {
    if (!all.contains("metadata") || !all["metadata"].is_object()) return;
    const json& metadata = all["metadata"];
    if (!metadata.contains("total_size") || metadata["total_size"] == 0) return;
    fail(
        fmt::format("places no tensor, but has a total_size of {}", shown(metadata["total_size"])));
  }

  std::string shard_path(const std::string& name, const std::string& shard) const {
    const bool leaves = shard.empty() || shard == "." || shard == ".." ||
                        shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos;
    if (leaves) {
      fail(fmt::format("places tensor '{}' in '{}', which is not the name of a file beside it",
                       printable(name), printable(shard)));
    }
    return (fs::path(path_).parent_path() / shard).string();
  }

  const char* operation_;
  const std::string& path_;
};

}  // namespace

SafetensorsSource find_safetensors(const char* operation, const std::string& path) {
  std::error_code code;
  check_path(operation, path);
  const std::string found = fs::is_directory(path, code) ? file_in(operation, path) : path;
  InputFile file(operation, found, Streams::refused);
  const std::uint64_t size = file.size();
  std::string text(std::min<std::uint64_t>(size, 64), '\0');
  file.read_at(0, text.data(), text.size());
  if (!is_json(text)) return {found, std::nullopt};
  if (size > header_limit) {
    throw FormatError(
        fmt::format("{}: '{}' is not an index of .safetensors files: it has {} bytes, more than {}",
                    operation, found, size, header_limit));
  }
  text.resize(size);
  if (!file.read_at(0, text.data(), size)) {
    throw Error(fmt::format("{}: cannot read '{}': it was truncated", operation, found));
  }
  return {found, IndexReader(operation, found).parse(text)};
}

}  // namespace gradus::detail
