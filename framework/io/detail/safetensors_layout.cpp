#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/safetensors_keys.h>
#include <gradus/framework/io/detail/safetensors_layout.h>
#include <gradus/framework/module/detail/state_owner.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <set>

namespace gradus::detail {
namespace {

static_assert(std::endian::native == std::endian::little);

using nlohmann::ordered_json;

void check_utf8(const char* what, const std::string& name, const std::string& text) {
  if (is_utf8(text)) return;
  throw ValueError(
      fmt::format("save: {} '{}' is not UTF-8, which the format requires", what, printable(name)));
}

void check_left_out(const StateDict& state) {
  if (state.left_out.empty()) return;
  const auto& [name, dtype] = *state.left_out.begin();
  throw ValueError(
      fmt::format("save: load() left out {} tensors, such as '{}', which is {}: to save the others "
                  "alone, write state.left_out.clear()",
                  state.left_out.size(), printable(name), printable(dtype)));
}

void check_bytes(const StateDict& state, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (state.contains(name)) continue;
    throw ValueError(
        fmt::format("save: there is no tensor '{}' to write as bytes", printable(name)));
  }
}

void check_entry(const StateEntry& entry) {
  if (entry.name == "__metadata__") {
    throw ValueError("save: a tensor cannot be named '__metadata__'");
  }
  check_utf8("the name", entry.name, entry.name);
  if (entry.tensor.defined()) return;
  throw ValueError(fmt::format("save: the tensor '{}' is undefined", printable(entry.name)));
}

ordered_json user_metadata(const StateDict& state) {
  ordered_json metadata = ordered_json::object();
  for (const auto& [key, text] : state.metadata) {
    if (key.starts_with(reserved_prefix) && !key.starts_with(checkpoint_key)) {
      throw ValueError(fmt::format(
          "save: the metadata key '{}' is reserved: use one that does not begin with 'gradus.', or "
          "write state.metadata.erase(\"{}\")",
          printable(key), printable(key)));
    }
    check_utf8("the metadata key", key, key);
    check_utf8("the metadata of", key, text);
    metadata[key] = text;
  }
  return metadata;
}

// Adds what the metadata tell of the items: which are frozen, which have further names.
void add_flags(const SafetensorsLayout& layout, std::span<const SafetensorsItem> items,
               ordered_json& metadata) {
  ordered_json tied = ordered_json::object(), frozen = ordered_json::object();
  std::set<const StateEntry*> written;
  for (const SafetensorsItem& item : items) written.insert(item.entry);
  for (const StateEntry& entry : *layout.state) {
    const StateEntry* kept = layout.kept.at(&entry);
    if (written.count(kept) == 0) continue;
    if (entry.frozen) frozen[entry.name] = *entry.frozen;
    if (kept != &entry) tied[entry.name] = kept->name;
  }
  if (!frozen.empty()) metadata[frozen_key] = frozen.dump();
  if (!tied.empty()) metadata[tied_key] = tied.dump();
}

}  // namespace

SafetensorsLayout safetensors_layout(const StateDict& state, const SaveOptions& options) {
  check_left_out(state);
  check_bytes(state, options.bytes);
  SafetensorsLayout layout{&state};
  std::map<const Body*, const StateEntry*> seen;
  for (const StateEntry& entry : state) {
    check_entry(entry);
    const auto [place, first] = seen.try_emplace(&Access::body(entry.tensor), &entry);
    layout.kept[&entry] = place->second;
    if (first) layout.items.push_back({&entry, bit_format(entry, options)});
  }
  std::stable_sort(layout.items.begin(), layout.items.end(),
                   [](const SafetensorsItem& a, const SafetensorsItem& b) {
                     return a.format.bytes > b.format.bytes;
                   });
  return layout;
}

std::string safetensors_header(const SafetensorsLayout& layout,
                               std::span<const SafetensorsItem> items) {
  ordered_json metadata = user_metadata(*layout.state);
  add_flags(layout, items, metadata);
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t position = 0;
  for (const SafetensorsItem& item : items) {
    const std::int64_t end = position + item.bytes();
    const std::span<const std::int64_t> sizes = item.entry->tensor.shape().sizes();
    header[item.entry->name] = {{"dtype", item.format.name},
                                {"shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())},
                                {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > header_limit) {
    throw ValueError(fmt::format(
        "save: names, shapes and metadata take {} bytes, but the format has room for {}",
        text.size(), header_limit));
  }
  return text;
}

void write_safetensors(const std::string& path, const std::string& header,
                       std::span<const SafetensorsItem> items) {
  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header);
  for (const SafetensorsItem& item : items) write_bits(file, item.entry->tensor, item.format);
  file.commit();
}

}  // namespace gradus::detail
