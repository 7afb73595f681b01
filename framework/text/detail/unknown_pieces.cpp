#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/unknown_pieces.h>

#include <algorithm>

namespace gradus::detail {

UnknownPieces::UnknownPieces(const TokenTable& tokens, std::int64_t id, bool byte_fallback)
    : id_(id), byte_fallback_(byte_fallback) {
  for (unsigned byte = 0; byte < 256; ++byte)
    bytes_[byte] = tokens.find(fmt::format("<0x{:02X}>", byte));
}

void UnknownPieces::join(std::vector<Piece>& pieces, std::size_t first) const {
  if (first >= pieces.size()) return;
  std::size_t last = first;  // of those that are kept
  for (std::size_t i = first + 1; i < pieces.size(); ++i) {
    if (is_unknown(pieces[i]) && is_unknown(pieces[last])) {
      pieces[last].span.end = pieces[i].span.end;
    } else {
      pieces[++last] = pieces[i];
    }
  }
  pieces.resize(last + 1);
}

// True if an unknown part of a word becomes its bytes.
bool UnknownPieces::has_bytes(std::string_view word, Span span) const {
  const std::string_view part = word.substr(span.begin, span.size());
  const bool all = byte_fallback_ && std::all_of(part.begin(), part.end(), [this](char c) {
                     return bytes_[static_cast<unsigned char>(c)] >= 0;
                   });
  if (all || id_ >= 0) return all;
  throw ValueError(
      fmt::format("no piece has '{}', and there is no unknown piece", printable(part)));
}

void UnknownPieces::resolve(std::string_view word, std::vector<Piece>& pieces,
                            std::size_t first) const {
  join(pieces, first);
  std::size_t size = pieces.size();
  for (std::size_t i = first; i < pieces.size(); ++i) {
    if (!is_unknown(pieces[i])) continue;
    pieces[i].id = -1;
    if (has_bytes(word, pieces[i].span)) {
      size += pieces[i].span.size() - 1;
    } else {
      pieces[i].id = id_;
    }
  }
  std::size_t from = pieces.size();
  pieces.resize(size);
  for (std::size_t to = size; from > first;) {  // from the last one on, where there is room
    const Piece piece = pieces[--from];
    if (piece.id >= 0) {
      pieces[--to] = piece;
      continue;
    }
    for (std::size_t i = piece.span.end; i > piece.span.begin; --i)
      pieces[--to] = {bytes_[static_cast<unsigned char>(word[i - 1])], {i - 1, i}};
  }
}

}  // namespace gradus::detail
