#pragma once
#include <gradus/framework/base/export.h>

#include <functional>
#include <string_view>

namespace gradus {

/// Takes a warning, which reads as an error does: `operation: what is wrong: what to do`.
using WarningHandler = std::function<void(std::string_view message)>;

/// Sets where the warnings of all threads go, and returns where they went before. An empty function
/// stands for the default: each is a line on stderr. The handler is called on the thread that
/// warns, by one thread at a time, and not any more once another is set. If it throws, the function
/// that warned throws that, having changed nothing: so a program makes errors of warnings.
GRADUS_API WarningHandler set_warning_handler(WarningHandler handler);

namespace detail {

/// Gives a warning to the handler.
GRADUS_API void warn(std::string_view message);

}  // namespace detail
}  // namespace gradus
