#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

/// The bytes [begin, end) of a text.
struct ByteSpan {
  std::int64_t begin = 0, end = 0;

  bool operator==(const ByteSpan&) const = default;
};

/// A text as the ids of its tokens; all members have one element for each token, but those that
/// EncodeOptions leaves out.
struct Encoding {
  std::vector<std::int64_t> ids;
  std::vector<std::int64_t> type_ids;        ///< 0 for the first text, 1 for the second
  std::vector<std::int64_t> attention_mask;  ///< 0 for padding, else 1
  std::vector<ByteSpan> offsets;       ///< where in its text; {0, 0} for tokens that were added
  std::vector<std::int64_t> word_ids;  ///< which word of its text, -1 for tokens that were added
  std::vector<std::int64_t>
      text_ids;  ///< 0 or 1: which of the two texts; -1 for tokens that were added
  std::vector<Encoding> overflowing;  ///< the rest of a text that was truncated

  std::int64_t size() const { return static_cast<std::int64_t>(ids.size()); }
};

/// What is left of texts that have too many tokens.
struct Truncation {
  enum class Strategy : std::uint8_t { longest_first, only_first, only_second };
  enum class Direction : std::uint8_t { right, left };

  std::int64_t max_length = 512;  ///< in tokens, those that are added included
  std::int64_t stride = 0;        ///< how many tokens of a part the next overflowing part repeats
  Strategy strategy = Strategy::longest_first;
  Direction direction = Direction::right;  ///< which end is cut off
};

/// How the encodings of a batch get one length.
struct BatchPadding {
  enum class Direction : std::uint8_t { right, left };

  std::optional<std::int64_t> length{};              ///< none: that of the longest
  std::optional<std::int64_t> pad_to_multiple_of{};  ///< of which the length is a multiple
  std::int64_t pad_id = 0;
  std::int64_t pad_type_id = 0;
  std::string pad_token = "[PAD]";
  Direction direction = Direction::right;  ///< which end is padded
};

}  // namespace gradus
