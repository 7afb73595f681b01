#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/detail/shared.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/function.h>

#include <string>

namespace gradus::detail {

void throw_empty_function() { throw Error("function: an empty Function was called"); }

void throw_moved_from(const char* name) {
  throw Error(std::string(name) + ": this object was moved from: use the one that it was moved to");
}

void throw_empty_handle() { throw_moved_from("handle"); }

}  // namespace gradus::detail
