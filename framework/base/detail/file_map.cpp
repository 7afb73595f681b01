#include <fmt/format.h>
#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/error.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gradus::detail {

FileMap::FileMap(const char* operation, const std::string& path) {
  const InputFile file(operation, path, Streams::refused);
  size_ = file.size();
  if (size_ == 0) return;
  void* map = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.descriptor(), 0);
  if (map == MAP_FAILED) {
    throw Error(fmt::format("{}: cannot read '{}': {}", operation, path, std::strerror(errno)));
  }
  data_ = static_cast<char*>(map);
}

FileMap::~FileMap() {
  if (size_ > 0) munmap(data_, size_);
}

void FileMap::advise_random(std::uint64_t begin, std::uint64_t end) const noexcept {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t first = begin / page * page;
  if (end > first) madvise(data_ + first, end - first, MADV_RANDOM);
}

}  // namespace gradus::detail
