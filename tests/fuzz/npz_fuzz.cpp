#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/npz.h>
#include <gradus/tests/fuzz/fuzzing.h>

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const gradus::MemoryFile file(data, size);
  gradus::read_any([&] {
    const auto state = gradus::load_npz(file.path());
    std::int64_t numel = 0;
    for (const auto& entry : state) numel += entry.tensor.numel();
    gradus::require(numel <= 1032 * static_cast<std::int64_t>(size));
  });
  return 0;
}
