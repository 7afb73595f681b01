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

/// Until it is removed, the lines of the default handler are passed to `write` instead of going to
/// stderr: for what draws on the terminal and has to step aside. The last one that was added
/// counts.
GRADUS_API void add_warning_writer(const void* owner, std::function<void(std::string_view)> write);
GRADUS_API void remove_warning_writer(const void* owner);

}  // namespace detail
}  // namespace gradus
