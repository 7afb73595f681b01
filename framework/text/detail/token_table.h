#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/export.h>
#include <gradus/framework/text/detail/aligned_text.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gradus::detail {

/// A token in a text.
struct Piece {
  std::int64_t id;
  Span span;

  bool operator==(const Piece&) const = default;
};

using TokenList = std::vector<std::pair<std::string, std::int64_t>>;

/// Tokens and their ids, which may have gaps.
class GRADUS_API TokenTable {
 public:
  TokenTable() = default;
  /// Throws ValueError for a token or an id that is there twice, and for a negative id.
  explicit TokenTable(TokenList tokens);
  /// The ids are the positions. Of a token that is there several times, the last one counts: the
  /// others are no more than what token() gives for their ids.
  static TokenTable of_positions(const std::vector<std::string>& tokens);

  /// The id of a token, or -1.
  std::int64_t find(std::string_view token) const {
    const std::int64_t place = index_.find(token);
    return place < 0 ? -1 : ids_[static_cast<std::size_t>(place)];
  }
  /// The place of a token in tokens(), or -1.
  std::int64_t place(std::string_view token) const { return index_.find(token); }
  /// The token of an id, or nullptr.
  const std::string* token(std::int64_t id) const;

  /// True if some token has several ids.
  bool has_repeated() const { return !repeated_.empty(); }

  std::int64_t size() const { return index_.size(); }
  /// By increasing id.
  const std::vector<std::string>& tokens() const { return index_.texts(); }
  const std::vector<std::int64_t>& ids() const { return ids_; }

 private:
  TextIndex index_;
  std::vector<std::int64_t> ids_;
  TokenList repeated_;  // those that do not count, by increasing id
};

}  // namespace gradus::detail
