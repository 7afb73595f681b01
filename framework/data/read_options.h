#pragma once
#include <gradus/framework/base/bad_lines.h>

#include <cstdint>

namespace gradus {

/// How a file encodes text. Readers return UTF-8.
enum class TextEncoding : std::uint8_t { utf8, latin1 };

/// What readers agree on: lines end in a line feed, or a carriage return and a line feed; the last
/// may lack its end; a byte order mark is ignored. Lines that are not UTF-8, contain a NUL or are
/// longer than 64 MiB are bad; the last are refused at once, and TextLines takes them. Throws Error
/// with the system's reason for a file that cannot be read or is a folder, FormatError for an empty
/// one.
struct ReadOptions {
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;  ///< set to the number of lines that `skip` left out
};

}  // namespace gradus
