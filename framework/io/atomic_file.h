#pragma once
#include <gradus/framework/export.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

/// Writes a file so that its name holds either the old content or all of the new one, whenever the
/// program or the machine stops: into a temporary file in the same folder, which commit() flushes
/// to the disk and renames. Without commit() the temporary file is removed. What killed programs
/// left behind of the same file is removed too.
class GRADUS_API AtomicFile {
 public:
  /// Throws Error with the system's reason if the folder cannot be written.
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws Error with the system's reason (a full disk); the old file is unchanged.
  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Makes what was written the content of the file. Throws Error with the system's reason.
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;
  void flush();
  void write_now(std::string_view text);

  std::filesystem::path path_, temporary_;
  std::string buffer_;
  std::int64_t written_ = 0;
  int file_ = -1;
};

}  // namespace gradus
