#include <gradus/framework/base/detail/text_index.h>

#include <functional>
#include <utility>

namespace gradus::detail {

// The slot of a text, or the free slot where it would go: the one at its hash, or the next one that
// is not taken by another text. The number of slots is a power of two; at most half are taken.
std::size_t TextIndex::slot_of(std::string_view text, std::size_t hash) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = hash & mask;; slot = (slot + 1) & mask) {
    const auto& [other, number] = slots_[slot];
    if (number < 0) return slot;
    if (other == hash && texts_[static_cast<std::size_t>(number)] == text) return slot;
  }
}

// Places the texts anew by their hashes, without looking at them.
void TextIndex::grow() {
  std::vector<Slot> larger(slots_.empty() ? 16 : 2 * slots_.size());
  const std::size_t mask = larger.size() - 1;
  for (const Slot& taken : slots_) {
    if (taken.number < 0) continue;
    std::size_t slot = taken.hash & mask;
    while (larger[slot].number >= 0) slot = (slot + 1) & mask;
    larger[slot] = taken;
  }
  slots_ = std::move(larger);
}

std::int64_t TextIndex::find(std::string_view text) const {
  if (slots_.empty()) return -1;
  return slots_[slot_of(text, std::hash<std::string_view>()(text))].number;
}

std::int64_t TextIndex::add(std::string_view text) {
  if (slots_.size() < 2 * (texts_.size() + 1)) grow();
  const std::size_t hash = std::hash<std::string_view>()(text);
  Slot& slot = slots_[slot_of(text, hash)];
  if (slot.number < 0) {
    texts_.emplace_back(text);
    slot = {hash, size() - 1};
  }
  return slot.number;
}

}  // namespace gradus::detail
