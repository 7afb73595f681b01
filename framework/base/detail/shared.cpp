#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/detail/shared.h>

namespace gradus::detail {

void throw_empty_handle() { throw_moved_from("handle"); }

}  // namespace gradus::detail
