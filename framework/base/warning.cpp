#include <fmt/format.h>
#include <gradus/framework/base/warning.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace gradus {
namespace {

// Recursive: a handler may set another one, and may call functions that warn.
struct Warnings {
  std::recursive_mutex mutex;
  std::shared_ptr<const WarningHandler> handler;  // shared with a running call
};

// Never destroyed: threads may warn while the program exits.
Warnings& warnings() {
  static auto& all = *new Warnings;
  return all;
}

}  // namespace

WarningHandler set_warning_handler(WarningHandler handler) {
  const std::lock_guard lock(warnings().mutex);
  const auto before =
      std::exchange(warnings().handler, std::make_shared<const WarningHandler>(std::move(handler)));
  return before ? *before : nullptr;
}

void detail::warn(std::string_view message) {
  const std::lock_guard lock(warnings().mutex);
  const auto handler = warnings().handler;
  if (handler && *handler) return (*handler)(message);
  const std::string line = fmt::format("gradus: warning: {}\n", message);
  std::fputs(line.c_str(), stderr);
}

}  // namespace gradus
