#include <gradus/framework/io/pt.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] {
    const auto state = gradus::load_pt(file.path());
    for (const auto& entry : state) gradus::require(entry.tensor.defined());
  });
  return 0;
}
