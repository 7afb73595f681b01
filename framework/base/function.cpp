#include <gradus/framework/base/error.h>
#include <gradus/framework/base/function.h>

namespace gradus::detail {

void throw_empty_function() { throw Error("function: an empty Function was called"); }

}  // namespace gradus::detail
