#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/safetensors.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  bool loaded = false;
  gradus::read_any([&] {
    gradus::load(file.path());
    loaded = true;
  });
  gradus::read_any([&] {
    const auto state = gradus::load_mapped(file.path());
    gradus::require(loaded);
    for (const auto& entry : state) entry.tensor.clone();
  });
  gradus::read_any([&] {
    const auto state = gradus::load(file.path());
    for (const auto& entry : state) {
      gradus::require(gradus::load(file.path(), {entry.name}).size() == 1);
    }
  });
  return 0;
}
