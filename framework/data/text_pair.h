#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/read_options.h>

#include <string>
#include <vector>

namespace gradus {

/// Two texts that belong together: a sentence and its translation.
struct TextPair {
  std::string source, target;
  bool operator==(const TextPair&) const = default;
};

/// Reads parallel text: line i of both files is a pair. A line that is bad or blank in one file is
/// bad as a pair. Throws as ReadOptions says, FormatError if the files differ in their number of
/// lines.
GRADUS_API std::vector<TextPair> read_parallel(const std::string& source_path,
                                               const std::string& target_path,
                                               const ReadOptions& options = {});

}  // namespace gradus
