// A side for the runner's test. Its file name says how it behaves: a step of "slow" takes three
// times as long, "wrong" ends with another loss, "lost" with the same loss and other weights. Its
// clock is its own, so that a busy machine changes nothing.

#include <filesystem>

#include "../workloads.h"

namespace {

std::string name;    // NOLINT: the makers of workloads are plain functions
double seconds = 0;  // NOLINT

peers::Workload sleep(const std::string&, const std::string&) {
  const double time = name == "slow" ? 3e-3 : 1e-3;
  return {[time](int64_t n) {
            seconds += time;
            return name == "wrong" ? 1.002 - static_cast<double>(n) * 1e-9 : 1.0;
          },
          [] { return name == "lost" ? 2.01 : 2.0; }};
}

}  // namespace

int main(int argc, char** argv) {
  name = std::filesystem::path(argv[0]).filename();
  if (name == "hello-train") return std::puts("hello") < 0;
  return peers::run_side({name, {{"W0_sleep", "plain", sleep}}, [](int) {}, [] { return seconds; }},
                         argc, argv);
}
