#include <gradus/framework/base/detail/text_index.h>

#include <functional>

namespace gradus::detail {

// The slot of a text, or the free slot where it would go: the one at its hash, or the next one that
// is not taken by another text. The number of slots is a power of two; at most half are taken.
std::size_t TextIndex::slot_of(std::string_view text) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>()(text) & mask;
  while (slots_[slot] >= 0 && texts_[static_cast<std::size_t>(slots_[slot])] != text) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

void TextIndex::grow() {
  slots_.assign(slots_.empty() ? 16 : 2 * slots_.size(), -1);
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    slots_[slot_of(texts_[i])] = static_cast<std::int64_t>(i);
  }
}

std::int64_t TextIndex::find(std::string_view text) const {
  return slots_.empty() ? -1 : slots_[slot_of(text)];
}

std::int64_t TextIndex::add(std::string_view text) {
  if (const std::int64_t known = find(text); known >= 0) return known;
  if (slots_.size() < 2 * (texts_.size() + 1)) grow();
  const std::size_t slot = slot_of(text);
  texts_.emplace_back(text);
  return slots_[slot] = size() - 1;
}

}  // namespace gradus::detail
