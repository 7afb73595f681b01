#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

/// Dynamic programming over two sequences, 64 cells at a time.
namespace gradus::detail {

/// The least number of substitutions, insertions and deletions that make one sequence the other.
std::int64_t edit_distance(std::span<const std::int64_t> a, std::span<const std::int64_t> b);

/// The length of the longest sequence that both have, not necessarily without gaps.
std::int64_t longest_common_subsequence(std::span<const std::int64_t> a,
                                        std::span<const std::int64_t> b);

/// Gives texts ids: equal ones the same. The texts must outlive it.
class TextIds {
 public:
  std::vector<std::int64_t> operator()(std::span<const std::string_view> texts);

 private:
  std::unordered_map<std::string_view, std::int64_t> ids_;
};

}  // namespace gradus::detail
