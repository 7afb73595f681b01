#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/token_table.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// What becomes of the characters that no piece has: their bytes, or one unknown piece for those
/// that stand together.
class GRADUS_API UnknownPieces {
 public:
  /// Without an unknown piece, `id` is -1. The pieces of bytes are <0x00> to <0xFF>.
  UnknownPieces(const TokenTable& tokens, std::int64_t id, bool byte_fallback);

  std::int64_t id() const { return id_; }
  bool byte_fallback() const { return byte_fallback_; }
  bool is_unknown(const Piece& piece) const { return piece.id < 0 || piece.id == id_; }

  /// Makes one unknown piece of those that stand together, from `first` on.
  void join(std::vector<Piece>& pieces, std::size_t first) const;
  /// Replaces the unknown ones among the pieces of a word from `first` on. Throws ValueError if
  /// there are some, and neither bytes nor an unknown piece.
  void resolve(std::string_view word, std::vector<Piece>& pieces, std::size_t first) const;

 private:
  bool has_bytes(std::string_view word, Span span) const;

  std::int64_t id_;
  bool byte_fallback_;
  std::array<std::int64_t, 256> bytes_{};  // -1 for none
};

}  // namespace gradus::detail
