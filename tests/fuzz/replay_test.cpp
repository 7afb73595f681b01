#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <vector>

// The functions of all *_fuzz.cpp: see replay.cmake.
#define FUZZ_TARGET(name) extern "C" int fuzz_##name(const std::uint8_t*, std::size_t);
#include "targets.inc"
#undef FUZZ_TARGET

namespace gradus {
namespace {

struct Target {
  const char* name;
  int (*run)(const std::uint8_t*, std::size_t);
};

void PrintTo(const Target& target, std::ostream* out) { *out << target.name; }

const Target targets[] = {
#define FUZZ_TARGET(name) {#name, fuzz_##name},
#include "targets.inc"
#undef FUZZ_TARGET
};

std::vector<std::filesystem::path> corpus(const char* name) {
  const auto folder = std::filesystem::path("tests/fuzz/corpus") / name;
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(folder)) return files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void run_on(const Target& target, std::string bytes) {
  bytes.shrink_to_fit();  // so that AddressSanitizer sees reads past the end
  target.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

class FuzzReplay : public testing::TestWithParam<Target> {};

// As they are, and cut off at a few places.
TEST_P(FuzzReplay, TheReaderSurvivesItsCorpus) {
  const auto files = corpus(GetParam().name);
  ASSERT_FALSE(files.empty()) << "tests/fuzz/corpus/" << GetParam().name << " has no files";
  for (const auto& path : files) {
    SCOPED_TRACE(path);
    std::ifstream in(path, std::ios::binary);
    ASSERT_TRUE(in);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    run_on(GetParam(), bytes);
    for (const std::size_t part : {1U, 2U, 5U, 9U})
      run_on(GetParam(), bytes.substr(0, bytes.size() * part / 10));
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzReplay, testing::ValuesIn(targets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace gradus
