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

// Unknown characters that stand together.
void UnknownPieces::add(std::string_view word, Span span, std::vector<Piece>& pieces) const {
  const auto byte = [&](std::size_t i) { return bytes_[static_cast<unsigned char>(word[i])]; };
  bool has_bytes = byte_fallback_;
  for (std::size_t i = span.begin; i < span.end; ++i) has_bytes = has_bytes && byte(i) >= 0;
  if (has_bytes) {
    for (std::size_t i = span.begin; i < span.end; ++i) pieces.push_back({byte(i), {i, i + 1}});
    return;
  }
  if (id_ < 0) {
    throw ValueError(fmt::format("no piece has '{}', and there is no unknown piece",
                                 printable(word.substr(span.begin, span.size()))));
  }
  pieces.push_back({id_, span});
}

void UnknownPieces::resolve(std::string_view word, std::vector<Piece>& pieces,
                            std::size_t first) const {
  const auto begin = pieces.begin() + static_cast<std::ptrdiff_t>(first);
  const auto start =
      std::find_if(begin, pieces.end(), [this](const Piece& piece) { return is_unknown(piece); });
  if (start == pieces.end()) return;
  const std::vector<Piece> rest(start, pieces.end());
  pieces.erase(start, pieces.end());
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (!is_unknown(rest[i])) {
      pieces.push_back(rest[i]);
      continue;
    }
    Span span = rest[i].span;
    for (; i + 1 < rest.size() && is_unknown(rest[i + 1]); ++i) span.end = rest[i + 1].span.end;
    add(word, span, pieces);
  }
}

}  // namespace gradus::detail
