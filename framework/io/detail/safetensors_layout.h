#pragma once
#include <gradus/framework/io/detail/safetensors_bits.h>
#include <gradus/framework/io/safetensors.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace gradus::detail {

/// A tensor to write, and how.
struct SafetensorsItem {
  const StateEntry* entry;
  BitFormat format;

  std::int64_t bytes() const { return entry->tensor.numel() * format.bytes; }
};

/// The tensors of a state to write: each once, wide elements first, so that all are aligned.
struct SafetensorsLayout {
  const StateDict* state;
  std::vector<SafetensorsItem> items{};
  /// Of each entry, the one under whose name its tensor is written.
  std::map<const StateEntry*, const StateEntry*> kept{};
};

/// Throws what save() throws before it writes.
SafetensorsLayout safetensors_layout(const StateDict& state, const SaveOptions& options);
/// The header of a file with some of the items: their ties and flags, and all metadata.
std::string safetensors_header(const SafetensorsLayout& layout,
                               std::span<const SafetensorsItem> items);
/// Writes such a file.
void write_safetensors(const std::string& path, const std::string& header,
                       std::span<const SafetensorsItem> items);

}  // namespace gradus::detail
