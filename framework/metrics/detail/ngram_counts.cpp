#include <gradus/framework/metrics/detail/ngram_counts.h>

#include <algorithm>

namespace gradus::detail {

NgramCounts count_ngrams(std::span<const std::string_view> units, std::size_t n) {
  NgramCounts counts;
  for (std::size_t i = 0; i + n <= units.size(); ++i) {
    const char* begin = units[i].data();
    const std::string_view last = units[i + n - 1];
    ++counts[{begin, static_cast<std::size_t>(last.data() + last.size() - begin)}];
  }
  return counts;
}

std::int64_t total(const NgramCounts& counts) {
  std::int64_t sum = 0;
  for (const auto& [ngram, count] : counts) sum += count;
  return sum;
}

std::int64_t matches(const NgramCounts& counts, const NgramCounts& other) {
  std::int64_t sum = 0;
  for (const auto& [ngram, count] : counts) {
    if (const auto found = other.find(ngram); found != other.end()) {
      sum += std::min(count, found->second);
    }
  }
  return sum;
}

}  // namespace gradus::detail
