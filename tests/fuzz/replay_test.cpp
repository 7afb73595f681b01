#include <gradus/tests/support/threads_guard.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
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

std::string content(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

/// While it lives, the program may take so many further bytes of address space and no more. None
/// under a sanitizer, which reserves terabytes.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(rlim_t bytes) {
    getrlimit(RLIMIT_AS, &before_);
    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    set(pages * static_cast<rlim_t>(sysconf(_SC_PAGESIZE)) + bytes);
  }
  ~AddressSpaceLimit() { setrlimit(RLIMIT_AS, &before_); }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;

  static constexpr bool works() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return false;
#elif defined(__has_feature)
    return !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
    return true;
#endif
  }

 private:
  void set(rlim_t bytes) {
    if (!works()) return;
    rlimit limit = before_;
    limit.rlim_cur = std::min(bytes, before_.rlim_max);
    setrlimit(RLIMIT_AS, &limit);
  }

  rlimit before_{};
};

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
    const std::string bytes = content(path);
    run_on(GetParam(), bytes);
    for (const std::size_t part : {1U, 2U, 5U, 9U})
      run_on(GetParam(), bytes.substr(0, bytes.size() * part / 10));
  }
}

// Wherever a file has a size or an offset, an absurd one is an error before anything so large is
// asked for.
TEST_P(FuzzReplay, AbsurdNumbersTakeNoMemory) {
  const OneThread one;  // a further one would reserve space for its stack and its heap
  const AddressSpaceLimit limit(256 << 20);
  for (const auto& path : corpus(GetParam().name)) {
    SCOPED_TRACE(path);
    const std::string bytes = content(path);
    // The beginnings and the ends of files have most of them.
    constexpr std::size_t edge = 400;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      if (at == edge && bytes.size() > 2 * edge) at = bytes.size() - edge;
      for (const std::string_view number :
           {std::string_view("\xff\xff\xff\x7f", 4), std::string_view("\xff\xff\xff\xff", 4),
            std::string_view("\0\0\0\0\1\0\0\0", 8), std::string_view("999999999999", 12)}) {
        std::string changed = bytes;
        changed.replace(at, number.size(), number);
        run_on(GetParam(), std::move(changed));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, FuzzReplay, testing::ValuesIn(targets),
                         [](const auto& target) { return std::string(target.param.name); });

}  // namespace
}  // namespace gradus
