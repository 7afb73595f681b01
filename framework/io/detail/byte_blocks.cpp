#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/byte_blocks.h>

#include <cstring>

namespace gradus::detail {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 18U;

InputFile open_input(const char* operation, const std::string& path) {
  if (path == "-") return InputFile::standard_input(operation);
  return {operation, path};
}

}  // namespace

ByteBlocks::ByteBlocks(const char* operation, const std::string& path)
    : file_(open_input(operation, path)) {
  if (!at_least(gzip_magic.size()) || !rest().starts_with(gzip_magic)) return;
  gzip_ = std::make_unique<GzipReader>(file_, rest());
  end_ = 0;
}

std::optional<std::uint64_t> ByteBlocks::size() const {
  if (gzip_ || file_.is_stream()) return std::nullopt;
  return file_.size();
}

bool ByteBlocks::more() {
  const std::size_t kept = end_ - begin_;
  if (capacity_ - kept < block_bytes) {
    const std::size_t larger = 2 * kept + 2 * block_bytes;
    auto buffer = std::make_unique_for_overwrite<char[]>(larger);
    if (kept > 0) std::memcpy(buffer.get(), buffer_.get() + begin_, kept);
    buffer_ = std::move(buffer);
    capacity_ = larger;
    begin_ = 0;
  } else if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, kept);
    begin_ = 0;
  }
  char* free = buffer_.get() + kept;
  const std::size_t read =
      gzip_ ? gzip_->read_some(free, block_bytes) : file_.read_some(free, block_bytes);
  end_ = kept + read;
  return read > 0;
}

bool ByteBlocks::at_least(std::size_t bytes) {
  while (end_ - begin_ < bytes) {
    if (!more()) return false;
  }
  return true;
}

bool ByteBlocks::next_line(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const std::string_view text = rest();
    const std::size_t feed = text.find('\n', searched);
    if (std::min(feed, text.size()) > longest_line) {
      throw FormatError(
          fmt::format("{}: '{}', line {}, has more than {} bytes, the most that a line may have",
                      file_.operation(), file_.path(), line_ + 1, longest_line));
    }
    const bool is_whole = feed != std::string_view::npos;
    searched = text.size();
    if (!is_whole && more()) continue;
    line = rest().substr(0, feed);
    if (line.empty() && !is_whole) return false;
    skip(line.size() + (is_whole ? 1 : 0));
    ++line_;
    return true;
  }
}

}  // namespace gradus::detail
