#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace gradus::detail {

/// Throws Error for a path that holds a NUL: the system would take what stands before it.
GRADUS_API void check_path(const char* operation, const std::string& path);

/// A file to read. Its size and its bytes are those of one file, also if another one takes its name
/// in the meantime.
class GRADUS_API InputFile {
 public:
  /// Throws Error `<operation>: cannot read '<path>': <the system's reason>`, also for a folder.
  InputFile(const char* operation, std::string path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const char* operation() const { return operation_; }
  const std::string& path() const { return path_; }
  /// True for a pipe or a device, which can be read once, from its start.
  bool is_stream() const { return is_stream_; }
  /// Throws Error for a stream.
  std::uint64_t size() const;
  int descriptor() const { return file_; }

  /// The next bytes: fewer than asked for at the end of the file only. Throws Error with the
  /// system's reason.
  std::size_t read(char* out, std::size_t bytes);
  /// The bytes at a position; false if the file ends before.
  bool read_at(std::uint64_t position, char* out, std::size_t bytes);

 private:
  [[noreturn]] void fail(const std::string& reason) const;

  const char* operation_;
  std::string path_;
  std::uint64_t size_ = 0;
  bool is_stream_ = false;
  int file_ = -1;
};

/// The lines of a file, which a line feed ends.
class GRADUS_API LineReader {
 public:
  LineReader(const char* operation, const std::string& path) : file_(operation, path) {}

  const InputFile& file() const { return file_; }
  /// Reads the next line, without its line feed, the first one without a byte order mark; false at
  /// the end of the file. Throws Error, and FormatError for a line that is too long for a text.
  bool next(std::string& line);
  /// The number of the line that was read last, from 1 on; 0 before the first.
  std::int64_t number() const { return number_; }

 private:
  InputFile file_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is left in the buffer
  std::int64_t number_ = 0;
};

}  // namespace gradus::detail
