#include <gradus/framework/data/conllu.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] { gradus::read_conllu(file.path()); });
  gradus::read_any([&] {
    const auto sentences = gradus::read_conllu(
        file.path(),
        {.bad_lines = gradus::BadLines::skip, .encoding = gradus::TextEncoding::latin1});
    for (const auto& sentence : sentences) {
      gradus::require(gradus::upos_tagged(sentence).words.size() == sentence.words.size());
    }
  });
  return 0;
}
