#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/chars_map.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// What a .model of SentencePiece says, by the names of its sentencepiece_model.proto.
struct SentencePieceFile {
  enum class Kind : std::uint8_t {
    normal = 1,
    unknown = 2,
    control = 3,
    user_defined = 4,
    unused = 5,
    byte = 6,
  };
  enum class Type : std::uint8_t { unigram = 1, bpe = 2, word = 3, character = 4 };
  struct Piece {
    std::string text;
    float score = 0;
    Kind kind = Kind::normal;
  };

  std::vector<Piece> pieces;
  std::int64_t unknown_id = -1;

  Type type = Type::unigram;  // trainer_spec
  bool treat_whitespace_as_suffix = false;
  bool byte_fallback = false;
  std::string unk_surface = " \xE2\x81\x87 ";
  std::string bos_piece = "<s>", eos_piece = "</s>";

  std::optional<CharsMap> map;  // normalizer_spec
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
};

/// Throws FormatError, which begins with `where` and names the byte, for a file that is broken or
/// cut off, and for one that SentencePiece refuses.
GRADUS_API SentencePieceFile parse_sentencepiece(std::string_view bytes, const std::string& where);

}  // namespace gradus::detail
