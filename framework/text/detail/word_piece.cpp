#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/word_piece.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {

WordPiece::WordPiece(TokenTable tokens, WordPieceOptions options)
    : tokens_(std::move(tokens)),
      options_(std::move(options)),
      unknown_(tokens_.find(options_.unknown_token)) {
  if (unknown_ < 0) {
    throw ValueError(fmt::format("the unknown token '{}' is not in the vocabulary",
                                 printable(options_.unknown_token)));
  }
  const std::string& prefix = options_.continuing_subword_prefix;
  for (const std::string& token : tokens_.tokens()) {
    longest_ = std::max(longest_, token.size());
    if (!token.empty()) first_.add(token);
    if (token.size() > prefix.size() && token.starts_with(prefix))
      further_.add(std::string_view(token).substr(prefix.size()));
  }
}

bool WordPiece::is_long(std::string_view word) const {
  const auto most = static_cast<std::size_t>(options_.max_input_chars_per_word);
  if (word.size() <= most) return false;
  std::size_t count = 0;
  for (std::size_t i = 0; i < word.size() && count <= most; ++count)
    i += decode_utf8(word, i).length;
  return count > most;
}

// The longest token that word[begin, ...) begins with; its id is -1 if there is none.
Piece WordPiece::longest(std::string_view word, std::size_t begin, std::string& buffer) const {
  const std::string_view rest = word.substr(begin, longest_);
  const LengthsByBeginning& lengths = begin > 0 ? further_ : first_;
  buffer.assign(begin > 0 ? options_.continuing_subword_prefix : "");
  const std::size_t prefix = buffer.size();
  buffer += rest;
  const auto is_within_character = [&](std::size_t place) {
    return place < word.size() && (static_cast<unsigned char>(word[place]) & 0xC0U) == 0x80;
  };
  for (std::size_t length = rest.size(); length > 0; --length) {
    if (!lengths.may_have(rest, length) || is_within_character(begin + length)) continue;
    const std::int64_t id = tokens_.find(std::string_view(buffer).substr(0, prefix + length));
    if (id >= 0) return {id, {begin, begin + length}};
  }
  return {-1, {}};
}

void WordPiece::encode(std::string_view word, std::vector<Piece>& pieces) const {
  if (word.empty()) return;
  const std::size_t first = pieces.size();
  std::string buffer;
  for (std::size_t begin = 0; begin < word.size();) {
    const Piece piece = begin == 0 && is_long(word) ? Piece{-1, {}} : longest(word, begin, buffer);
    if (piece.id < 0) {
      pieces.resize(first);
      pieces.push_back({unknown_, {0, word.size()}});
      return;
    }
    pieces.push_back(piece);
    begin = piece.span.end;
  }
}

WordLevel::WordLevel(TokenTable tokens, std::string unknown_token)
    : tokens_(std::move(tokens)),
      unknown_token_(std::move(unknown_token)),
      unknown_(unknown_token_.empty() ? -1 : tokens_.find(unknown_token_)) {}

void WordLevel::encode(std::string_view word, std::vector<Piece>& pieces) const {
  const std::int64_t known = tokens_.find(word);
  const std::int64_t id = known >= 0 ? known : unknown_;
  if (id < 0 && unknown_token_.empty()) {
    throw IndexError(
        fmt::format("Tokenizer: '{}' is not among the {} words, and there is no word for unknown "
                    "ones: give the vocabulary one, or a default_id",
                    printable(word), tokens_.size()));
  }
  if (id < 0) {
    throw ValueError(
        fmt::format("the word '{0}' is not in the vocabulary, and neither is the unknown token "
                    "'{1}': add '{1}'",
                    printable(word), printable(unknown_token_)));
  }
  pieces.push_back({id, {0, word.size()}});
}

}  // namespace gradus::detail
