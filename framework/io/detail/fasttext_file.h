#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/io/detail/byte_blocks.h>
#include <gradus/framework/io/fasttext.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gradus::detail {

/// What the file of a fastText model holds, checked.
struct FastTextFile {
  FastTextOptions options;
  std::int64_t tokens = 0;
  TextIndex words, labels;
  std::vector<std::int64_t> counts, label_counts;
  /// Of a pruned model: the row after the words that a bucket has, if it was kept.
  std::optional<std::unordered_map<std::int64_t, std::int64_t>> kept_buckets;
  Tensor input, output;
};

/// The first bytes of such a file.
inline constexpr std::string_view fasttext_magic = "\xBA\x16\x4F\x2F";

/// Throws as FastTextModel::load().
FastTextFile read_fasttext_file(ByteBlocks& file);
/// The same, as a model.
FastTextModel read_fasttext_model(ByteBlocks& file);

}  // namespace gradus::detail
