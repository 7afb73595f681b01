#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/unigram.h>

#include <algorithm>
#include <cmath>
#include <limits>

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

namespace {

std::vector<std::pair<std::string, std::int64_t>> numbered(
    const std::vector<std::pair<std::string, double>>& pieces) {
  std::vector<std::pair<std::string, std::int64_t>> result;
  result.reserve(pieces.size());
  for (const auto& [piece, score] : pieces) result.emplace_back(piece, std::ssize(result));
  return result;
}

}  // namespace

Unigram::Unigram(std::vector<std::pair<std::string, double>> pieces, std::int64_t unknown_id,
                 bool byte_fallback)
    : tokens_(numbered(pieces)), unknown_(unknown_id), byte_fallback_(byte_fallback) {
  if (unknown_id < -1 || unknown_id >= std::ssize(pieces)) {
    throw ValueError(fmt::format("the unknown piece has the id {}, but there are {} pieces",
                                 unknown_id, pieces.size()));
  }
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const auto& [piece, score] = pieces[i];
    if (!std::isfinite(score))
      throw ValueError(fmt::format("the score of '{}' is {}", printable(piece), score));
    if (piece.empty()) throw ValueError(fmt::format("piece {} is empty", i));
    scores_.push_back(score);
    least = std::min(least, score);
    trie_.add(piece, static_cast<std::int32_t>(i));
  }
  unknown_score_ = least - 10;  // as SentencePiece has it
  for (unsigned byte = 0; byte < 256; ++byte)
    bytes_[byte] = tokens_.find(fmt::format("<0x{:02X}>", byte));
}

// Unknown characters that stand together: their bytes, or one unknown piece.
void Unigram::add_unknown(std::string_view word, Span span, std::vector<Piece>& pieces) const {
  const auto byte = [&](std::size_t i) { return bytes_[static_cast<unsigned char>(word[i])]; };
  bool has_bytes = byte_fallback_;
  for (std::size_t i = span.begin; i < span.end; ++i) has_bytes = has_bytes && byte(i) >= 0;
  if (has_bytes) {
    for (std::size_t i = span.begin; i < span.end; ++i) pieces.push_back({byte(i), {i, i + 1}});
    return;
  }
  if (unknown_ < 0) {
    throw ValueError(fmt::format("no piece has '{}', and there is no unknown piece",
                                 printable(word.substr(span.begin, span.size()))));
  }
  pieces.push_back({unknown_, span});
}

// Viterbi's algorithm: the best way to each position, from left to right.
void Unigram::encode(std::string_view word, std::vector<Piece>& pieces) const {
  struct Way {
    double score = 0;
    std::int32_t id = -1;      // of the last piece, -1 if it is unknown
    std::uint32_t length = 0;  // of the last piece; 0 for no way
  };
  std::vector<Way> best(word.size() + 1);
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t character = decode_utf8(word, i).length;
    const double before = best[i].score;
    bool known = false;
    const auto offer = [&](std::size_t length, double score, std::int32_t id) {
      Way& way = best[i + length];
      if (way.length == 0 || score > way.score)
        way = {score, id, static_cast<std::uint32_t>(length)};
    };
    trie_.prefixes(word.substr(i), [&](std::size_t length, std::int32_t id) {
      offer(length, before + scores_[static_cast<std::size_t>(id)], id);
      known = known || length == character;
    });
    if (!known) offer(character, before + unknown_score_, -1);
    i += character;
  }
  const std::size_t first = pieces.size();
  for (std::size_t end = word.size(); end > 0; end -= best[end].length) {
    pieces.push_back({best[end].id, {end - best[end].length, end}});
  }
  std::reverse(pieces.begin() + static_cast<std::ptrdiff_t>(first), pieces.end());
  const std::vector<Piece> ways(pieces.begin() + static_cast<std::ptrdiff_t>(first), pieces.end());
  if (std::all_of(ways.begin(), ways.end(),
                  [this](const Piece& piece) { return piece.id >= 0 && piece.id != unknown_; }))
    return;
  pieces.resize(first);
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto unknown = [&](const Piece& piece) { return piece.id < 0 || piece.id == unknown_; };
    if (!unknown(ways[i])) {
      pieces.push_back(ways[i]);
      continue;
    }
    Span span = ways[i].span;
    for (; i + 1 < ways.size() && unknown(ways[i + 1]); ++i) span.end = ways[i + 1].span.end;
    add_unknown(word, span, pieces);
  }
}

}  // namespace gradus::detail
