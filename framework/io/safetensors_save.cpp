#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/io/detail/safetensors_bits.h>
#include <gradus/framework/io/detail/safetensors_keys.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/framework/module/detail/state_owner.h>

#include <algorithm>
#include <bit>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

namespace gradus {
namespace {

static_assert(std::endian::native == std::endian::little);

using detail::BitFormat;
using nlohmann::ordered_json;

// A tensor to write, and how.
struct Item {
  const StateEntry* entry;
  BitFormat format;

  std::int64_t bytes() const { return entry->tensor.numel() * format.bytes; }
};

// The tensors to write: each once, wide elements first, so that all are aligned.
struct FileLayout {
  std::vector<Item> items;
  ordered_json tied = ordered_json::object();
  ordered_json frozen = ordered_json::object();
};

void check_utf8(const char* what, const std::string& name, const std::string& text) {
  if (detail::is_utf8(text)) return;
  throw ValueError(fmt::format("save: {} '{}' is not UTF-8, which the format requires", what,
                               detail::printable(name)));
}

void check_left_out(const StateDict& state) {
  if (state.left_out.empty()) return;
  const auto& [name, dtype] = *state.left_out.begin();
  throw ValueError(
      fmt::format("save: load() left out {} tensors, such as '{}', which is {}: to save the others "
                  "alone, write state.left_out.clear()",
                  state.left_out.size(), detail::printable(name), detail::printable(dtype)));
}

void check_bytes(const StateDict& state, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (state.contains(name)) continue;
    throw ValueError(
        fmt::format("save: there is no tensor '{}' to write as bytes", detail::printable(name)));
  }
}

FileLayout plan(const StateDict& state, const SaveOptions& options) {
  check_left_out(state);
  check_bytes(state, options.bytes);
  FileLayout result;
  std::map<const detail::Body*, const std::string*> seen;
  for (const StateEntry& entry : state) {
    if (entry.name == "__metadata__") {
      throw ValueError("save: a tensor cannot be named '__metadata__'");
    }
    check_utf8("the name", entry.name, entry.name);
    if (!entry.tensor.defined()) {
      throw ValueError(
          fmt::format("save: the tensor '{}' is undefined", detail::printable(entry.name)));
    }
    if (entry.frozen) result.frozen[entry.name] = *entry.frozen;
    const auto [place, first] = seen.try_emplace(&detail::Access::body(entry.tensor), &entry.name);
    if (first) {
      result.items.push_back({&entry, detail::bit_format(entry, options)});
    } else {
      result.tied[entry.name] = *place->second;
    }
  }
  std::stable_sort(result.items.begin(), result.items.end(),
                   [](const Item& a, const Item& b) { return a.format.bytes > b.format.bytes; });
  return result;
}

std::string header_text(const StateDict& state, const FileLayout& plan) {
  ordered_json metadata = ordered_json::object();
  for (const auto& [key, text] : state.metadata) {
    if (key.starts_with(detail::reserved_prefix) && !key.starts_with(detail::checkpoint_key)) {
      throw ValueError(fmt::format(
          "save: the metadata key '{}' is reserved: use one that does not begin with 'gradus.'",
          detail::printable(key)));
    }
    check_utf8("the metadata key", key, key);
    check_utf8("the metadata of", key, text);
    metadata[key] = text;
  }
  if (!plan.frozen.empty()) metadata[detail::frozen_key] = plan.frozen.dump();
  if (!plan.tied.empty()) metadata[detail::tied_key] = plan.tied.dump();
  ordered_json header = ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::int64_t position = 0;
  for (const Item& item : plan.items) {
    const std::int64_t end = position + item.bytes();
    const std::span<const std::int64_t> sizes = item.entry->tensor.shape().sizes();
    header[item.entry->name] = {{"dtype", item.format.name},
                                {"shape", std::vector<std::int64_t>(sizes.begin(), sizes.end())},
                                {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > detail::header_limit) {
    throw ValueError(fmt::format(
        "save: names, shapes and metadata take {} bytes, but the format has room for {}",
        text.size(), detail::header_limit));
  }
  return text;
}

}  // namespace

void save(const StateDict& state, const std::string& path, const SaveOptions& options) {
  const FileLayout tensors = plan(state, options);
  const std::string header = header_text(state, tensors);
  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header);
  for (const Item& item : tensors.items) detail::write_bits(file, item.entry->tensor, item.format);
  file.commit();
}

}  // namespace gradus
