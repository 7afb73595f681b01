#pragma once
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/io/detail/elements.h>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct zip;       // of libzip
struct zip_file;  // of libzip

/// Zip archives: .npz and PyTorch's .pt.
namespace gradus::detail {

struct ZipEntry {
  std::string name;
  std::uint64_t index = 0;
  std::uint64_t bytes = 0;    // unpacked
  std::uint64_t in_file = 0;  // packed
  std::uint16_t method = 0;   // 0 stored, 8 deflated
  bool is_encrypted = false;
};

/// An archive open for reading.
class ZipReader {
 public:
  /// Throws Error if the file cannot be read, FormatError naming `operation` if it is no archive or
  /// two members have one name.
  ZipReader(const char* operation, const std::string& path);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  /// In the order of the archive; folders are left out.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// The entry of that name, or nullptr.
  const ZipEntry* find(const std::string& name) const;
  /// Errors about the archive, or about a member of it.
  Fail fail() const;
  Fail fail(const ZipEntry& entry) const;

 private:
  friend class ZipMember;
  void read_entries(std::uint64_t file_bytes);

  const char* operation_;
  std::string path_;
  zip* archive_ = nullptr;
  std::vector<ZipEntry> entries_;
  std::unordered_map<std::string, std::size_t> places_;  // of the entries, by name
};

/// The bytes of a member, read from its start. The number that the archive gives is at most what
/// the packed ones can become.
class ZipMember {
 public:
  /// Throws FormatError for another compression than deflate, an encrypted member, and sizes that
  /// cannot be.
  ZipMember(const ZipReader& reader, const ZipEntry& entry);
  ~ZipMember();
  ZipMember(const ZipMember&) = delete;
  ZipMember& operator=(const ZipMember&) = delete;

  /// Throws FormatError if the member ends before.
  void read(void* out, std::size_t bytes);
  /// Throws FormatError if there is more, or the checksum is not the archive's.
  void finish();

 private:
  const Fail fail_;
  zip_file* file_ = nullptr;
};

/// An archive that is written, and replaces the file as a whole.
class ZipWriter {
 public:
  ZipWriter(const char* operation, const std::string& path);
  ~ZipWriter();
  ZipWriter(const ZipWriter&) = delete;
  ZipWriter& operator=(const ZipWriter&) = delete;

  /// Adds a member of two parts; `data` has to stay until commit(). Throws ValueError for a name
  /// that an archive cannot hold.
  void add(const std::string& name, std::string head, const void* data, std::size_t bytes,
           bool compress);
  /// Writes the archive. Throws Error; the old file is then unchanged.
  void commit();

 private:
  struct Sink;
  [[noreturn]] void fail(const std::string& reason) const;

  const char* operation_;
  std::string path_;
  std::unique_ptr<Sink> sink_;
  zip* archive_ = nullptr;
  std::vector<std::unique_ptr<std::string>> heads_;
};

}  // namespace gradus::detail
