#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// Many short texts in one block of memory, numbered 0, 1, ... in the order they were added.
class PackedTexts {
 public:
  void add(std::string_view text) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }
  std::string_view operator[](std::size_t i) const {
    const std::size_t begin = i > 0 ? ends_[i - 1] : 0;
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  std::size_t size() const { return ends_.size(); }

 private:
  std::string bytes_;
  std::vector<std::size_t> ends_;
};

/// Distinct ones, found by hash: a TextIndex in half of its memory or less, for fewer than 2^31
/// texts.
class GRADUS_API PackedIndex {
 public:
  /// The number of a text, or -1.
  std::int64_t find(std::string_view text) const;
  /// Adds a text that is not there yet.
  void add(std::string_view text);

 private:
  struct Slot {
    std::uint32_t hash = 0;
    std::int32_t number = -1;  // of the text, or -1
  };
  void place(Slot slot);

  PackedTexts texts_;
  std::vector<Slot> slots_;  // at most half are taken
};

}  // namespace gradus::detail
