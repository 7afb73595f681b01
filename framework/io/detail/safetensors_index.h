#pragma once
#include <map>
#include <optional>
#include <string>

namespace gradus::detail {

/// What a folder with a model has: all of it, or the index of its shards.
inline constexpr const char* safetensors_model_name = "model.safetensors";
inline constexpr const char* safetensors_index_name = "model.safetensors.index.json";

/// Which shard has which tensor, as Hugging Face writes it in `model.safetensors.index.json`.
struct SafetensorsIndex {
  std::string path;
  std::map<std::string, std::string> shards;  ///< by tensor, the path of its shard
  bool operator==(const SafetensorsIndex&) const = default;
};

/// What load() is to read: a file of tensors or, of a model in shards, its index.
struct SafetensorsSource {
  std::string path;
  std::optional<SafetensorsIndex> index;
};

/// Finds what a path stands for: of a folder, `model.safetensors` or else
/// `model.safetensors.index.json`; an index is told from a file of tensors by its content. Throws
/// FormatError for what is wrong with an index, Error for what cannot be read.
SafetensorsSource find_safetensors(const char* operation, const std::string& path);

}  // namespace gradus::detail
