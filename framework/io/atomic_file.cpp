#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/error.h>
#include <gradus/framework/io/atomic_file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <system_error>

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// ".model.safetensors.1234.tmp" belongs to process 1234.
std::string temporary_name(const fs::path& path, long process) {
  return fmt::format(".{}.{}.tmp", path.filename().string(), process);
}

// Removes temporary files of `path` whose process is gone.
void remove_orphans(const fs::path& path) {
  const std::string head = fmt::format(".{}.", path.filename().string());
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_of(path), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(head) || !name.ends_with(".tmp")) continue;
    const std::string digits = name.substr(head.size(), name.size() - head.size() - 4);
    int process = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), process);
    if (code != std::errc() || end != digits.data() + digits.size() || process <= 0) continue;
    if (kill(process, 0) != 0 && errno == ESRCH) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path) {
  std::error_code ignored;
  const fs::path target = fs::is_symlink(path, ignored) ? fs::canonical(path, ignored) : path;
  path_ = target.empty() ? path : target;
  if (!path_.has_filename() || fs::is_directory(path_, ignored)) {
    throw Error(fmt::format("save: '{}' is not the name of a file", path.string()));
  }
  remove_orphans(path_);
  temporary_ = folder_of(path_) / temporary_name(path_, getpid());
  file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail("create a file beside");
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  close(file_);
  unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* action) const {
  const int code = errno;
  throw Error(
      fmt::format("save: cannot {} '{}': {} ({} bytes were written; the file that was "
                  "there, if any, is unchanged)",
                  action, path_.string(), std::strerror(code), written_));
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  const std::string_view text(static_cast<const char*>(data), bytes);
  if (buffer_.size() + bytes > buffer_bytes) {
    flush();
    if (bytes > buffer_bytes) return write_now(text);
  }
  buffer_.append(text);
}

void AtomicFile::flush() {
  write_now(buffer_);
  buffer_.clear();
}

void AtomicFile::write_now(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(file_, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    text.remove_prefix(static_cast<std::size_t>(count));
    written_ += count;
  }
}

void AtomicFile::commit() {
  flush();
  if (fsync(file_) != 0) fail("flush");
  const int file = file_;
  if (close(file) != 0) {
    file_ = -1;
    unlink(temporary_.c_str());
    fail("close");
  }
  file_ = -1;
  if (rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int code = errno;
    unlink(temporary_.c_str());
    errno = code;
    fail("replace");
  }
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);  // some file systems cannot; the rename itself has happened
    close(folder);
  }
}

}  // namespace gradus
