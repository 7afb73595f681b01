#include <gradus/framework/base/parallel.h>
#include <gradus/framework/base/warning.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

namespace {

// Reads the number of a flag `name`, e.g. --grain=1; false if `argument` is not that flag.
bool read_flag(std::string_view argument, std::string_view name, int64_t& value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  const char* end = argument.data() + argument.size();
  const auto result = std::from_chars(argument.data(), end, value);
  return result.ec == std::errc() && result.ptr == end;
}

}  // namespace

// A warning fails the test that it comes from, unless that takes it (CaughtWarnings).
// GoogleTest's flags, and --grain=N, --threads=N for the whole run.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    int64_t value = 0;
    if (read_flag(argv[i], "--grain=", value)) {
      gradus::set_parallel_grain(value);
    } else if (read_flag(argv[i], "--threads=", value)) {
      gradus::set_num_threads(static_cast<int>(value));
    } else {
      std::fprintf(stderr, "unknown argument %s: the flags are --grain=N, --threads=N, --gtest_*\n",
                   argv[i]);
      return 2;
    }
  }
  gradus::set_warning_handler([](std::string_view message) {
    if (message.starts_with("OpenBLAS: ")) return;  // speaks of the machine
    ADD_FAILURE() << "an unexpected warning: " << message;
  });
  return RUN_ALL_TESTS();
}
