#include <gradus/framework/base/parallel.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

// Shows that ThreadSanitizer sees into parallel_for: `racy race` must be reported, `racy clean`
// must not.
int main(int argc, char** argv) {
  const bool race = argc > 1 && std::string_view(argv[1]) == "race";
  constexpr int64_t n = 1000;
  gradus::set_num_threads(4);
  gradus::set_parallel_grain(1);
  int64_t shared = 0;
  std::atomic<int64_t> counted = 0;
  std::vector<int64_t> squares(n);
  for (int round = 0; round < 20; ++round) {
    gradus::parallel_for(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        if (race) ++shared;
        ++counted;
        squares[static_cast<std::size_t>(i)] = i * i;
      }
    });
    // What the loop wrote is read after it: a backend that did not synchronise its end would be
    // reported.
    for (const int64_t square : squares) shared += square;
  }
  std::printf("%lld %lld\n", static_cast<long long>(counted), static_cast<long long>(shared));
  return counted == 20 * n ? 0 : 1;
}
