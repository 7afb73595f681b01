// A side for the runner's test. Its file name says how it behaves: a step of "slow" takes three
// times as long, "wrong" ends with another loss, "lost" with the same loss and other weights.

#include <filesystem>
#include <thread>

#include "../workloads.h"

namespace {

std::string name;  // NOLINT: the makers of workloads are plain functions

peers::Workload sleep(const std::string&, const std::string&) {
  const auto time = std::chrono::milliseconds(name == "slow" ? 3 : 1);
  return {[time](int64_t n) {
            std::this_thread::sleep_for(time);
            return name == "wrong" ? 1.002 - static_cast<double>(n) * 1e-9 : 1.0;
          },
          [] { return name == "lost" ? 2.01 : 2.0; }};
}

}  // namespace

int main(int argc, char** argv) {
  name = std::filesystem::path(argv[0]).filename();
  if (name == "hello-train") return std::puts("hello") < 0;
  return peers::run_side({name, {{"W0_sleep", "plain", sleep}}, [](int) {}}, argc, argv);
}
