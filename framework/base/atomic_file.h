#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

namespace gradus {

/// Writes a file atomically: whenever the program or the machine stops, its name holds either the
/// old content or all of the new. The bytes go into a temporary file in the same folder, which
/// commit() flushes to disk and renames. Without commit() the temporary file is removed; so are
/// those that killed programs left behind for the same file. Any number of threads, programs and
/// containers can write to one name at a time; the last to commit() wins.
///
/// A file that is replaced keeps its mode and, where the system permits, its owner and group; a new
/// one follows the umask. A symbolic link stays, and the file it points to is replaced or created.
/// A device or pipe is written to directly, not replaced.
class GRADUS_API AtomicFile {
 public:
  /// `operation` is the prefix of error messages. Throws Error with the system's reason if the
  /// folder cannot be written to, and for a path that contains a NUL.
  explicit AtomicFile(const std::filesystem::path& path, const char* operation = "save");
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws Error with the system's reason (a full disk, a pipe without a reader); the old
  /// file is unchanged.
  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Writes over bytes that are written already. Throws Error, also for a pipe.
  void write_at(std::uint64_t position, std::string_view text);

  /// Makes what was written the content of the file. Throws Error with the system's reason.
  void commit();

 private:
  [[noreturn]] void fail(const char* action) const;
  void create_temporary(unsigned mode);
  void close_file();
  void flush();
  void write_now(std::string_view text);

  const char* operation_;
  std::filesystem::path path_, temporary_;  // no temporary file for a device
  std::string buffer_;
  std::int64_t written_ = 0;
  int file_ = -1;
};

/// Removes from a folder the temporary files of killed programs that were to become files of chosen
/// names. Those of live writers stay.
GRADUS_API void remove_orphans(const std::filesystem::path& folder,
                               const std::function<bool(std::string_view name)>& chosen);

}  // namespace gradus
