#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>

#include <string>

namespace gradus::detail {

void throw_moved_from(const char* name) {
  throw Error(std::string(name) + ": this object was moved from: use the one that it was moved to");
}

}  // namespace gradus::detail
