#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/zip.h>
#include <unistd.h>
#include <zip.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace gradus::detail {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t deflate_limit = 1032;     // bytes that one deflated byte can become
constexpr std::uint64_t end_bytes = 22 + 0xFFFF;  // of the last record, with a comment
constexpr std::uint64_t end64_bytes = 56, locator_bytes = 20, central_bytes = 46;
constexpr std::uint16_t january_1980 = 1U << 5U | 1U;

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

// Why a member cannot be unpacked.
std::string problem_of(zip_file_t* file) {
  const int code = zip_error_code_zip(zip_file_get_error(file));
  const bool is_damage = code == ZIP_ER_CRC || code == ZIP_ER_ZLIB;
  return fmt::format("{}{}", zip_file_strerror(file),
                     is_damage ? ": its bytes are not those that were packed: copy or save the "
                                 "file again"
                               : "");
}

std::uint64_t little_endian(const char* bytes, int width) {
  std::uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i) value = value << 8U | static_cast<unsigned char>(bytes[i]);
  return value;
}

// libzip 1.7 allocates for as many members as a zip64 record promises. Every such record that it
// could find must promise no more than the file has room for.
void check_zip64_counts(InputFile& file, const Fail& fail) {
  const std::uint64_t size = file.size();
  std::string tail(std::min(size, end_bytes + locator_bytes), '\0');
  if (!file.read_at(size - tail.size(), tail.data(), tail.size())) fail("it became shorter");
  for (std::size_t at = tail.find("PK\x06\x07"); at != std::string::npos;
       at = tail.find("PK\x06\x07", at + 1)) {
    if (tail.size() - at < locator_bytes) return;
    const std::uint64_t position = little_endian(tail.data() + at + 8, 8);
    std::array<char, end64_bytes> record{};
    if (position > size || size - position < record.size()) continue;
    if (!file.read_at(position, record.data(), record.size())) continue;
    const std::uint64_t count = little_endian(record.data() + 32, 8);
    if (count > size / central_bytes) {
      fail(fmt::format("byte {}: it would have {} members, for which {} bytes are too few",
                       position + 32, count, size));
    }
  }
}

}  // namespace

ZipReader::ZipReader(const char* operation, const std::string& path)
    : operation_(operation), path_(path) {
  InputFile file(operation, path, Streams::refused);
  const std::uint64_t size = file.size();
  check_zip64_counts(file, fail());
  const int descriptor = fcntl(file.descriptor(), F_DUPFD_CLOEXEC, 0);
  if (descriptor < 0) {
    throw Error(fmt::format("{}: cannot read '{}': {}", operation, path, std::strerror(errno)));
  }
  int code = 0;
  archive_ = zip_fdopen(descriptor, 0, &code);
  if (archive_ == nullptr) {
    close(descriptor);
    std::string head(std::min<std::uint64_t>(size, 64), '\0');
    file.read_at(0, head.data(), head.size());
    if (head.starts_with("PK\x03\x04") || head.starts_with("PK\x05\x06")) {
      fail()(fmt::format("it is a damaged or truncated zip archive of {} bytes: {}", size,
                         text_of(code)));
    }
    fail()(fmt::format("it is not a zip archive{}{}", looks_like(head), looks_like_vectors(head)));
  }
  try {
    read_entries(size);
  } catch (...) {
    zip_discard(archive_);
    throw;
  }
}

ZipReader::~ZipReader() { zip_discard(archive_); }

void ZipReader::read_entries(std::uint64_t file_bytes) {
  const auto count = static_cast<std::uint64_t>(zip_get_num_entries(archive_, 0));
  std::uint64_t in_file = 0;
  for (std::uint64_t index = 0; index < count; ++index) {
    // Names are code page 437, as for Python, unless they are marked as UTF-8.
    zip_stat_t stat;
    if (zip_stat_index(archive_, index, ZIP_FL_ENC_STRICT, &stat) != 0) {
      fail()(fmt::format("member {}: {}", index, zip_strerror(archive_)));
    }
    ZipEntry entry{stat.name,        index,
                   stat.size,        stat.comp_size,
                   stat.comp_method, stat.encryption_method != ZIP_EM_NONE};
    if (entry.name.ends_with('/') && entry.bytes == 0) continue;
    if (!places_.try_emplace(entry.name, entries_.size()).second) {
      fail()(fmt::format("it has two members '{}'", printable(entry.name)));
    }
    if (entry.in_file > file_bytes - in_file) {  // members that overlap, or are not all there
      fail()(fmt::format("member '{}' would take {} bytes, but {} of {} are left",
                         printable(entry.name), entry.in_file, file_bytes - in_file, file_bytes));
    }
    in_file += entry.in_file;
    entries_.push_back(std::move(entry));
  }
}

const ZipEntry* ZipReader::find(const std::string& name) const {
  const auto place = places_.find(name);
  return place == places_.end() ? nullptr : &entries_[place->second];
}

Fail ZipReader::fail() const { return Fail(fmt::format("{}: '{}'", operation_, path_)); }
Fail ZipReader::fail(const ZipEntry& entry) const {
  return Fail(fmt::format("{}: '{}', member '{}'", operation_, path_, printable(entry.name)));
}

ZipMember::ZipMember(const ZipReader& reader, const ZipEntry& entry) : fail_(reader.fail(entry)) {
  if (entry.is_encrypted) fail_("it is encrypted: pack it without a password");
  if (entry.method != ZIP_CM_STORE && entry.method != ZIP_CM_DEFLATE) {
    fail_(fmt::format("it is compressed by method {}; stored (0) and deflated (8) ones are read",
                      entry.method));
  }
  const bool stored = entry.method == ZIP_CM_STORE;
  if (stored ? entry.bytes != entry.in_file : entry.bytes / deflate_limit > entry.in_file) {
    fail_(fmt::format("{} bytes cannot come from the {} in the file", entry.bytes, entry.in_file));
  }
  file_ = zip_fopen_index(reader.archive_, entry.index, 0);
  if (file_ == nullptr) {
    fail_(fmt::format("its bytes are not where the archive says, which is damaged: {}",
                      zip_strerror(reader.archive_)));
  }
}

ZipMember::~ZipMember() { zip_fclose(file_); }

void ZipMember::read(void* out, std::size_t bytes) {
  char* to = static_cast<char*>(out);
  while (bytes > 0) {
    const zip_int64_t count = zip_fread(file_, to, bytes);
    if (count < 0) fail_(problem_of(file_));
    if (count == 0) fail_(fmt::format("it ends {} bytes too early", bytes));
    to += count;
    bytes -= static_cast<std::size_t>(count);
  }
}

void ZipMember::finish() {
  char more = 0;
  const zip_int64_t count = zip_fread(file_, &more, 1);
  if (count < 0) fail_(problem_of(file_));
  if (count > 0) fail_("it has more bytes than the archive says");
}

// Where libzip writes: a file that is appended to, in which it goes back to complete the head of a
// member. No exception may cross libzip, so the first is kept.
struct ZipWriter::Sink {
  AtomicFile file;
  std::uint64_t at = 0, end = 0;
  bool is_stream;
  std::string all;  // of what becomes a stream, in which nothing can be written over
  std::exception_ptr error;
  zip_error_t zip_error{};

  Sink(const std::string& path, const char* operation) : file(path, operation) {
    std::error_code code;
    is_stream = std::filesystem::is_other(path, code);
    zip_error_init(&zip_error);
  }
  ~Sink() { zip_error_fini(&zip_error); }
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  void write(std::string_view text) {
    if (is_stream) {
      all.resize(std::max<std::size_t>(all.size(), at + text.size()));
      all.replace(at, text.size(), text);
    } else if (at < end) {
      file.write_at(at, text);
    } else {
      file.write(text);
    }
    at += text.size();
    end = std::max(end, at);
  }

  zip_int64_t run(void* data, zip_uint64_t length, zip_source_cmd_t command) {
    switch (command) {
      case ZIP_SOURCE_SUPPORTS:
        return zip_source_make_command_bitmap(
            ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
            ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_BEGIN_WRITE,
            ZIP_SOURCE_WRITE, ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE,
            ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, ZIP_SOURCE_REMOVE, -1);
      case ZIP_SOURCE_STAT: {  // an empty file
        auto* stat = static_cast<zip_stat_t*>(data);
        zip_stat_init(stat);
        stat->valid = ZIP_STAT_SIZE;
        return sizeof(zip_stat_t);
      }
      case ZIP_SOURCE_ERROR:
        return zip_error_to_data(&zip_error, data, length);
      case ZIP_SOURCE_WRITE:
        write({static_cast<const char*>(data), length});
        return static_cast<zip_int64_t>(length);
      case ZIP_SOURCE_SEEK_WRITE: {
        const zip_int64_t position =
            zip_source_seek_compute_offset(at, end, data, length, &zip_error);
        if (position >= 0) at = static_cast<std::uint64_t>(position);
        return position < 0 ? -1 : 0;
      }
      case ZIP_SOURCE_TELL_WRITE:
        return static_cast<zip_int64_t>(at);
      default:
        return 0;
    }
  }

  static zip_int64_t call(void* self, void* data, zip_uint64_t length, zip_source_cmd_t command) {
    Sink& sink = *static_cast<Sink*>(self);
    try {
      return sink.run(data, length, command);
    } catch (...) {
      if (!sink.error) sink.error = std::current_exception();
      zip_error_set(&sink.zip_error, ZIP_ER_WRITE, EIO);
      return -1;
    }
  }
};

ZipWriter::ZipWriter(const char* operation, const std::string& path)
    : operation_(operation), path_(path), sink_(std::make_unique<Sink>(path, operation)) {
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_function_create(Sink::call, sink_.get(), &error);
  if (source != nullptr) archive_ = zip_open_from_source(source, ZIP_TRUNCATE, &error);
  const std::string reason = archive_ == nullptr ? zip_error_strerror(&error) : "";
  zip_error_fini(&error);
  if (archive_ != nullptr) return;
  if (source != nullptr) zip_source_free(source);
  fail(reason);
}

ZipWriter::~ZipWriter() {
  if (archive_ != nullptr) zip_discard(archive_);
}

void ZipWriter::fail(const std::string& reason) const {
  throw Error(fmt::format("{}: cannot write '{}': {}", operation_, path_, reason));
}

void ZipWriter::add(const std::string& name, std::string head, const void* data, std::size_t bytes,
                    bool compress) {
  if (name.size() > 0xFFFF || name.find('\0') != std::string::npos || !is_utf8(name)) {
    throw ValueError(fmt::format("{}: the name '{}' is not UTF-8 without NUL, of up to 65535 bytes",
                                 operation_, printable(name)));
  }
  heads_.push_back(std::make_unique<std::string>(std::move(head)));
  std::string& kept = *heads_.back();
  std::array<zip_buffer_fragment_t, 2> parts{
      {{reinterpret_cast<zip_uint8_t*>(kept.data()), kept.size()},
       {static_cast<zip_uint8_t*>(const_cast<void*>(data)), bytes}}};  // NOLINT: only read
  zip_source_t* source = zip_source_buffer_fragment(archive_, parts.data(), bytes > 0 ? 2 : 1, 0);
  if (source == nullptr) fail(zip_strerror(archive_));
  const zip_int64_t added = zip_file_add(archive_, name.c_str(), source, ZIP_FL_ENC_UTF_8);
  if (added < 0) {
    zip_source_free(source);
    fail(fmt::format("member '{}': {}", printable(name), zip_strerror(archive_)));
  }
  const auto index = static_cast<zip_uint64_t>(added);
  const zip_int32_t method = compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE;
  if (zip_set_file_compression(archive_, index, method, 0) != 0 ||
      zip_file_set_dostime(archive_, index, 0, january_1980, 0) != 0) {
    fail(zip_strerror(archive_));
  }
}

void ZipWriter::commit() {
  if (heads_.empty()) {  // libzip would remove the file
    sink_->file.write("PK\x05\x06"sv);
    sink_->file.write(std::string(18, '\0'));
  } else {
    if (zip_close(archive_) != 0) {
      if (sink_->error) std::rethrow_exception(sink_->error);
      fail(zip_strerror(archive_));
    }
    archive_ = nullptr;
    sink_->file.write(sink_->all);
  }
  sink_->file.commit();
}

}  // namespace gradus::detail
