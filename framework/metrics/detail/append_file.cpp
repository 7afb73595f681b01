#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/append_file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace gradus::detail {

AppendFile::AppendFile(const char* operation, std::string path)
    : operation_(operation), path_(std::move(path)) {
  check_path(operation, path_);
  open();
}

AppendFile::~AppendFile() {
  if (file_ >= 0) close(file_);
}

void AppendFile::fail(const char* action) const {
  const int code = errno;
  throw Error(
      fmt::format("{}: cannot {} '{}': {}", operation_, action, path_, std::strerror(code)));
}

void AppendFile::open() {
  if (file_ >= 0) close(file_);
  file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_NONBLOCK | O_CLOEXEC, 0666);
  if (file_ < 0) fail("open");
  struct stat status {};
  if (fstat(file_, &status) != 0) fail("open");
  if (!S_ISREG(status.st_mode)) {
    close(std::exchange(file_, -1));
    throw Error(fmt::format("{}: '{}' is not a regular file", operation_, path_));
  }
  size_ = status.st_size;
}

void AppendFile::append(std::string_view bytes) {
  for (std::string_view left = bytes; !left.empty();) {
    const ssize_t count = ::write(file_, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int code = errno;
      if (left.size() < bytes.size() && ftruncate(file_, size_) != 0) {
        errno = code;
        fail("write all of a record to, or to remove what was written from,");
      }
      errno = code;
      fail("write to");
    }
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  size_ += static_cast<std::int64_t>(bytes.size());
}

void AppendFile::truncate(std::int64_t size) {
  if (size == size_) return;
  if (ftruncate(file_, size) != 0) fail("truncate");
  size_ = size;
}

void AppendFile::replace(std::string_view content) {
  AtomicFile file(path_, operation_);
  file.write(content);
  file.commit();
  open();
}

}  // namespace gradus::detail
