#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/proto_reader.h>
#include <gradus/framework/text/detail/sentencepiece_file.h>

#include <array>
#include <charconv>
#include <cmath>

// Source: google/sentencepiece, sentencepiece_model.proto and model_interface.cc.
namespace gradus::detail {
namespace {

using Kind = SentencePieceFile::Kind;

/// Reads a file, and checks what SentencePiece checks when it loads one.
class FileParser {
 public:
  FileParser(std::string_view bytes, const std::string& where) : reader_(bytes, where) {}

  SentencePieceFile run() && {
    std::size_t trainer = 0, normalizer = 0;
    while (reader_.next()) {
      switch (reader_.field()) {
        case 1:
          add_piece(reader_.message());
          break;
        case 2:
          read_trainer(reader_.message());
          ++trainer;
          break;
        case 3:
          read_normalizer(reader_.message());
          ++normalizer;
          break;
        case 5:
          refuse_denormalizer(reader_.message());
          break;
        default:
          break;
      }
    }
    if (file_.pieces.empty()) reader_.fail("there are no pieces");
    if (trainer == 0 || normalizer == 0) {
      reader_.fail(fmt::format("the file ends without its {}: it is cut off",
                               trainer == 0 ? "trainer_spec" : "normalizer_spec"));
    }
    if (file_.unknown_id < 0) reader_.fail("no piece is of the type UNKNOWN");
    check_bytes();
    return std::move(file_);
  }

 private:
  void add_piece(ProtoReader reader) {
    SentencePieceFile::Piece piece;
    while (reader.next()) {
      if (reader.field() == 1) piece.text = reader.bytes();
      if (reader.field() == 2) piece.score = reader.number();
      if (reader.field() == 3) piece.kind = kind_of(reader);
    }
    const std::size_t id = file_.pieces.size();
    if (piece.text.empty()) reader_.fail(fmt::format("piece {} is empty", id));
    if (!is_utf8(piece.text))
      reader_.fail(fmt::format("piece {}, '{}', is not UTF-8", id, printable(piece.text)));
    if (piece.text.size() > 65535)
      reader_.fail(fmt::format("piece {} has {} bytes, more than 65535", id, piece.text.size()));
    if (!(std::abs(piece.score) <= 1e30F))
      reader_.fail(fmt::format("the score of piece {}, '{}', is {}", id, printable(piece.text),
                               piece.score));
    if (texts_.find(piece.text) >= 0)
      reader_.fail(fmt::format("the piece '{}' is there twice", printable(piece.text)));
    texts_.add(piece.text);
    if (piece.kind == Kind::unknown) {
      if (file_.unknown_id >= 0)
        reader_.fail(
            fmt::format("piece {} is of the type UNKNOWN, as is piece {}", id, file_.unknown_id));
      file_.unknown_id = static_cast<std::int64_t>(id);
    }
    file_.pieces.push_back(std::move(piece));
  }

  static Kind kind_of(const ProtoReader& reader) {
    const std::int64_t value = reader.integer();
    if (value < 1 || value > 6) reader.fail(fmt::format("there is no type {} of pieces", value));
    return static_cast<Kind>(value);
  }

  void read_trainer(ProtoReader reader) {
    while (reader.next()) {
      switch (reader.field()) {
        case 3: {
          const std::int64_t type = reader.integer();
          if (type < 1 || type > 4)
            reader.fail(fmt::format(
                "there is no model_type {}: 1 is unigram, 2 bpe, 3 word, 4 char", type));
          file_.type = static_cast<SentencePieceFile::Type>(type);
          break;
        }
        case 24:
          file_.treat_whitespace_as_suffix = reader.flag();
          break;
        case 35:
          file_.byte_fallback = reader.flag();
          break;
        case 44:
          file_.unk_surface = text_of(reader, "unk_surface");
          break;
        case 46:
          if (!reader.bytes().empty()) file_.bos_piece = text_of(reader, "bos_piece");
          break;
        case 47:
          if (!reader.bytes().empty()) file_.eos_piece = text_of(reader, "eos_piece");
          break;
        default:
          break;
      }
    }
  }

  void read_normalizer(ProtoReader reader) {
    while (reader.next()) {
      if (reader.field() == 2) file_.map = map_of(reader);
      if (reader.field() == 3) file_.add_dummy_prefix = reader.flag();
      if (reader.field() == 4) file_.remove_extra_whitespaces = reader.flag();
      if (reader.field() == 5) file_.escape_whitespaces = reader.flag();
    }
  }

  static std::optional<CharsMap> map_of(const ProtoReader& reader) {
    if (reader.bytes().empty()) return std::nullopt;
    try {
      return CharsMap::from_bytes(reader.bytes());
    } catch (const ValueError& error) {
      reader.fail(fmt::format("precompiled_charsmap: {}", error.what()));
    }
  }

  static void refuse_denormalizer(ProtoReader reader) {
    while (reader.next()) {
      if (reader.field() == 2 && !reader.bytes().empty())
        reader.fail("denormalizer_spec has a table of characters, which is not supported");
    }
  }

  static std::string text_of(const ProtoReader& reader, const char* name) {
    if (!is_utf8(reader.bytes())) reader.fail(fmt::format("{} is not UTF-8", name));
    return std::string(reader.bytes());
  }

  // All bytes have a piece, or none has.
  void check_bytes() const {
    std::array<bool, 256> found{};
    for (const SentencePieceFile::Piece& piece : file_.pieces) {
      if (piece.kind != Kind::byte) continue;
      if (!file_.byte_fallback)
        reader_.fail(fmt::format("'{}' is of the type BYTE, but there is no byte_fallback",
                                 printable(piece.text)));
      unsigned byte = 256;
      if (piece.text.size() == 6)
        std::from_chars(piece.text.data() + 3, piece.text.data() + 5, byte, 16);
      if (byte > 255 || piece.text != fmt::format("<0x{:02X}>", byte))
        reader_.fail(fmt::format("'{}' is of the type BYTE, but is none of <0x00> to <0xFF>",
                                 printable(piece.text)));
      found[byte] = true;
    }
    for (unsigned byte = 0; file_.byte_fallback && byte < 256; ++byte) {
      if (!found[byte])
        reader_.fail(fmt::format("there is byte_fallback, but no piece <0x{:02X}>", byte));
    }
  }

  ProtoReader reader_;
  SentencePieceFile file_;
  TextIndex texts_;
};

}  // namespace

SentencePieceFile parse_sentencepiece(std::string_view bytes, const std::string& where) {
  return FileParser(bytes, where).run();
}

}  // namespace gradus::detail
