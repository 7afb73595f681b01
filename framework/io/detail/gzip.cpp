#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/gzip.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <new>
#include <string>

namespace gradus::detail {

struct GzipReader::Stream {
  z_stream z{};
  std::string input;        // packed bytes; z.next_in points into it
  std::uint64_t taken = 0;  // bytes of the file that came into `input` before the present ones
  bool is_inside = true;    // of a member
  bool is_done = false;
};

namespace {

constexpr std::size_t input_bytes = std::size_t{1} << 18U;
constexpr int gzip_window = 15 + 16;  // the largest window; 16: expect a gzip header

}  // namespace

GzipReader::GzipReader(InputFile& file, std::string_view head)
    : file_(file), stream_(std::make_unique<Stream>()) {
  stream_->input = head;
  stream_->z.next_in = reinterpret_cast<Bytef*>(stream_->input.data());
  stream_->z.avail_in = static_cast<uInt>(head.size());
  if (inflateInit2(&stream_->z, gzip_window) != Z_OK) throw std::bad_alloc();
}

GzipReader::~GzipReader() { inflateEnd(&stream_->z); }

void GzipReader::fail(std::string_view what) const {
  const std::uint64_t position = stream_->taken + stream_->input.size() - stream_->z.avail_in;
  throw FormatError(fmt::format("{}: '{}': its gzip data {}, at byte {}", file_.operation(),
                                printable(file_.path(), std::string::npos), what, position));
}

// True if there are packed bytes, read if need be.
bool GzipReader::has_input() {
  z_stream& z = stream_->z;
  if (z.avail_in > 0) return true;
  stream_->taken += stream_->input.size();
  stream_->input.resize(input_bytes);
  stream_->input.resize(file_.read_some(stream_->input.data(), input_bytes));
  z.next_in = reinterpret_cast<Bytef*>(stream_->input.data());
  z.avail_in = static_cast<uInt>(stream_->input.size());
  return z.avail_in > 0;
}

// Goes to the next member; false at the end of the file.
bool GzipReader::next_member() {
  z_stream& z = stream_->z;
  while (has_input() && *z.next_in == 0) {
    ++z.next_in;
    --z.avail_in;
  }
  if (z.avail_in == 0) return false;
  if (*z.next_in != 0x1f) fail("is followed by something else");
  inflateReset(&z);
  stream_->is_inside = true;
  return true;
}

std::size_t GzipReader::read_some(char* out, std::size_t bytes) {
  z_stream& z = stream_->z;
  const auto room =
      static_cast<uInt>(std::min<std::size_t>(bytes, std::numeric_limits<uInt>::max()));
  z.next_out = reinterpret_cast<Bytef*>(out);
  z.avail_out = room;
  while (z.avail_out == room && !stream_->is_done) {
    if (!stream_->is_inside && !next_member()) {
      stream_->is_done = true;
      break;
    }
    const bool more = has_input();
    const int code = inflate(&z, Z_NO_FLUSH);
    if (code == Z_STREAM_END) {
      stream_->is_inside = false;
    } else if (code == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (code == Z_BUF_ERROR && !more) {
      fail("is incomplete: the file ends inside it");
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      fail(fmt::format("is damaged: {}", z.msg != nullptr ? z.msg : "it needs a dictionary"));
    }
  }
  return room - z.avail_out;
}

}  // namespace gradus::detail
