// A side for the runner's test. Its file name says how it behaves: a step of "slow" takes three
// times as long, "wrong" ends with another loss, "slow_wrong" does both, "lost" with the same loss
// and other weights, "limit" takes half as long, "more" has a second workload, W0_more. Its clock
// is its own, so that a busy machine changes nothing. "machine" stands for the program that
// measures the machine, "texts_ours", "texts_peer" and "texts_bad" for sides of the rows on real
// text.

#include <cstring>
#include <filesystem>

#include "../workloads.h"

namespace {

std::string name;    // NOLINT: the makers of workloads are plain functions
double seconds = 0;  // NOLINT

peers::Workload sleep(const std::string&, const std::string&) {
  const bool wrong = name.find("wrong") != std::string::npos;
  const double time = name.rfind("slow", 0) == 0 ? 3e-3 : name == "limit" ? 5e-4 : 1e-3;
  return {[=](int64_t n) {
            seconds += time;
            return wrong ? 1.002 - static_cast<double>(n) * 1e-9 : 1.0;
          },
          [] { return name == "lost" ? 2.01 : 2.0; }};
}

/// W0_more: its variant "off" has another loss.
peers::Workload more(const std::string&, const std::string& variant) {
  const double loss = variant == "off" ? 2.0 : 1.0;
  return {[loss](int64_t) {
            seconds += 1e-3;
            return loss;
          },
          [] { return 2.0; }};
}

std::vector<peers::Variant> variants() {
  std::vector<peers::Variant> all;
  if (name != "odd") all.push_back({"W0_sleep", "plain", sleep});
  if (name == "more" || name == "odd") all.push_back({"W0_more", "plain", more});
  if (name == "odd") all.push_back({"W0_more", "off", more});
  return all;
}

/// The sides of F1 and F2: the peer has both, ours only F2. "texts_bad" has learnt the opposite.
int texts(int argc, char** argv) {
  const bool peer = name == "texts_peer";
  if (argc == 2) {
    std::cout << name << '\n'
              << (peer ? "F1_supervised -flag 1\n" : "") << "F2_skip_gram -flag 2\n";
    return 0;
  }
  const std::string output = argv[6];
  std::ofstream(output + "/labels") << "__label__a\n__label__b\n__label__b\n__label__b\n";
  std::ofstream vectors(output + "/vectors.txt");
  vectors << "4 2\nking 1 0\nqueen " << (name == "texts_bad" ? "-1 0" : "2 0.1")
          << "\nlord 1 1\nsheep 0 1\n";
  std::cout << "a line of progress\n" << (peer ? 1000 : 2500) << '\n';
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  name = std::filesystem::path(argv[0]).filename();
  if (name == "hello-train") return std::puts("hello") < 0;
  if (name == "machine") return std::puts(R"({"cpu": "fake", "fma_gflops": [1.5]})") < 0;
  if (name.rfind("texts", 0) == 0) return texts(argc, argv);
  return peers::run_side(
      {name, variants(), [](int) {}, [] { return seconds; },
       [] {
         return std::vector<std::pair<std::string, std::string>>{{"openblas_core", "Fake core"}};
       }},
      argc, argv);
}
