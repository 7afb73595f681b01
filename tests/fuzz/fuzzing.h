#pragma once
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/tests/fuzz/memory_file.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace gradus {

/// Discards warnings while it lives.
class Quiet {
 public:
  Quiet() : before_(set_warning_handler([](std::string_view) {})) {}
  ~Quiet() { set_warning_handler(before_); }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  WarningHandler before_;
};

/// Ends the program, which is a finding, unless `condition` holds.
inline void require(bool condition) {
  if (!condition) std::abort();
}

/// Calls `read`, which may throw an Error and nothing else, and not for want of memory.
template <class Read>
void read_any(const Read& read) {
  const Quiet quiet;
  try {
    read();
  } catch (const Error& error) {
    require(!std::string_view(error.what()).starts_with("memory: cannot allocate"));
  }
}

}  // namespace gradus
