#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// Texts that are found by their beginnings.
class GRADUS_API ByteTrie {
 public:
  /// The key is not empty.
  void add(std::string_view key, std::int32_t value);

  /// Calls found(length, value) for each key that the text begins with, shorter ones first.
  template <class F>
  void prefixes(std::string_view text, F&& found) const {
    std::uint32_t node = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, static_cast<unsigned char>(text[i]));
      if (node == 0) return;
      if (values_[node] >= 0) found(i + 1, values_[node]);
    }
  }
  /// The value of a key, or -1.
  std::int32_t find(std::string_view key) const;
  /// The length of the longest key that the text begins with, or 0.
  std::size_t longest(std::string_view text) const;

 private:
  struct Edge {
    std::uint64_t key = 0;  // of a node and a byte, 0 for none
    std::uint32_t child = 0;
  };

  static std::uint64_t key_of(std::uint32_t node, unsigned char byte) {
    return (std::uint64_t{node} << 8U | byte) + 1;
  }
  std::size_t slot_of(std::uint64_t key) const;
  std::uint32_t child(std::uint32_t node, unsigned char byte) const {
    return edges_.empty() ? 0 : edges_[slot_of(key_of(node, byte))].child;
  }
  std::uint32_t add_child(std::uint32_t node, unsigned char byte);
  void grow();

  std::vector<Edge> edges_;                  // at most half are taken
  std::vector<std::int32_t> values_ = {-1};  // by node; -1 for none
};

}  // namespace gradus::detail
