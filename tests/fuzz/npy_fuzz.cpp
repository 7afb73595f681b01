#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/npy.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] {
    const gradus::Tensor tensor = gradus::load_npy(file.path());
    gradus::require(tensor.numel() <= static_cast<std::int64_t>(size));
  });
  return 0;
}
