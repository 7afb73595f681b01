#pragma once
#include <gradus/framework/base/error.h>

#include <cstddef>
#include <filesystem>
#include <string>

#include "file_testing.h"

namespace gradus {

/// A file of tests/golden/formats/.
inline std::string format_file(const std::string& name) { return "tests/golden/formats/" + name; }

/// Writes a file cut off at every byte, and one with each of its bits flipped, and calls
/// `check(path)` for each, which may throw a gradus::Error. Returns how often it did not.
template <class Check>
int survivors_of_damage(const std::string& good, const std::filesystem::path& path, Check check) {
  int survivors = 0;
  const auto run = [&](const std::string& bytes) {
    write_text(path, bytes);
    try {
      check(path.string());
      ++survivors;
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): what else it throws fails the test
    }
  };
  for (std::size_t size = 0; size < good.size(); ++size) run(good.substr(0, size));
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string bytes = good;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << bit % 8));
    run(bytes);
  }
  return survivors;
}

}  // namespace gradus
