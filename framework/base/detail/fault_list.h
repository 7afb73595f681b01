#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// "line 3", or "lines 3 to 5" for three of them.
GRADUS_API std::string line_range(std::int64_t first, std::int64_t lines,
                                  std::string_view unit = "line");

/// What is wrong with the lines of a file, by kind.
class GRADUS_API FaultList {
 public:
  /// unit: what the numbers count.
  explicit FaultList(std::string_view unit = "line") : unit_(unit) {}

  /// kind: "not UTF-8"; example: what the first such line has, or empty. lines: how many have this
  /// fault together, from `line` on.
  void add(std::int64_t line, std::string_view kind, std::string_view example = "",
           std::int64_t lines = 1);
  std::int64_t count() const { return count_; }
  /// "3 bad lines".
  std::string total() const;
  /// "not UTF-8 (2 times, first in line 7); no label (line 9: sea)".
  std::string text() const;

 private:
  struct Kind {
    std::string text, example, where;
    std::int64_t count;
  };
  std::string_view unit_;
  std::vector<Kind> kinds_;
  std::int64_t count_ = 0;  // of lines
};

}  // namespace gradus::detail
