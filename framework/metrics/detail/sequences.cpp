#include <gradus/framework/metrics/detail/sequences.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>
#include <utility>

namespace gradus::detail {
namespace {

using Ids = std::span<const std::int64_t>;
using Word = std::uint64_t;

constexpr std::size_t word_bits = 64;

/// Where an id occurs in a sequence that is cut into blocks of 64: a bit for each place, of the
/// blocks that have it, in order, and then `no_bits`.
struct Bits {
  std::size_t block;
  Word places;
};
using Occurrences = std::unordered_map<std::int64_t, std::vector<Bits>>;

constexpr Bits no_bits{std::numeric_limits<std::size_t>::max(), 0};

Occurrences occurrences(Ids ids) {
  Occurrences result;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::vector<Bits>& of_id = result[ids[i]];
    const std::size_t block = i / word_bits;
    if (of_id.empty() || of_id.back().block != block) of_id.push_back({block, 0});
    of_id.back().places |= Word{1} << (i % word_bits);
  }
  for (auto& [id, of_id] : result) of_id.push_back(no_bits);
  return result;
}

/// Calls f(block, places) for each block in order, with the places where `id` occurs.
template <class F>
void for_each_block(const Occurrences& all, std::int64_t id, std::size_t blocks, F f) {
  const auto found = all.find(id);
  const Bits* next = found == all.end() ? &no_bits : found->second.data();
  for (std::size_t block = 0; block < blocks; ++block) {
    const bool here = next->block == block;  // without a jump, which could not be predicted
    f(block, next->places & -Word{here});
    next += here;
  }
}

std::size_t blocks_of(Ids ids) { return (ids.size() + word_bits - 1) / word_bits; }

/// Without what both begin with and both end with.
void strip_equal_ends(Ids& a, Ids& b) {
  const auto begin = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  a = a.subspan(begin);
  b = b.subspan(begin);
  const auto end = static_cast<std::size_t>(
      std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin());
  a = a.first(a.size() - end);
  b = b.first(b.size() - end);
}

/// The vertical differences of a column of the table of distances, one bit a row: where the
/// distance grows by 1 from the row before, and where it falls by 1.
struct Column {
  Word grows = ~Word{0}, falls = 0;
};

}  // namespace

// Myers 1999, in the form and with the carry between blocks of Hyyro 2003.
std::int64_t edit_distance(std::span<const std::int64_t> a, std::span<const std::int64_t> b) {
  strip_equal_ends(a, b);
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return std::ssize(b);
  const Occurrences places = occurrences(a);
  std::vector<Column> columns(blocks_of(a));
  const Word last_row = Word{1} << ((a.size() - 1) % word_bits);
  auto distance = std::ssize(a);
  for (const std::int64_t id : b) {
    Word grows_in = 1, falls_in = 0;  // horizontally, in the row above the block: 0, 1, 2, ...
    for_each_block(places, id, columns.size(), [&](std::size_t block, Word equal) {
      auto& [grows, falls] = columns[block];
      const Word x = equal | falls_in;
      const Word diagonal = (((x & grows) + grows) ^ grows) | x | falls;  // where it is equal
      Word right_grows = falls | ~(diagonal | grows), right_falls = diagonal & grows;
      if (block + 1 == columns.size()) {
        distance += (right_grows & last_row) != 0 ? 1 : 0;
        distance -= (right_falls & last_row) != 0 ? 1 : 0;
      }
      const Word grows_out = right_grows >> (word_bits - 1);
      const Word falls_out = right_falls >> (word_bits - 1);
      right_grows = right_grows << 1U | grows_in;
      right_falls = right_falls << 1U | falls_in;
      grows = right_falls | ~(diagonal | right_grows);
      falls = right_grows & diagonal;
      grows_in = grows_out;
      falls_in = falls_out;
    });
  }
  return distance;
}

// Hyyro 2004: a bit is 0 where the length grows by 1 from the row before.
std::int64_t longest_common_subsequence(std::span<const std::int64_t> a,
                                        std::span<const std::int64_t> b) {
  const std::size_t whole = a.size();
  strip_equal_ends(a, b);
  auto length = static_cast<std::int64_t>(whole - a.size());
  const Occurrences places = occurrences(a);
  std::vector<Word> same(blocks_of(a), ~Word{0});
  for (const std::int64_t id : b) {
    Word carry = 0;
    for_each_block(places, id, same.size(), [&](std::size_t block, Word equal) {
      const Word before = same[block], matches = before & equal;
      const Word partial = before + matches, sum = partial + carry;
      carry = partial < before || sum < partial ? 1 : 0;
      same[block] = sum | (before - matches);
    });
  }
  for (const Word word : same) length += std::popcount(~word);
  return length;
}

std::vector<std::int64_t> TextIds::operator()(std::span<const std::string_view> texts) {
  std::vector<std::int64_t> ids;
  ids.reserve(texts.size());
  for (const std::string_view text : texts) {
    ids.push_back(ids_.try_emplace(text, std::ssize(ids_)).first->second);
  }
  return ids;
}

}  // namespace gradus::detail
