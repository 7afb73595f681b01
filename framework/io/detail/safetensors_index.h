#pragma once
#include <map>
#include <optional>
#include <string>

namespace gradus::detail {

/// Which shard has which tensor, as Hugging Face writes it in `model.safetensors.index.json`.
struct SafetensorsIndex {
  std::string path;
  std::map<std::string, std::string> shards;  ///< by tensor, the path of its shard
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
