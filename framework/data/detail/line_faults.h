#pragma once
#include <gradus/framework/data/read_options.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// "line 3", or "lines 3 to 5" for three of them.
std::string line_range(std::int64_t first, std::int64_t lines);

/// The faults of the lines of a file, by kind.
class LineFaults {
 public:
  /// kind: "not UTF-8"; example: what the first such line has, or empty. lines: how many have this
  /// fault together, from `line` on.
  void add(std::int64_t line, std::string_view kind, std::string_view example = "",
           std::int64_t lines = 1);
  std::int64_t count() const { return count_; }
  /// Throws or warns, as `options` asks, if there are any. head: of the file; cure: of a file of
  /// another kind, as looks_like() says it, or empty.
  void report(const char* operation, const std::string& path, const ReadOptions& options,
              std::string_view head, std::string cure = "") const;

 private:
  struct Kind {
    std::string text, example, where;
    std::int64_t count;
  };
  std::vector<Kind> kinds_;
  std::int64_t count_ = 0;  // of lines
};

}  // namespace gradus::detail
