#include <gradus/framework/data/conll.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] { gradus::read_conll(file.path()); });
  gradus::read_any([&] {
    for (const auto& sentence :
         gradus::read_conll(file.path(), {.tag_column = 1,
                                         .further_columns = {-1},
                                         .separator = '\t',
                                         .bad_lines = gradus::BadLines::skip})) {
      gradus::require(sentence.words.size() == sentence.tags.size());
      gradus::require(sentence.words.size() == sentence.further.at(0).size());
    }
  });
  return 0;
}
