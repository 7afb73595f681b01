#include <gradus/framework/text/detail/byte_trie.h>

#include <algorithm>

namespace gradus::detail {

std::size_t ByteTrie::slot_of(std::uint64_t key) const {
  const std::size_t mask = edges_.size() - 1;
  std::uint64_t hash = key * 0x9E3779B97F4A7C15U;
  hash ^= hash >> 32U;
  std::size_t slot = hash & mask;
  while (edges_[slot].key != 0 && edges_[slot].key != key) slot = (slot + 1) & mask;
  return slot;
}

void ByteTrie::grow() {
  std::vector<Edge> before(std::max<std::size_t>(64, 2 * edges_.size()));
  before.swap(edges_);
  for (const Edge& edge : before) {
    if (edge.key != 0) edges_[slot_of(edge.key)] = edge;
  }
}

std::uint32_t ByteTrie::add_child(std::uint32_t node, unsigned char byte) {
  if (2 * values_.size() > edges_.size()) grow();
  Edge& edge = edges_[slot_of(key_of(node, byte))];
  if (edge.key == 0) {
    edge = {key_of(node, byte), static_cast<std::uint32_t>(values_.size())};
    values_.push_back(-1);
  }
  return edge.child;
}

void ByteTrie::add(std::string_view key, std::int32_t value) {
  std::uint32_t node = 0;
  for (const char c : key) node = add_child(node, static_cast<unsigned char>(c));
  values_[node] = value;
}

std::int32_t ByteTrie::find(std::string_view key) const {
  std::int32_t result = -1;
  prefixes(key, [&](std::size_t length, std::int32_t value) {
    if (length == key.size()) result = value;
  });
  return result;
}

std::size_t ByteTrie::longest(std::string_view text) const {
  std::size_t result = 0;
  prefixes(text, [&](std::size_t length, std::int32_t) { result = length; });
  return result;
}

}  // namespace gradus::detail
