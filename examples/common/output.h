#pragma once
// What programs print.
#include <fmt/format.h>
#include <gradus/framework/base/error.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace gradus::examples {

/// Writes out what was printed. Throws Error if it cannot be written, as on a full disk: else half
/// of the output would pass for all of it.
inline void flush_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return;
  throw Error(fmt::format("cannot write the output: {}", std::strerror(errno)));
}

/// The exit code of a program that has printed everything. Throws as flush_output().
inline int after_output(int exit_code) {
  flush_output();
  return exit_code;
}

}  // namespace gradus::examples
