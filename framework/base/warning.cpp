#include <fmt/format.h>
#include <gradus/framework/base/warning.h>

#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

// Recursive: a handler may set another one, and may call functions that warn.
struct Warnings {
  std::recursive_mutex mutex;
  std::shared_ptr<const WarningHandler> handler;  // shared with a running call
  std::vector<std::pair<const void*, std::function<void(std::string_view)>>> writers;  // by owner
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
  if (!warnings().writers.empty()) return warnings().writers.back().second(line);
  std::fputs(line.c_str(), stderr);
}

void detail::add_warning_writer(const void* owner, std::function<void(std::string_view)> write) {
  const std::lock_guard lock(warnings().mutex);
  warnings().writers.emplace_back(owner, std::move(write));
}

void detail::remove_warning_writer(const void* owner) {
  const std::lock_guard lock(warnings().mutex);
  std::erase_if(warnings().writers, [owner](const auto& each) { return each.first == owner; });
}

}  // namespace gradus
