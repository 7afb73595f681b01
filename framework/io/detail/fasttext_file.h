#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/io/fasttext.h>

#include <cstdint>
#include <optional>
#include <string>
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

/// Throws as FastTextModel::load().
FastTextFile read_fasttext_file(const std::string& path);

}  // namespace gradus::detail
