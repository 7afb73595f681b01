#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace gradus::detail {

/// Throws Error for a path that contains a NUL: the system would read it only up to there.
GRADUS_API void check_path(const char* operation, const std::string& path);

/// Whether a pipe or a device may stand for a file.
enum class Streams : std::uint8_t { accepted, refused };

/// A file open for reading. Its size and its bytes belong to one file, even if another takes its
/// name in the meantime.
class GRADUS_API InputFile {
 public:
  /// Throws Error `<operation>: cannot read '<path>': <the system's reason>`, also for a folder. A
  /// pipe that is refused is not waited for.
  InputFile(const char* operation, const std::string& path, Streams streams);
  InputFile(const char* operation, const std::string& path);  ///< of a stream too
  /// Standard input, from where it is on: of a file, what was read before is left out. Throws
  /// Error.
  static InputFile standard_input(const char* operation);
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

  /// Reads the next bytes: fewer than asked for only at the end of the file. Throws Error with the
  /// system's reason.
  std::size_t read(char* out, std::size_t bytes);
  /// Reads what is there of a pipe, and waits only for the first byte: 0 at the end.
  std::size_t read_some(char* out, std::size_t bytes);
  /// Reads the bytes at a position of a file that was opened by its path; false if the file ends
  /// too early.
  bool read_at(std::uint64_t position, char* out, std::size_t bytes);

 private:
  InputFile(const char* operation, std::string path, int descriptor, Streams streams);
  [[noreturn]] void fail(const std::string& reason) const;

  const char* operation_;
  std::string path_;
  std::uint64_t size_ = 0;
  bool is_stream_ = false;
  int file_ = -1;
};

/// The most bytes of a line: 64 MiB.
inline constexpr std::size_t longest_line = std::size_t{1} << 26U;

/// Reads the lines of a file, each ended by a line feed; those of a pipe as they come.
class GRADUS_API LineReader {
 public:
  LineReader(const char* operation, const std::string& path) : file_(operation, path) {}

  const InputFile& file() const { return file_; }
  /// Reads the next line without its line feed, and the first one without a byte order mark; false
  /// at the end of the file. Throws Error, and FormatError for a line of more than 64 MiB.
  bool next(std::string& line) { return read(line, false); }
  /// The same, but cuts off such a line, which is_cut() tells.
  bool next_cut(std::string& line) { return read(line, true); }
  bool is_cut() const { return is_cut_; }
  /// The number of the line last read, counted from 1; 0 before the first.
  std::int64_t number() const { return number_; }

 private:
  bool read(std::string& line, bool cut);

  InputFile file_;
  std::string buffer_;
  std::size_t begin_ = 0, end_ = 0;  // the unread part of buffer_
  std::int64_t number_ = 0;
  bool is_cut_ = false;
};

}  // namespace gradus::detail
