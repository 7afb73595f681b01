#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>

namespace gradus::detail {

/// A file mapped into memory, read only. Nothing is read until it is touched. If the file is cut
/// short afterwards, touching what is gone ends the program (SIGBUS); replacing it is harmless.
class GRADUS_API FileMap {
 public:
  /// Throws Error with the system's reason.
  explicit FileMap(const std::string& path);
  ~FileMap();
  FileMap(const FileMap&) = delete;
  FileMap& operator=(const FileMap&) = delete;

  const char* data() const { return data_; }
  std::uint64_t size() const { return size_; }

  /// Says that bytes [begin, end) are read here and there: only the pages touched are fetched.
  void advise_random(std::uint64_t begin, std::uint64_t end) const noexcept;

 private:
  char* data_ = nullptr;
  std::uint64_t size_ = 0;
};

}  // namespace gradus::detail
