#pragma once
#include <gradus/framework/io/detail/safetensors_layout.h>

#include <cstdint>
#include <string>

namespace gradus::detail {

/// Writes a model as shards with an index into a folder: see SaveOptions::max_shard_bytes.
void save_shards(const SafetensorsLayout& layout, const std::string& folder,
                 std::int64_t max_bytes);

}  // namespace gradus::detail
