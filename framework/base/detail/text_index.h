#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// Distinct texts with numbers 0, 1, ... in the order in which they came, found by their hash.
class GRADUS_API TextIndex {
 public:
  /// The number of a text, or -1.
  std::int64_t find(std::string_view text) const;
  /// The number of a text, which is size() if it is new: then it is added.
  std::int64_t add(std::string_view text);

  std::int64_t size() const { return static_cast<std::int64_t>(texts_.size()); }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::size_t slot_of(std::string_view text) const;
  void grow();

  std::vector<std::string> texts_;
  std::vector<std::int64_t> slots_;  // the number of a text at its hash or behind it, or -1
};

}  // namespace gradus::detail
