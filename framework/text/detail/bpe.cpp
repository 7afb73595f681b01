#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/bpe.h>
#include <gradus/framework/text/detail/unicode.h>

#include <algorithm>
#include <bit>
#include <limits>

namespace gradus::detail {
namespace {

constexpr std::int32_t no_rank = std::numeric_limits<std::int32_t>::max();

// Visible characters stand for themselves, the other 68 bytes for U+0100 and up.
bool is_visible(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<std::uint32_t, 256> alphabet = [] {
  std::array<std::uint32_t, 256> result{};
  std::uint32_t next = 256;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const bool visible =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    result[byte] = visible ? byte : next++;
  }
  return result;
}();

}  // namespace

std::uint32_t byte_character(unsigned char byte) { return alphabet[byte]; }

std::string to_byte_alphabet(std::string_view bytes) {
  std::string result;
  for (const char c : bytes) append_utf8(byte_character(static_cast<unsigned char>(c)), result);
  return result;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size();) {
    const Character c = decode_utf8(text, i);
    i += c.length;
    if (c.code < 256 && is_visible(c.code)) {
      result += static_cast<char>(c.code);
      continue;
    }
    const auto found = std::find(alphabet.begin(), alphabet.end(), c.code);
    if (found == alphabet.end()) return std::nullopt;
    result += static_cast<char>(found - alphabet.begin());
  }
  return result;
}

Bpe::Bpe(TokenTable tokens, const Merges& merges, BpeOptions options, bool byte_level)
    : tokens_(std::move(tokens)), options_(std::move(options)), byte_level_(byte_level) {
  if (!options_.unknown_token.empty()) {
    unknown_ = tokens_.place(options_.unknown_token);
    if (unknown_ < 0) {
      throw ValueError(fmt::format("the unknown token '{}' is not in the vocabulary",
                                   printable(options_.unknown_token)));
    }
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    bytes_[byte] =
        tokens_.place(byte_level ? to_byte_alphabet({&c, 1}) : fmt::format("<0x{:02X}>", byte));
  }
  slots_.resize(std::bit_ceil(2 * merges.size() + 2));
  for (std::size_t rank = 0; rank < merges.size(); ++rank) add_merge(merges, rank);
  const bool bare =
      options_.end_of_word_suffix.empty() && options_.continuing_subword_prefix.empty();
  if (bare || options_.ignore_merges) find_words();
}

// Most words of a text are one token: to look them up saves their merges.
void Bpe::find_words() {
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < tokens_.tokens().size(); ++i) {
    const std::string& token = tokens_.tokens()[i];
    const std::optional<std::string> word =
        byte_level_ ? from_byte_alphabet(token) : std::optional(token);
    if (!word || word->empty()) continue;
    if (!options_.ignore_merges) {
      pieces.clear();
      split(*word, {0, word->size()}, pieces);
      merge_all(pieces, 0);
      if (pieces.size() != 1 || pieces[0].id != static_cast<std::int64_t>(i)) continue;
    }
    words_.add(*word);
    word_places_.push_back(static_cast<std::int32_t>(i));
  }
}

void Bpe::add_merge(const Merges& merges, std::size_t rank) {
  const auto [left, right] = merges[rank];
  std::string_view rest = right;
  const std::string& prefix = options_.continuing_subword_prefix;
  if (!prefix.empty() && rest.starts_with(prefix)) rest.remove_prefix(prefix.size());
  const std::string both = std::string(left) += rest;
  const std::int64_t a = tokens_.place(left), b = tokens_.place(right), id = tokens_.place(both);
  if (a < 0 || b < 0 || id < 0) {
    throw ValueError(fmt::format("merge {} is '{} {}', but the vocabulary has no '{}'", rank,
                                 printable(left), printable(right),
                                 printable(a < 0   ? left
                                           : b < 0 ? right
                                                   : both)));
  }
  slots_[slot_of(a, b)] = {static_cast<std::int32_t>(a),
                           static_cast<std::int32_t>(b),
                           {static_cast<std::int32_t>(rank), static_cast<std::int32_t>(id)}};
}

Merges Bpe::merges() const {
  std::vector<Slot> taken;
  for (const Slot& slot : slots_) {
    if (slot.left >= 0) taken.push_back(slot);
  }
  std::sort(taken.begin(), taken.end(),
            [](const Slot& a, const Slot& b) { return a.merge.rank < b.merge.rank; });
  Merges result;
  const auto token = [&](std::int32_t place) {
    return std::string_view(tokens_.tokens()[static_cast<std::size_t>(place)]);
  };
  for (const Slot& slot : taken) result.emplace_back(token(slot.left), token(slot.right));
  return result;
}

std::size_t Bpe::slot_of(std::int64_t left, std::int64_t right) const {
  const std::size_t mask = slots_.size() - 1;
  auto hash = (static_cast<std::uint64_t>(left) << 32U ^ static_cast<std::uint64_t>(right)) *
              0x9E3779B97F4A7C15U;
  hash ^= hash >> 32U;
  std::size_t slot = hash & mask;
  while (slots_[slot].left >= 0 && (slots_[slot].left != left || slots_[slot].right != right))
    slot = (slot + 1) & mask;
  return slot;
}

const PairMerge* Bpe::find(std::int64_t left, std::int64_t right) const {
  const Slot& slot = slots_[slot_of(left, right)];
  return slot.left < 0 ? nullptr : &slot.merge;
}

std::int64_t Bpe::find_symbol(std::string_view symbol, bool first, bool last) const {
  const bool prefixed = !first && !options_.continuing_subword_prefix.empty();
  const bool suffixed = last && !options_.end_of_word_suffix.empty();
  if (!prefixed && !suffixed) return tokens_.place(symbol);
  std::string full = prefixed ? options_.continuing_subword_prefix : "";
  full += symbol;
  if (suffixed) full += options_.end_of_word_suffix;
  return tokens_.place(full);
}

bool Bpe::has_bytes(std::string_view unknown) const {
  return options_.byte_fallback && std::all_of(unknown.begin(), unknown.end(), [this](char c) {
           return bytes_[static_cast<unsigned char>(c)] >= 0;
         });
}

// An unknown character: its bytes, an unknown token, or nothing.
void Bpe::split_unknown(std::string_view word, Span span, std::vector<Piece>& pieces) const {
  if (has_bytes(word.substr(span.begin, span.size()))) {
    for (std::size_t i = span.begin; i < span.end; ++i)
      pieces.push_back({bytes_[static_cast<unsigned char>(word[i])], {i, i + 1}});
  } else if (unknown_ >= 0) {
    const bool fused = options_.fuse_unknown && span.begin > 0 && !pieces.empty() &&
                       pieces.back().id == unknown_ && pieces.back().span.end == span.begin;
    if (fused) {
      pieces.back().span.end = span.end;
    } else {
      pieces.push_back({unknown_, span});
    }
  }
}

// A part of a word as the tokens of its characters, or of its bytes.
void Bpe::split(std::string_view word, Span part, std::vector<Piece>& pieces) const {
  if (byte_level_) {
    for (std::size_t i = part.begin; i < part.end; ++i) {
      const std::int64_t id = bytes_[static_cast<unsigned char>(word[i])];
      if (id >= 0) {
        pieces.push_back({id, {i, i + 1}});
      } else if (unknown_ >= 0) {
        split_unknown(word, {i, i + 1}, pieces);
      }
    }
    return;
  }
  const std::string_view begun = word.substr(0, part.end);
  for (std::size_t i = part.begin; i < part.end;) {
    const Span span{i, i + decode_utf8(begun, i).length};
    const std::int64_t id =
        find_symbol(word.substr(i, span.size()), i == 0, span.end == word.size());
    if (id >= 0) {
      pieces.push_back({id, span});
    } else {
      split_unknown(word, span, pieces);
    }
    i = span.end;
  }
}

// Merges the pieces from `first` on: of a few, the best pair is looked for each time.
void Bpe::merge_all(std::vector<Piece>& pieces, std::size_t first) const {
  constexpr std::size_t few = 48;
  const std::size_t count = pieces.size() - first;
  if (count > few) {
    return merge_pairs(pieces, first, [this](const Piece& left, const Piece& right) {
      return find(left.id, right.id);
    });
  }
  std::array<PairMerge, few> merges;  // of each piece with the next
  const auto look = [&](std::size_t i) {
    const PairMerge* found = find(pieces[first + i].id, pieces[first + i + 1].id);
    merges[i] = found != nullptr ? *found : PairMerge{no_rank, -1};
  };
  std::size_t n = count;
  for (std::size_t i = 0; i + 1 < n; ++i) look(i);
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == no_rank) break;
    Piece* const at = pieces.data() + first + best;
    *at = {merges[best].id, {at[0].span.begin, at[1].span.end}};
    std::move(at + 2, pieces.data() + first + n, at + 1);
    std::move(merges.data() + best + 1, merges.data() + n - 1, merges.data() + best);
    --n;
    if (best > 0) look(best - 1);
    if (best + 1 < n) look(best);
  }
  pieces.resize(first + n);
}

// The first place from `place` on where a block of a word may end: not within a character, nor
// among unknown ones that become one token, which each block would have to read from its beginning
// on.
std::size_t Bpe::end_of_block(std::string_view word, std::size_t place) const {
  std::size_t end = character_boundary(word, place);
  if (!options_.fuse_unknown || unknown_ < 0) return end;
  while (end < word.size()) {
    const std::size_t length = byte_level_ ? 1 : decode_utf8(word, end).length;
    const std::string_view next = word.substr(end, length);
    const bool is_known = byte_level_ ? bytes_[static_cast<unsigned char>(next[0])] >= 0
                                      : find_symbol(next, false, end + length == word.size()) >= 0;
    if (is_known || has_bytes(next)) break;
    end += length;
  }
  return end;
}

// The token that a word is, or -1.
std::int64_t Bpe::whole(std::string_view word) const {
  const std::int64_t number = words_.find(word);
  return number < 0 ? -1 : word_places_[static_cast<std::size_t>(number)];
}

void Bpe::encode(std::string_view word, std::vector<Piece>& pieces) const {
  const std::size_t first = pieces.size();
  if (const std::int64_t place = whole(word); place >= 0) {
    pieces.push_back({place, {0, word.size()}});
  } else {
    encode_by_blocks(
        word, [&](std::size_t, std::size_t at) { return end_of_block(word, at); },
        [&](Span part, std::vector<Piece>& out) {
          const std::size_t begin = out.size();
          split(word, part, out);
          merge_all(out, begin);
        },
        pieces);
  }
  for (std::size_t i = first; i < pieces.size(); ++i)
    pieces[i].id = tokens_.ids()[static_cast<std::size_t>(pieces[i].id)];
}

}  // namespace gradus::detail
