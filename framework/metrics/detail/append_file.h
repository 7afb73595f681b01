#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gradus::detail {

/// A regular file that grows at its end, one whole record at a time: what is appended is in the
/// file when append() returns, and all of it or nothing.
class AppendFile {
 public:
  /// Opens or creates a file. Throws Error `<operation>: cannot open '<path>': <the system's
  /// reason>`, also for what is not a regular file.
  AppendFile(const char* operation, std::string path);
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  const std::string& path() const { return path_; }
  std::int64_t size() const { return size_; }

  /// Throws Error with the system's reason (a full disk); the file is as it was then.
  void append(std::string_view bytes);
  /// Drops everything after the first `size` bytes. Throws Error with the system's reason.
  void truncate(std::int64_t size);
  /// Replaces the content as a whole, as AtomicFile does.
  void replace(std::string_view content);

 private:
  void open();
  [[noreturn]] void fail(const char* action) const;

  const char* operation_;
  std::string path_;
  std::int64_t size_ = 0;
  int file_ = -1;
};

}  // namespace gradus::detail
