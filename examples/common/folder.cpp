#include <gradus/examples/common/folder.h>
#include <gradus/framework/base/atomic_file.h>

#include <system_error>

namespace gradus::examples {

std::string file_in(const std::filesystem::path& folder, const char* name, const char* flag) {
  std::error_code ignored;  // what follows says it better
  std::filesystem::create_directories(folder, ignored);
  const AtomicFile probe(folder / name, flag);
  return (folder / name).string();
}

}  // namespace gradus::examples
