#pragma once
#include <gradus/framework/base/error.h>
#include <gradus/tests/fuzz/memory_file.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "file_testing.h"

namespace gradus {

/// A file of tests/golden/formats/.
inline std::string format_file(const std::string& name) { return "tests/golden/formats/" + name; }

/// A file in memory: many of them on a disk take minutes.
inline MemoryFile memory_file(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

/// Calls `check(bytes)` for the bytes of a file cut off everywhere, and with each of its bits
/// flipped; `check` may throw a gradus::Error.
template <class Check>
void for_all_damage(const std::string& good, Check check) {
  const auto run = [&](const std::string& bytes) {
    try {
      check(bytes);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): what else it throws fails the test
    }
  };
  for (std::size_t size = 0; size < good.size(); ++size) run(good.substr(0, size));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    run(bytes);
  }
}

}  // namespace gradus
