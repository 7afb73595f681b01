#include <gradus/framework/io/pt.h>
#include <gradus/tests/fuzz/fuzzing.h>
#include <gradus/tests/fuzz/zip_of.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

// A whole archive; or the pickle of one, which would otherwise hide behind its checksum.
std::string archive_of(const std::string& input) {
  if (input.starts_with("PK")) return input;
  const std::string storage(40, '\0');
  return gradus::zip_of({{"p/data.pkl", input},
                         {"p/data/0", storage},
                         {"p/data/1", storage},
                         {"p/data/2", storage.substr(0, 8)}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = archive_of({reinterpret_cast<const char*>(data), size});
  const gradus::MemoryFile file(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  gradus::read_any([&] {
    const auto state = gradus::load_pt(file.path());
    for (const auto& entry : state) gradus::require(entry.tensor.defined());
  });
  return 0;
}
