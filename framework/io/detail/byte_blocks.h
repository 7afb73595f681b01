#pragma once
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/io/detail/gzip.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace gradus::detail {

/// The bytes of a file or a pipe in big blocks, unpacked if they are gzip. "-" is standard input.
class ByteBlocks {
 public:
  ByteBlocks(const char* operation, const std::string& path);

  const char* operation() const { return file_.operation(); }
  const std::string& path() const { return file_.path(); }
  /// The number of bytes, or nullopt of a pipe or of packed data.
  std::optional<std::uint64_t> size() const;

  /// The bytes that are read and not yet skipped; good until the next call of more() or
  /// next_line().
  std::string_view rest() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// Reads some bytes after the rest; false at the end of the file.
  bool more();
  /// Reads until the rest has so many bytes; false if the file ends before.
  bool at_least(std::size_t bytes);
  void skip(std::size_t bytes) {
    begin_ += bytes;
    position_ += bytes;
  }
  /// The number of bytes that were skipped.
  std::uint64_t position() const { return position_; }

  /// Takes the next line, without its line feed; false at the end of the file. Throws FormatError
  /// for a line of more than 64 MiB.
  bool next_line(std::string_view& line);
  /// Counts from 1; 0 before the first line.
  std::int64_t line_number() const { return line_; }

 private:
  InputFile file_;
  std::unique_ptr<GzipReader> gzip_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0, begin_ = 0, end_ = 0;
  std::uint64_t position_ = 0;
  std::int64_t line_ = 0;
};

}  // namespace gradus::detail
