#include <gradus/framework/data/text_table.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gradus::BadLines;
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] { gradus::read_tsv(file.path(), {.bad_lines = BadLines::skip}); });
  gradus::read_any([&] { gradus::read_csv(file.path()); });
  gradus::read_any([&] {
    gradus::read_csv(file.path(),
                     {.separator = '\t', .header = false, .bad_lines = BadLines::skip});
  });
  return 0;
}
