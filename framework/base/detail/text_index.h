#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// Distinct texts, numbered 0, 1, ... in the order they were added and found by hash.
class GRADUS_API TextIndex {
 public:
  /// The number of a text, or -1.
  std::int64_t find(std::string_view text) const;
  /// The number of a text. A new one is added and gets the next number.
  std::int64_t add(std::string_view text);

  std::int64_t size() const { return static_cast<std::int64_t>(texts_.size()); }
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  struct Slot {
    std::size_t hash;
    std::int64_t number = -1;  // of the text, or -1
  };
  std::size_t slot_of(std::string_view text, std::size_t hash) const;
  void grow();

  std::vector<std::string> texts_;
  std::vector<Slot> slots_;
};

}  // namespace gradus::detail
