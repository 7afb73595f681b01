#pragma once
#include <gradus/framework/base/detail/fault_list.h>
#include <gradus/framework/data/read_options.h>

#include <string>
#include <string_view>

namespace gradus::detail {

/// The faults of the lines of a file, by kind.
class LineFaults : public FaultList {
 public:
  /// Throws or warns, as `options` asks, if there are any. head: of the file; cure: of a file of
  /// another kind, as looks_like() says it, or empty.
  void report(const char* operation, const std::string& path, const ReadOptions& options,
              std::string_view head, std::string cure = "") const;
};

}  // namespace gradus::detail
