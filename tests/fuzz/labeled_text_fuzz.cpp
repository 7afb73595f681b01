#include <gradus/framework/data/labeled_text.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gradus::BadLines;
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] { gradus::read_labeled_texts(file.path(), {.bad_lines = BadLines::skip}); });
  gradus::read_any([&] { gradus::read_labeled_lines(file.path()); });
  gradus::read_any([&] {
    const auto lines = gradus::read_multilabel_lines(file.path(), {.bad_lines = BadLines::skip});
    for (const auto& line : lines) gradus::require(!line.labels.empty());
  });
  return 0;
}
