#include <gradus/framework/io/word_tests.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cmath>
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] {
    for (const auto& pair : gradus::read_word_pairs(file.path())) {
      gradus::require(std::isfinite(pair.score) && !pair.first.empty() && !pair.second.empty());
    }
  });
  gradus::read_any([&] { gradus::read_word_pairs(file.path(), {.score_column = 3}); });
  gradus::read_any([&] { gradus::read_analogies(file.path()); });
  return 0;
}
