#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/body.h>
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

using nlohmann::ordered_json;

const char* type_text(DType dtype) {
  return dtype == DType::float32   ? "F32"
         : dtype == DType::float64 ? "F64"
         : dtype == DType::int64   ? "I64"
                                   : "BOOL";
}

// The tensors to write: each once, wide elements first, so that all are aligned.
struct FileLayout {
  std::vector<const StateEntry*> entries;
  ordered_json tied = ordered_json::object();
  ordered_json frozen = ordered_json::object();
};

void check_utf8(const char* what, const std::string& name, const std::string& text) {
  if (detail::is_utf8(text)) return;
  throw ValueError(fmt::format("save: {} '{}' is not UTF-8, which the format requires", what,
                               detail::printable(name)));
}

FileLayout plan(const StateDict& state) {
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
      result.entries.push_back(&entry);
    } else {
      result.tied[entry.name] = *place->second;
    }
  }
  std::stable_sort(result.entries.begin(), result.entries.end(), [](auto* a, auto* b) {
    return item_size(a->tensor.dtype()) > item_size(b->tensor.dtype());
  });
  return result;
}

std::string header_text(const StateDict& state, const FileLayout& plan) {
  ordered_json metadata = ordered_json::object();
  for (const auto& [key, text] : state.metadata) {
    if (key.starts_with(detail::reserved_prefix) && key != detail::checkpoint_key) {
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
  for (const StateEntry* entry : plan.entries) {
    const std::int64_t end = position + entry->tensor.numel() * item_size(entry->tensor.dtype());
    const std::span<const std::int64_t> sizes = entry->tensor.shape().sizes();
    header[entry->name] = {{"dtype", type_text(entry->tensor.dtype())},
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

void save(const StateDict& state, const std::string& path) {
  const FileLayout tensors = plan(state);
  const std::string header = header_text(state, tensors);
  AtomicFile file(path);
  const std::uint64_t length = header.size();
  file.write(&length, sizeof length);
  file.write(header);
  for (const StateEntry* entry : tensors.entries) {
    const auto bytes =
        static_cast<std::size_t>(entry->tensor.numel() * item_size(entry->tensor.dtype()));
    file.write(detail::data(entry->tensor), bytes);
  }
  file.commit();
}

}  // namespace gradus
