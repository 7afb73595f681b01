#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/file_token.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <vector>

namespace gradus {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t buffer_bytes = std::size_t{1} << 20;
constexpr std::size_t token_digits = 16;
constexpr std::string_view ending = ".tmp";

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

// The file that a path finally leads to, which need not exist.
fs::path target_of(fs::path path, const char* operation) {
  std::error_code code;
  for (int links = 0; fs::is_symlink(path, code); ++links) {
    const fs::path next = fs::read_symlink(path, code);
    if (code || links == 40) {  // as many as Linux follows
      throw Error(
          fmt::format("{}: '{}' is a symbolic link that leads nowhere", operation, path.string()));
    }
    path = folder_of(path) / next;
  }
  return path;
}

// ".model.safetensors." in ".model.safetensors.0123456789abcdef.tmp". A long name is truncated,
// between two UTF-8 characters, to what the file system allows.
std::string temporary_head(const fs::path& path) {
  const long limit = pathconf(folder_of(path).c_str(), _PC_NAME_MAX);
  const std::size_t around = 2 + token_digits + ending.size();
  std::string name = path.filename().string();
  std::size_t size = limit < 64 ? 255 - around : static_cast<std::size_t>(limit) - around;
  if (size < name.size()) {
    while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0U) == 0x80U) --size;
    name.resize(size);
  }
  return fmt::format(".{}.", name);
}

bool is_temporary(std::string_view name, std::string_view head) {
  if (name.size() != head.size() + token_digits + ending.size()) return false;
  const std::string_view token = name.substr(head.size(), token_digits);
  return name.starts_with(head) && name.ends_with(ending) &&
         token.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

// Removes a temporary file if its writer is gone. A writer holds a lock on its file; unlike a
// process id, a lock means the same in every container.
void remove_orphan(const fs::path& temporary) {
  const int file = open(temporary.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (file < 0) return;
  if (flock(file, LOCK_EX | LOCK_NB) == 0) unlink(temporary.c_str());
  close(file);
}

// The names in a folder, as far as it can be read.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  return names;
}

void remove_orphans_of(const fs::path& path) {
  const std::string head = temporary_head(path);
  for (const std::string& name : names_in(folder_of(path))) {
    if (is_temporary(name, head)) remove_orphan(folder_of(path) / name);
  }
}

// Locks a file while it is open. False if another save has already mistaken it for an orphan.
bool lock(int file) {
  struct stat status {};
  if (flock(file, LOCK_EX | LOCK_NB) != 0) return errno != EWOULDBLOCK;  // a system without locks
  return fstat(file, &status) != 0 || status.st_nlink > 0;
}

// Gives a file the owner, group and mode of the one it replaces, as far as that is permitted. If
// the group has to change, the new one gets no more rights than everyone.
void keep_owner_and_mode(int file, const fs::path& replaced) {
  struct stat old {};
  if (stat(replaced.c_str(), &old) != 0) return;
  mode_t mode = old.st_mode & 07777U;
  if (fchown(file, old.st_uid, old.st_gid) != 0) {
    mode &= 0777U;
    if (fchown(file, static_cast<uid_t>(-1), old.st_gid) != 0) {
      mode = (mode & 0707U) | (mode & 07U) << 3U;
    }
  }
  fchmod(file, mode);  // where the system refuses, the file stays private
}

// write() without the SIGPIPE that would end the program when a pipe has lost its reader.
ssize_t write_quietly(int file, std::string_view text) {
  sigset_t broken_pipe, before, pending;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
  const ssize_t count = ::write(file, text.data(), text.size());
  const int code = errno;
  if (count < 0 && code == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    sigtimedwait(&broken_pipe, nullptr, &at_once);  // consumes the signal of this write
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = code;
  return count;
}

}  // namespace

AtomicFile::AtomicFile(const fs::path& path, const char* operation)
    : operation_(operation), path_(path) {
  detail::check_path(operation, path.native());
  struct stat old {};
  const bool exists = stat(path.c_str(), &old) == 0;
  if (!path.has_filename() || (exists && S_ISDIR(old.st_mode))) {
    throw Error(fmt::format("{}: '{}' is not the name of a file", operation, path.string()));
  }
  if (exists && !S_ISREG(old.st_mode)) {
    file_ = open(path.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC);
    if (file_ < 0) fail("open");
    return;
  }
  path_ = target_of(path, operation);
  remove_orphans_of(path_);
  create_temporary(exists ? 0600 : 0666);
}

AtomicFile::~AtomicFile() {
  if (file_ < 0) return;
  if (!temporary_.empty()) unlink(temporary_.c_str());
  close_file();
}

void AtomicFile::create_temporary(unsigned mode) {
  const std::string head = temporary_head(path_);
  while (file_ < 0) {
    const std::uint64_t token = std::uint64_t{detail::file_token()} << 32U | detail::file_token();
    temporary_ = folder_of(path_) / fmt::format("{}{:016x}{}", head, token, ending);
    file_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file_ < 0 && errno == EEXIST) continue;
    if (file_ < 0) fail("create a file next to");
    if (!lock(file_)) close_file();
  }
}

void AtomicFile::close_file() {
  close(file_);
  file_ = -1;
}

void AtomicFile::fail(const char* action) const {
  const int code = errno;
  throw Error(
      fmt::format("{}: cannot {} '{}': {} ({} bytes were written{})", operation_, action,
                  path_.string(), std::strerror(code), written_,
                  temporary_.empty() ? "" : "; the file that was there, if any, is unchanged"));
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
    const ssize_t count = write_quietly(file_, text);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    text.remove_prefix(static_cast<std::size_t>(count));
    written_ += count;
  }
}

void AtomicFile::write_at(std::uint64_t position, std::string_view text) {
  flush();
  while (!text.empty()) {
    const ssize_t count = pwrite(file_, text.data(), text.size(), static_cast<off_t>(position));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail("write");
    text.remove_prefix(static_cast<std::size_t>(count));
    position += static_cast<std::uint64_t>(count);
  }
}

void AtomicFile::commit() {
  flush();
  if (temporary_.empty()) return close_file();
  keep_owner_and_mode(file_, path_);
  if (fsync(file_) != 0) fail("flush");
  if (rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
  close_file();  // only now: the lock keeps other saves from removing the temporary file
  const int folder = open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    fsync(folder);  // some file systems cannot; the rename itself has happened
    close(folder);
  }
}

void remove_orphans(const fs::path& folder,
                    const std::function<bool(std::string_view name)>& chosen) {
  constexpr std::size_t tail = 1 + token_digits + ending.size();  // ".0123456789abcdef.tmp"
  for (const std::string& name : names_in(folder)) {
    if (name.size() < 1 + tail || !is_temporary(name, name.substr(0, name.size() - tail + 1)))
      continue;
    const std::string_view target = std::string_view(name).substr(1, name.size() - 1 - tail);
    if (name.starts_with('.') && chosen(target)) remove_orphan(folder / name);
  }
}

}  // namespace gradus
