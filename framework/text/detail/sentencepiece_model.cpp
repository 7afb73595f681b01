#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/sentencepiece_model.h>
#include <gradus/framework/text/detail/sentencepiece_normalizer.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <unordered_map>
#include <utility>

namespace gradus::detail {
namespace {

using Kind = SentencePieceFile::Kind;
using Type = SentencePieceFile::Type;

TokenTable table_of(const SentencePieceFile& file) {
  std::vector<std::pair<std::string, std::int64_t>> tokens;
  tokens.reserve(file.pieces.size());
  for (const SentencePieceFile::Piece& piece : file.pieces)
    tokens.emplace_back(piece.text, std::ssize(tokens));
  return TokenTable(std::move(tokens));
}

// The merge that makes each piece: greater scores have lesser ranks, equal ones the same.
std::vector<PairMerge> merges_of(const std::vector<float>& scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<PairMerge> merges(scores.size());
  std::int32_t rank = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i > 0 && scores[order[i]] != scores[order[i - 1]]) ++rank;
    merges[order[i]] = {rank, static_cast<std::int32_t>(order[i])};
  }
  return merges;
}

/// Pieces that are merged as others are, but in the end taken apart again.
class UnusedPieces {
 public:
  // Two neighbours make an unused piece.
  void add(std::int64_t id, const Piece& left, const Piece& right) {
    parts_[id] = {left.id, right.id, left.span.size()};
  }
  // Puts the parts into the places of unused pieces, and of parts that are unused themselves.
  void take_apart(std::vector<Piece>& pieces, std::size_t first) const {
    const auto begin = pieces.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<Piece> before(begin, pieces.end());
    pieces.erase(begin, pieces.end());
    std::vector<Piece> stack;
    for (const Piece& piece : before) {
      stack.push_back(piece);
      while (!stack.empty()) {
        const Piece top = stack.back();
        stack.pop_back();
        const auto found = parts_.find(top.id);
        if (top.id < 0 || found == parts_.end()) {
          pieces.push_back(top);
          continue;
        }
        const auto& [left, right, size] = found->second;
        stack.push_back({right, {top.span.begin + size, top.span.end}});
        stack.push_back({left, {top.span.begin, top.span.begin + size}});
      }
    }
  }

 private:
  struct Parts {
    std::int64_t left, right;
    std::size_t left_size;
  };
  std::unordered_map<std::int64_t, Parts> parts_;
};

}  // namespace

SentencePieceModel::SentencePieceModel(const SentencePieceFile& file,
                                       std::shared_ptr<const ByteTrie> symbols)
    : type_(file.type),
      tokens_(table_of(file)),
      symbols_(std::move(symbols)),
      unknown_(tokens_, file.unknown_id, file.byte_fallback) {
  for (const SentencePieceFile::Piece& piece : file.pieces) {
    scores_.push_back(piece.score);
    kinds_.push_back(piece.kind);
    longest_ = std::max(longest_, piece.text.size());
    has_unused_ = has_unused_ || piece.kind == Kind::unused;
  }
  merges_ = merges_of(scores_);
}

// The id of a piece that neighbours can make, or -1.
std::int64_t SentencePieceModel::find(std::string_view piece) const {
  if (piece.size() > longest_) return -1;
  const std::int64_t id = tokens_.find(piece);
  if (id < 0) return -1;
  const Kind found = kind(id);
  return found == Kind::normal || found == Kind::user_defined || found == Kind::unused ? id : -1;
}

// The same of one that is not unused.
std::int64_t SentencePieceModel::find_used(std::string_view piece) const {
  const std::int64_t id = find(piece);
  return id >= 0 && kind(id) == Kind::unused ? -1 : id;
}

// The length of the user-defined piece or the character that a text begins with.
std::size_t SentencePieceModel::symbol_size(std::string_view text) const {
  const std::size_t symbol = symbols_->longest(text);
  return symbol > 0 ? symbol : decode_utf8(text, 0).length;
}

void SentencePieceModel::split_characters(std::string_view text, Span part,
                                          std::vector<Piece>& pieces) const {
  for (std::size_t i = part.begin; i < part.end;) {
    const std::size_t size = symbol_size(text.substr(i, part.end - i));
    pieces.push_back({find_used(text.substr(i, size)), {i, i + size}});
    i += size;
  }
}

// A word begins with each blank.
void SentencePieceModel::split_words(std::string_view text, std::vector<Piece>& pieces) const {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(space_symbol, begin + 1), text.size());
    pieces.push_back({find_used(text.substr(begin, end - begin)), {begin, end}});
    begin = end;
  }
}

void SentencePieceModel::merge(std::string_view text, std::vector<Piece>& pieces) const {
  const std::size_t start = pieces.size();
  UnusedPieces unused;
  const auto is_symbol = [this](const Piece& piece) {
    return piece.id >= 0 && kind(piece.id) == Kind::user_defined;
  };
  const auto merge_of = [&](const Piece& left, const Piece& right) -> const PairMerge* {
    if (is_symbol(left) || is_symbol(right)) return nullptr;
    const std::int64_t id = find(text.substr(left.span.begin, right.span.end - left.span.begin));
    if (id < 0) return nullptr;
    if (has_unused_ && kind(id) == Kind::unused) unused.add(id, left, right);
    return &merges_[static_cast<std::size_t>(id)];
  };
  encode_by_blocks(
      text,
      [&](std::size_t begin, std::size_t place) {
        while (begin < place) begin += symbol_size(text.substr(begin));
        return begin;
      },
      [&](Span part, std::vector<Piece>& out) {
        const std::size_t first = out.size();
        split_characters(text, part, out);
        merge_pairs(out, first, merge_of);
      },
      pieces);
  if (has_unused_) unused.take_apart(pieces, start);
}

void SentencePieceModel::encode(std::string_view text, std::vector<Piece>& pieces) const {
  const std::size_t first = pieces.size();
  if (type_ == Type::bpe) {
    merge(text, pieces);
  } else if (type_ == Type::word) {
    split_words(text, pieces);
  } else {
    split_characters(text, {0, text.size()}, pieces);
  }
  unknown_.resolve(text, pieces, first);
}

}  // namespace gradus::detail
