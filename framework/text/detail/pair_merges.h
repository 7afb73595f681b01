#pragma once
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/token_table.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace gradus::detail {

/// What two neighbours become, and how early: merges of the least rank come first.
struct PairMerge {
  std::int32_t rank, id;
};

/// Merges the pieces from `first` on until no neighbours can be: of all pairs that can, the first
/// one of the least rank each time. find(left, right) gives a pointer to the PairMerge of two
/// pieces, or nullptr. Takes O(n log n) steps.
template <class Find>
void merge_pairs(std::vector<Piece>& pieces, std::size_t first, const Find& find) {
  struct Pair {
    std::int32_t rank, id;
    std::size_t left, end;  // `end` is that of the right one in the text
    bool operator>(const Pair& other) const {
      return std::tie(rank, left) > std::tie(other.rank, other.left);
    }
  };
  constexpr std::int64_t merged = -2;
  const std::size_t n = pieces.size() - first;
  Piece* const all = pieces.data() + first;
  std::vector<std::size_t> next(n), before(n);
  for (std::size_t i = 0; i < n; ++i) {
    next[i] = i + 1;
    before[i] = i - 1;
  }
  std::priority_queue<Pair, std::vector<Pair>, std::greater<>> queue;
  const auto look = [&](std::size_t i) {
    if (next[i] >= n) return;
    const Piece& right = all[next[i]];
    if (const PairMerge* found = find(all[i], right))
      queue.push({found->rank, found->id, i, right.span.end});
  };
  for (std::size_t i = 0; i < n; ++i) look(i);
  while (!queue.empty()) {
    const Pair pair = queue.top();
    queue.pop();
    const std::size_t left = pair.left;
    if (all[left].id == merged || next[left] >= n) continue;
    const std::size_t right = next[left];
    if (all[right].span.end != pair.end) continue;  // it has changed since
    all[left] = {pair.id, {all[left].span.begin, pair.end}};
    all[right].id = merged;
    next[left] = next[right];
    if (next[right] < n) before[next[right]] = left;
    if (left > 0) look(before[left]);
    look(left);
  }
  pieces.erase(std::remove_if(pieces.begin() + static_cast<std::ptrdiff_t>(first), pieces.end(),
                              [](const Piece& piece) { return piece.id == merged; }),
               pieces.end());
}

/// Encodes a long text by pair merges in blocks, so that the queue of pairs does not grow with it;
/// the pieces are those that it has as a whole. encode(span, pieces) appends the pieces of a part
/// of the text as if nothing stood around it; parts begin at characters.
///
/// Why this is exact: cut a text between its pieces. Were it encoded as a whole, each part would go
/// through its own merges in its own order, until two pieces were merged across a cut; two
/// neighbouring parts by themselves would come to the same merge. So where all neighbours stay
/// apart when they are encoded in pairs, they stay apart in the text.
template <class Encode>
class BlockJoiner {
 public:
  BlockJoiner(const Encode& encode, std::vector<Piece>& pieces)
      : encode_(encode), pieces_(pieces), first_(pieces.size()) {}

  // Appends the pieces of the next block.
  void add(Span block) {
    next_.clear();
    encode_(block, next_);
    const std::size_t before = pieces_.size() - first_, after = next_.size();
    std::size_t left = std::min<std::size_t>(before, 1), right = std::min<std::size_t>(after, 1);
    if (left == 0 || right == 0) return splice(0, {}, 0);
    for (;;) {  // encodes anew what lies around the seam, more and more of it
      middle_.clear();
      const Piece* const begin = pieces_.data() + pieces_.size() - left;
      encode_(Span{begin->span.begin, next_[right - 1].span.end}, middle_);
      const bool left_fits = left == before || stay_apart(begin[-1], middle_.front());
      const bool right_fits = right == after || stay_apart(middle_.back(), next_[right]);
      if (left_fits && right_fits) return splice(left, middle_, right);
      if (!left_fits) left = std::min(2 * left, before);
      if (!right_fits) right = std::min(2 * right, after);
    }
  }

 private:
  bool stay_apart(const Piece& a, const Piece& b) {
    pair_.clear();
    encode_(Span{a.span.begin, b.span.end}, pair_);
    return pair_.size() == 2 && pair_[0] == a && pair_[1] == b;
  }
  void splice(std::size_t left, const std::vector<Piece>& middle, std::size_t right) {
    pieces_.resize(pieces_.size() - left);
    pieces_.insert(pieces_.end(), middle.begin(), middle.end());
    pieces_.insert(pieces_.end(), next_.begin() + static_cast<std::ptrdiff_t>(right), next_.end());
  }

  const Encode& encode_;
  std::vector<Piece>& pieces_;
  std::size_t first_;
  std::vector<Piece> next_, middle_, pair_;
};

/// The longest text that is encoded as a whole.
inline constexpr std::size_t block_size = std::size_t{1} << 15U;

/// See BlockJoiner. A block is about as long as `size`; end_of(begin, place) is the first place
/// from `place` on where it may end.
template <class EndOf, class Encode>
void encode_by_blocks(std::string_view text, const EndOf& end_of, const Encode& encode,
                      std::vector<Piece>& pieces, std::size_t size = block_size) {
  if (text.size() <= size) return encode(Span{0, text.size()}, pieces);
  BlockJoiner joiner(encode, pieces);
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.size() - begin <= size ? text.size() : end_of(begin, begin + size);
    joiner.add({begin, end});
    begin = end;
  }
}

/// The first place from `place` on that is not within a character.
inline std::size_t character_boundary(std::string_view text, std::size_t place) {
  for (std::size_t back = 1; back <= 3 && back <= place; ++back) {
    const std::size_t length = decode_utf8(text, place - back).length;
    if (length > back) return place - back + length;
  }
  return place;
}

}  // namespace gradus::detail
