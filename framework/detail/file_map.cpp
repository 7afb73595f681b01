#include <fcntl.h>
#include <fmt/format.h>
#include <gradus/framework/detail/file_map.h>
#include <gradus/framework/error.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gradus::detail {
namespace {

[[noreturn]] void fail(const std::string& path, int code) {
  throw Error(fmt::format("load_mapped: cannot read '{}': {}", path, std::strerror(code)));
}

}  // namespace

FileMap::FileMap(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path, errno);
  struct stat status {};
  int code = fstat(file, &status) == 0 ? 0 : errno;
  if (code == 0 && !S_ISREG(status.st_mode)) code = S_ISDIR(status.st_mode) ? EISDIR : ESPIPE;
  if (code == 0 && status.st_size > 0) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    void* map = mmap(nullptr, size_, PROT_READ, MAP_SHARED, file, 0);
    code = map == MAP_FAILED ? errno : 0;
    data_ = static_cast<char*>(map);
  }
  close(file);
  if (code != 0) fail(path, code);
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
