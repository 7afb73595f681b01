#pragma once
#include <gradus/framework/data/read_options.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// The faults of the lines of a file, by kind.
class LineFaults {
 public:
  /// kind: "not UTF-8"; example: what the first such line has, or empty.
  void add(std::int64_t line, std::string_view kind, std::string_view example = "");
  std::int64_t count() const { return count_; }
  /// Throws or warns, as `options` asks, if there are any. head: of the file.
  void report(const char* operation, const std::string& path, const ReadOptions& options,
              std::string_view head) const;

 private:
  struct Kind {
    std::string text, example;
    std::int64_t first, count;
  };
  std::vector<Kind> kinds_;
  std::int64_t count_ = 0;
};

}  // namespace gradus::detail
