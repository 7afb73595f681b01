#pragma once
#include <gradus/framework/base/export.h>

#include <functional>
#include <string_view>

namespace gradus {

/// Receives a warning, which is worded like an error: `operation: what is wrong: what to do`.
using WarningHandler = std::function<void(std::string_view message)>;

/// Sets the handler for the warnings of all threads, and returns the previous one. An empty
/// function means the default: one line on stderr per warning. The handler is called on the thread
/// that warns, by one thread at a time, and never again once another is set. If it throws, the
/// function that warned throws the same exception and has changed nothing: this is how a program
/// turns warnings into errors.
GRADUS_API WarningHandler set_warning_handler(WarningHandler handler);

namespace detail {

/// Passes a warning to the handler.
GRADUS_API void warn(std::string_view message);

}  // namespace detail
}  // namespace gradus
