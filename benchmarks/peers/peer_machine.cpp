// What this machine can do, so that figures of different machines can be read together: the
// processor, its instruction sets, how many operations its FMA units finish, how fast memory is and
// how far the cores are from each other.
// usage: peer_machine CORE...   prints one JSON object, for one thread and for more, up to one a
// core
//        peer_machine --handoff CORE CORE   prints only how far these are from each other, in ns

#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cpu_name.h"
#include "fma_loop.h"
#include "json.h"
#include "workloads.h"

namespace {

using peers::Json;
using peers::Peak;

std::vector<std::string> instruction_sets() {
  __builtin_cpu_init();
  std::vector<std::string> sets;
  if (__builtin_cpu_supports("sse4.2")) sets.emplace_back("SSE4.2");
  if (__builtin_cpu_supports("avx")) sets.emplace_back("AVX");
  if (__builtin_cpu_supports("avx2")) sets.emplace_back("AVX2");
  if (__builtin_cpu_supports("fma")) sets.emplace_back("FMA");
  if (__builtin_cpu_supports("avx512f")) sets.emplace_back("AVX-512F");
  if (__builtin_cpu_supports("avx512bw")) sets.emplace_back("AVX-512BW");
  if (__builtin_cpu_supports("avx512vnni")) sets.emplace_back("AVX-512VNNI");
  if (__builtin_cpu_supports("avx512bf16")) sets.emplace_back("AVX-512BF16");
  return sets;
}

// ---- threads

void pin(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(core), &set);
  sched_setaffinity(0, sizeof(set), &set);
}

/// The shortest of nine times in seconds, in which work(0), work(1), ... run at once, each on one
/// of the cores.
double shortest(const std::vector<int>& cores, const std::function<void(size_t)>& work) {
  double best = 1e9;
  std::barrier<> barrier(static_cast<std::ptrdiff_t>(cores.size()));
  const auto body = [&](size_t thread) {
    pin(cores[thread]);
    for (int round = 0; round < 10; ++round) {  // the first warms up
      barrier.arrive_and_wait();
      const double start = peers::seconds_now();
      work(thread);
      barrier.arrive_and_wait();
      if (thread == 0 && round > 0) best = std::min(best, peers::seconds_now() - start);
    }
  };
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < cores.size(); ++thread) threads.emplace_back(body, thread);
  for (std::thread& thread : threads) thread.join();
  return best;
}

double gigaflops(const Peak& peak, const std::vector<int>& cores) {
  constexpr int64_t kTimes = 2'000'000;
  std::vector<double> done(cores.size());
  const double seconds = shortest(cores, [&](size_t thread) { done[thread] = peak.run(kTimes); });
  return done[0] * static_cast<double>(cores.size()) / seconds / 1e9;
}

/// Nanoseconds until a core sees what another one wrote. Cores that share a cache take 20 to 60; a
/// virtual machine may move its cores together and apart while it runs.
double handoff_ns(int first, int second) {
  constexpr int kTimes = 100'000;
  std::atomic<int> turn{0};
  const double seconds = shortest({first, second}, [&](size_t thread) {
    const int mine = static_cast<int>(thread), other = 1 - mine;
    for (int i = 0; i < kTimes; ++i) {
      while (turn.load(std::memory_order_acquire) != mine) {
      }
      turn.store(other, std::memory_order_release);
    }
  });
  return seconds / kTimes / 2 * 1e9;
}

// ---- memory

/// Bytes of one array of the triad: with the other two more than any cache holds.
int64_t array_bytes() {
  int64_t cache = std::max<int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), sysconf(_SC_LEVEL2_CACHE_SIZE));
  cache = std::max<int64_t>(cache, sysconf(_SC_LEVEL4_CACHE_SIZE));
  const int64_t most = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / 12;  // a quarter for three
  return std::min(std::max<int64_t>(cache, 64 << 20), most) & ~int64_t{(2 << 20) - 1};
}

/// An array in huge pages, where the system gives them, of ones.
float* allocate(int64_t bytes) {
  const auto size = static_cast<size_t>(bytes);
  void* const memory = std::aligned_alloc(2 << 20, size);
  if (memory == nullptr) throw std::runtime_error("no memory for the triad");
  madvise(memory, size, MADV_HUGEPAGE);
  auto* const values = static_cast<float*>(memory);
  std::fill(values, values + size / sizeof(float), 1.0F);
  return values;
}

void triad(float* __restrict a, const float* __restrict b, const float* __restrict c,
           int64_t count) {
  for (int64_t i = 0; i < count; ++i) a[i] = b[i] + peers::kFactor * c[i];
}

/// GB/s of a = b + factor * c, as STREAM counts them: 12 bytes an element.
double triad_rate(const std::vector<int>& cores, int64_t bytes) {
  float* const a = allocate(bytes);
  float* const b = allocate(bytes);
  float* const c = allocate(bytes);
  const int64_t part = bytes / 4 / static_cast<int64_t>(cores.size()) / 16 * 16;
  const double seconds = shortest(cores, [&](size_t thread) {
    const int64_t start = part * static_cast<int64_t>(thread);
    triad(a + start, b + start, c + start, part);
  });
  peers::unread = a[0];
  for (float* const array : {a, b, c}) std::free(array);
  return 12.0 * static_cast<double>(part) * static_cast<double>(cores.size()) / seconds / 1e9;
}

}  // namespace

int main(int argc, char** argv) try {
  const bool only_handoff = argc > 1 && std::string(argv[1]) == "--handoff";
  std::vector<int> cores;
  for (int i = only_handoff ? 2 : 1; i < argc; ++i) cores.push_back(std::stoi(argv[i]));
  if (cores.empty() || (only_handoff && cores.size() != 2))
    throw std::runtime_error("usage: peer_machine CORE... | peer_machine --handoff CORE CORE");
  if (only_handoff) {
    std::cout << peers::format("%.0f", handoff_ns(cores[0], cores[1])) << std::endl;
    return 0;
  }
  std::vector<std::string> sets;
  for (const std::string& set : instruction_sets()) sets.push_back(peers::quoted(set));
  const Peak peak = peers::widest();
  const int64_t bytes = array_bytes();
  std::vector<std::string> threads, flops, rates;
  for (size_t count = 1; count <= cores.size(); ++count) {
    const std::vector<int> used(cores.end() - static_cast<std::ptrdiff_t>(count), cores.end());
    threads.push_back(std::to_string(count));
    flops.push_back(peers::format("%.1f", gigaflops(peak, used)));
    rates.push_back(peers::format("%.1f", triad_rate(used, bytes)));
  }
  Json json;
  json.text("cpu", peers::cpu_name()).raw("instruction_sets", peers::json_array(sets));
  json.text("fma_set", peak.set).raw("threads", peers::json_array(threads));
  json.raw("fma_gflops", peers::json_array(flops)).raw("triad_gbs", peers::json_array(rates));
  json.integer("triad_mb", static_cast<int>(3 * bytes >> 20));
  if (cores.size() > 1)
    json.raw("handoff_ns",
             peers::format("%.0f", handoff_ns(cores[cores.size() - 2], cores.back())));
  std::cout << json.str() << std::endl;
  return 0;
} catch (const std::exception& error) {
  std::cerr << "peer_machine: " << error.what() << '\n';
  return 1;
}
