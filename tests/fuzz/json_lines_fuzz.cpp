#include <gradus/framework/data/text_table.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] { gradus::read_json_lines(file.path()); });
  gradus::read_any([&] {
    const auto table = gradus::read_json_lines(
        file.path(), {.fields = {"label", "text"}, .bad_lines = gradus::BadLines::skip});
    for (const auto& row : table) gradus::require(row.size() == 2);
  });
  return 0;
}
