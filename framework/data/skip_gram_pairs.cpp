#include <gradus/framework/data/skip_gram_pairs.h>

#include <algorithm>

namespace gradus {

SkipGramPairs::SkipGramPairs(std::span<const std::vector<std::int64_t>> sentences,
                             std::span<const std::int64_t> counts, const WordWindowOptions& options,
                             Generator& generator)
    : windows_("SkipGramPairs", sentences, counts, options, generator) {}

bool SkipGramPairs::next() {
  const auto size = static_cast<std::size_t>(windows_.batch_size());
  while (all_centers_.size() - used_ < size && read_sentence()) continue;
  const std::size_t end = used_ + std::min(size, all_centers_.size() - used_);
  const auto take = [&](const std::vector<std::int64_t>& from, std::vector<std::int64_t>& to) {
    to.assign(from.begin() + static_cast<std::ptrdiff_t>(used_),
              from.begin() + static_cast<std::ptrdiff_t>(end));
  };
  take(all_centers_, centers_);
  take(all_contexts_, contexts_);
  used_ = end;
  return !centers_.empty();
}

// Appends the pairs of one more sentence; false if there is none.
bool SkipGramPairs::read_sentence() {
  if (!windows_.next()) return false;
  drop_used();
  const std::vector<std::int64_t>& words = windows_.words();
  for (std::int64_t i = 0; i < std::ssize(words); ++i) {
    const auto [first, last] = windows_.draw_window(i);
    for (std::int64_t j = first; j < last; ++j) {
      if (j == i) continue;
      all_centers_.push_back(words[static_cast<std::size_t>(i)]);
      all_contexts_.push_back(words[static_cast<std::size_t>(j)]);
    }
  }
  return true;
}

void SkipGramPairs::drop_used() {
  const auto used = static_cast<std::ptrdiff_t>(used_);
  all_centers_.erase(all_centers_.begin(), all_centers_.begin() + used);
  all_contexts_.erase(all_contexts_.begin(), all_contexts_.begin() + used);
  used_ = 0;
}

}  // namespace gradus
