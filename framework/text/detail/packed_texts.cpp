#include <gradus/framework/text/detail/packed_texts.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace gradus::detail {
namespace {

std::uint32_t hash_of(std::string_view text) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(text));
}

}  // namespace

std::int64_t PackedIndex::find(std::string_view text) const {
  if (slots_.empty()) return -1;
  const std::uint32_t hash = hash_of(text);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Slot slot = slots_[i];
    if (slot.number < 0) return -1;
    if (slot.hash == hash && texts_[static_cast<std::size_t>(slot.number)] == text)
      return slot.number;
  }
}

void PackedIndex::place(Slot slot) {
  const std::size_t mask = slots_.size() - 1;
  std::size_t i = slot.hash & mask;
  while (slots_[i].number >= 0) i = (i + 1) & mask;
  slots_[i] = slot;
}

void PackedIndex::add(std::string_view text) {
  if (slots_.size() < 2 * (texts_.size() + 1)) {
    std::vector<Slot> before(std::max<std::size_t>(16, 2 * slots_.size()));
    before.swap(slots_);
    for (const Slot& taken : before) {
      if (taken.number >= 0) place(taken);
    }
  }
  place({hash_of(text), static_cast<std::int32_t>(texts_.size())});
  texts_.add(text);
}

}  // namespace gradus::detail
