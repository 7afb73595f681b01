#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_token.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/safetensors_index.h>
#include <gradus/framework/io/detail/safetensors_shards.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

namespace gradus::detail {
namespace {

namespace fs = std::filesystem;
using Items = std::span<const SafetensorsItem>;

struct Shard {
  std::string name, header;
  Items items;
};

// The folder, which one save at a time may change.
class LockedFolder {
 public:
  explicit LockedFolder(const std::string& path) {
    std::error_code code;
    check_path("save", path);
    fs::create_directory(path, code);
    if (code && code != std::errc::file_exists) {
      throw Error(fmt::format("save: cannot make the folder '{}': {}", path, code.message()));
    }
    file_ = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file_ < 0) {
      throw Error(fmt::format("save: cannot open the folder '{}': {}", path, std::strerror(errno)));
    }
    while (flock(file_, LOCK_EX) != 0 && errno == EINTR) continue;
  }
  ~LockedFolder() { close(file_); }
  LockedFolder(const LockedFolder&) = delete;
  LockedFolder& operator=(const LockedFolder&) = delete;

 private:
  int file_;
};

// Tensors in order, as many to a shard as fit.
std::vector<Items> cut(Items items, std::int64_t max_bytes) {
  std::vector<Items> parts;
  std::size_t begin = 0;
  do {
    std::size_t end = begin;
    for (std::int64_t bytes = 0; end < items.size(); ++end) {
      if (end > begin && bytes + items[end].bytes() > max_bytes) break;
      bytes += items[end].bytes();
    }
    parts.push_back(items.subspan(begin, end - begin));
    begin = end;
  } while (begin < items.size());
  return parts;
}

// "model-0123abcd-00001-of-00002.safetensors": what another save has written is never replaced.
std::vector<Shard> named(const SafetensorsLayout& layout, std::int64_t max_bytes) {
  std::vector<Shard> files;
  const std::vector<Items> parts = cut(layout.items, max_bytes);
  const std::uint32_t token = file_token();
  files.reserve(parts.size());
  for (const Items items : parts) {
    files.push_back({fmt::format("model-{:08x}-{:05}-of-{:05}.safetensors", token, files.size() + 1,
                                 parts.size()),
                     safetensors_header(layout, items), items});
  }
  return files;
}

bool is_shard(std::string_view name) {
  constexpr std::string_view shape = "model-xxxxxxxx-00000-of-00000.safetensors";
  const auto fits = [](char c, char place) {
    const bool digit = '0' <= c && c <= '9';
    return place == 'x' ? digit || ('a' <= c && c <= 'f') : place == '0' ? digit : c == place;
  };
  return name.size() == shape.size() && std::equal(name.begin(), name.end(), shape.begin(), fits);
}

void write_index(const fs::path& folder, const std::vector<Shard>& files) {
  nlohmann::ordered_json map = nlohmann::ordered_json::object();
  std::int64_t bytes = 0;
  for (const Shard& file : files) {
    for (const SafetensorsItem& item : file.items) {
      map[item.entry->name] = file.name;
      bytes += item.bytes();
    }
  }
  const nlohmann::ordered_json index = {{"metadata", {{"total_size", bytes}}}, {"weight_map", map}};
  AtomicFile out(folder / safetensors_index_name);
  out.write(index.dump(2) + "\n");
  out.commit();
}

// Removes the shards that the index does not name, and what killed saves left behind.
void remove_others(const fs::path& folder, const std::vector<Shard>& files) {
  std::vector<fs::path> old;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    const std::string name = entry->path().filename().string();
    const bool is_new = std::any_of(files.begin(), files.end(),
                                    [&](const Shard& file) { return file.name == name; });
    if (is_shard(name) && !is_new) old.push_back(entry->path());
  }
  for (const fs::path& path : old) fs::remove(path, code);
  remove_orphans(folder, is_shard);
}

}  // namespace

void save_shards(const SafetensorsLayout& layout, const std::string& folder,
                 std::int64_t max_bytes) {
  const std::vector<Shard> files = named(layout, max_bytes);
  const LockedFolder lock(folder);
  std::error_code code;
  if (fs::exists(fs::path(folder) / safetensors_model_name, code)) {
    throw Error(
        fmt::format("save: the folder '{}' has a {}, which load() would take for the model: "
                    "remove it, or name another folder",
                    folder, safetensors_model_name));
  }
  for (const Shard& file : files) {
    write_safetensors((fs::path(folder) / file.name).string(), file.header, file.items);
  }
  write_index(folder, files);
  remove_others(folder, files);
}

}  // namespace gradus::detail
