#pragma once
#include <gradus/framework/base/detail/input_file.h>

#include <cstddef>
#include <memory>
#include <string_view>

namespace gradus::detail {

/// The first bytes of gzip data.
inline constexpr std::string_view gzip_magic = "\x1f\x8b";

/// Unpacks a gzip file while it is read. Several members follow one another as one text; zeros
/// after the last are padding.
/// Source: RFC 1952, "GZIP file format specification version 4.3".
class GzipReader {
 public:
  /// head: the bytes that were already read of the file.
  GzipReader(InputFile& file, std::string_view head);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  /// Unpacks up to `bytes` bytes, and at least one; 0 at the end. Throws FormatError for data that
  /// are damaged or incomplete, Error if the file cannot be read.
  std::size_t read_some(char* out, std::size_t bytes);

 private:
  struct Stream;
  bool has_input();
  bool next_member();
  [[noreturn]] void fail(std::string_view what) const;

  InputFile& file_;
  std::unique_ptr<Stream> stream_;
};

}  // namespace gradus::detail
