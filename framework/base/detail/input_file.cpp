#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace gradus::detail {
namespace {

// To open a pipe would be to wait for its writer, without O_NONBLOCK, which files do not heed.
int open_file(const char* operation, const std::string& path, Streams streams) {
  check_path(operation, path);
  constexpr int flags = O_RDONLY | O_NOCTTY | O_CLOEXEC;
  if (streams == Streams::accepted) return open(path.c_str(), flags);
  const int file = open(path.c_str(), flags | O_NONBLOCK);
  const bool has_lease = file < 0 && errno == EWOULDBLOCK;  // of a program that gives it up soon
  return has_lease ? open(path.c_str(), flags) : file;
}

constexpr std::size_t buffer_bytes = std::size_t{1} << 18U;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr const char* no_size =
    "it is a pipe or a device, which has no size: write it to a file first";

}  // namespace

void check_path(const char* operation, const std::string& path) {
  if (path.find('\0') == std::string::npos) return;
  throw Error(fmt::format("{}: the path '{}' contains a NUL, which no file name can", operation,
                          printable(path)));
}

InputFile::InputFile(const char* operation, const std::string& path, Streams streams)
    : InputFile(operation, path, open_file(operation, path, streams), streams) {}

InputFile InputFile::standard_input(const char* operation) {
  return {operation, "/dev/stdin", fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), Streams::accepted};
}

InputFile::InputFile(const char* operation, std::string path, int descriptor, Streams streams)
    : operation_(operation), path_(std::move(path)), file_(descriptor) {
  if (file_ < 0) fail(std::strerror(errno));
  struct stat status {};
  int code = fstat(file_, &status) == 0 ? 0 : errno;
  if (code == 0 && S_ISDIR(status.st_mode)) code = EISDIR;
  if (code != 0) {
    close(file_);
    fail(std::strerror(code));
  }
  is_stream_ = !S_ISREG(status.st_mode);
  if (is_stream_ && streams == Streams::refused) {
    close(file_);
    fail(no_size);
  }
  const off_t start = is_stream_ ? 0 : std::max<off_t>(lseek(file_, 0, SEEK_CUR), 0);
  size_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size - start, 0));
}

InputFile::InputFile(const char* operation, const std::string& path)
    : InputFile(operation, path, Streams::accepted) {}

InputFile::~InputFile() { close(file_); }

void InputFile::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: cannot read '{}': {}", operation_, path_, reason));
}

std::uint64_t InputFile::size() const {
  if (is_stream_) fail(no_size);
  return size_;
}

std::size_t InputFile::read_some(char* out, std::size_t bytes) {
  for (;;) {
    const ssize_t count = ::read(file_, out, bytes);
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) fail(std::strerror(errno));
  }
}

std::size_t InputFile::read(char* out, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const std::size_t count = read_some(out + done, bytes - done);
    if (count == 0) break;
    done += count;
  }
  return done;
}

bool InputFile::read_at(std::uint64_t position, char* out, std::size_t bytes) {
  if (lseek(file_, static_cast<off_t>(position), SEEK_SET) < 0) fail(std::strerror(errno));
  return read(out, bytes) == bytes;
}

bool LineReader::read(std::string& line, bool cut) {
  line.clear();
  is_cut_ = false;
  for (;;) {
    const char* begin = buffer_.data() + begin_;
    const std::size_t left = end_ - begin_;
    const void* feed = std::memchr(begin, '\n', left);
    const std::size_t length =
        feed != nullptr ? static_cast<std::size_t>(static_cast<const char*>(feed) - begin) : left;
    is_cut_ |= line.size() + length > longest_line;
    if (is_cut_ && !cut) {
      throw FormatError(
          fmt::format("{}: '{}', line {}, has more than {} bytes, the most that a line may have",
                      file_.operation(), file_.path(), number_ + 1, longest_line));
    }
    if (!is_cut_) line.append(begin, length);
    begin_ += length;
    if (feed != nullptr) {
      ++begin_;
      break;
    }
    buffer_.resize(buffer_bytes);
    begin_ = 0;
    end_ = file_.read_some(buffer_.data(), buffer_bytes);
    if (end_ == 0) {
      if (line.empty() || (number_ == 0 && line == byte_order_mark)) return false;
      break;
    }
  }
  ++number_;
  if (number_ == 1 && line.starts_with(byte_order_mark)) line.erase(0, byte_order_mark.size());
  return true;
}

}  // namespace gradus::detail
