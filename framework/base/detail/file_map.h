#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>

namespace gradus::detail {

/// A file mapped into memory, read only. Nothing is read until it is touched. If the file is
/// truncated afterwards, touching the missing part ends the program (SIGBUS); replacing the file is
/// harmless.
class GRADUS_API FileMap {
 public:
  /// Throws Error `<operation>: cannot read ...` with the system's reason.
  FileMap(const char* operation, const std::string& path);
  ~FileMap();
  FileMap(const FileMap&) = delete;
  FileMap& operator=(const FileMap&) = delete;

  const char* data() const { return data_; }
  std::uint64_t size() const { return size_; }

  /// Hints that bytes [begin, end) are read in random order: only the pages touched are fetched.
  void advise_random(std::uint64_t begin, std::uint64_t end) const noexcept;

 private:
  char* data_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace gradus::detail
