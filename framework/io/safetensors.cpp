#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/safetensors_file.h>
#include <gradus/framework/io/detail/safetensors_index.h>
#include <gradus/framework/io/safetensors.h>

#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using detail::FileAccess;
using detail::printable;
using detail::SafetensorsFile;
using detail::SafetensorsIndex;
using detail::SafetensorsSource;
using Names = std::set<std::string>;

[[noreturn]] void throw_missing(const char* operation, const std::string& path,
                                const std::vector<std::string>& missing,
                                const std::vector<std::string>& names) {
  throw IndexError(fmt::format("{}: '{}' has no tensor{} '{}'; there are [{}]", operation, path,
                               missing.size() == 1 ? "" : "s", fmt::join(missing, "', '"),
                               detail::printable_names(names)));
}

// The names that are not among those that a file has.
template <class Has>
std::vector<std::string> missing_of(const Names& names, Has&& has) {
  std::vector<std::string> missing;
  for (const std::string& name : names) {
    if (!has(name)) missing.push_back(printable(name));
  }
  return missing;
}

/// Opens what a path stands for, and reads all of it or some of its tensors.
class Reader {
 public:
  Reader(const char* operation, FileAccess access) : operation_(operation), access_(access) {}

  /// Without `names`, all that can be read. With `mapped`, refuses what cannot be mapped.
  StateDict read(const std::string& path, const Names* names = nullptr, bool mapped = false) const {
    SafetensorsSource source = detail::find_safetensors(operation_, path);
    if (!source.index) return read_file(source.path, names, mapped);
    for (;;) {
      try {
        return read_shards(*source.index, names, mapped);
      } catch (const Error&) {  // perhaps because another program has just saved other shards
        const auto before = std::exchange(source, detail::find_safetensors(operation_, path)).index;
        if (!source.index || source.index == before) throw;
      }
    }
  }

 private:
  StateDict read_file(const std::string& path, const Names* names, bool mapped) const {
    const SafetensorsFile file(operation_, path, access_);
    StateDict state;
    state.metadata = file.metadata();
    if (names != nullptr) {
      const auto missing = missing_of(*names, [&](auto& name) { return file.contains(name); });
      if (!missing.empty()) throw_missing(operation_, path, missing, file.names());
      for (const std::string& name : *names) file.require_readable(name, mapped);
    }
    file.read(state, [&](const std::string& name) { return !names || names->count(name) > 0; });
    return state;
  }

  // All shards are opened, and their headers checked, before anything is read of their tensors.
  StateDict read_shards(const SafetensorsIndex& index, const Names* names, bool mapped) const {
    std::map<std::string, SafetensorsFile> files;
    if (names != nullptr) check_names(index, *names);
    for (const auto& [name, shard] : index.shards) {
      if (names != nullptr && names->count(name) == 0) continue;
      const SafetensorsFile& file = opened(index, name, shard, files);
      if (!file.contains(name)) {
        throw FormatError(fmt::format("{}: '{}' has no tensor '{}', which '{}' places in it",
                                      operation_, shard, printable(name), index.path));
      }
      if (names != nullptr) file.require_readable(name, mapped);
    }
    StateDict state;
    for (const auto& [shard, file] : files) {
      for (const auto& [key, text] : file.metadata()) {
        if (!state.metadata.contains(key)) state.metadata[key] = text;
      }
      file.read(state, [&index, names, &shard = shard](const std::string& name) {
        if (names != nullptr && names->count(name) == 0) return false;
        const auto place = index.shards.find(name);
        return place == index.shards.end() || place->second == shard;
      });
    }
    return state;
  }

  const SafetensorsFile& opened(const SafetensorsIndex& index, const std::string& name,
                                const std::string& shard,
                                std::map<std::string, SafetensorsFile>& files) const {
    const auto found = files.find(shard);
    if (found != files.end()) return found->second;
    std::error_code code;
    if (!std::filesystem::exists(shard, code)) {
      throw Error(fmt::format("{}: '{}' is not there, in which '{}' places tensor '{}'", operation_,
                              shard, index.path, printable(name)));
    }
    return files.emplace(shard, SafetensorsFile(operation_, shard, access_)).first->second;
  }

  void check_names(const SafetensorsIndex& index, const Names& names) const {
    const auto missing =
        missing_of(names, [&](const std::string& name) { return index.shards.count(name) > 0; });
    if (missing.empty()) return;
    std::vector<std::string> all;
    for (const auto& [name, shard] : index.shards) all.push_back(name);
    throw_missing(operation_, index.path, missing, all);
  }

  const char* operation_;
  FileAccess access_;
};

}  // namespace

StateDict load(const std::string& path) { return Reader("load", FileAccess::read).read(path); }

StateDict load(const std::string& path, const std::vector<std::string>& names) {
  const Names chosen(names.begin(), names.end());
  return Reader("load", FileAccess::read).read(path, &chosen);
}

StateDict load_mapped(const std::string& path) {
  return Reader("load_mapped", FileAccess::map).read(path);
}

Tensor load_mapped(const std::string& path, std::string_view name) {
  const Names chosen{std::string(name)};
  return Reader("load_mapped", FileAccess::map).read(path, &chosen, true).at(name);
}

}  // namespace gradus
