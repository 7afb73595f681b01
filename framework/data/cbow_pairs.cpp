#include <gradus/framework/data/cbow_pairs.h>

namespace gradus {

CbowPairs::CbowPairs(std::span<const std::vector<std::int64_t>> sentences,
                     std::span<const std::int64_t> counts, const WordWindowOptions& options,
                     Generator& generator)
    : windows_("CbowPairs", sentences, counts, options, generator) {}

bool CbowPairs::next() {
  contexts_.clear();
  offsets_.clear();
  centers_.clear();
  while (std::ssize(centers_) < windows_.batch_size()) {
    if (word_ < std::ssize(windows_.words())) {
      append(word_++);
    } else if (windows_.next()) {
      word_ = 0;
    } else {
      break;
    }
  }
  return !centers_.empty();
}

void CbowPairs::append(std::int64_t word) {
  const std::vector<std::int64_t>& words = windows_.words();
  const auto [first, last] = windows_.draw_window(word);
  if (last - first == 1) return;
  offsets_.push_back(std::ssize(contexts_));
  centers_.push_back(words[static_cast<std::size_t>(word)]);
  for (std::int64_t j = first; j < last; ++j) {
    if (j != word) contexts_.push_back(words[static_cast<std::size_t>(j)]);
  }
}

}  // namespace gradus
