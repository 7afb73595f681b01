#ifdef GRADUS_ONEDNN
#include <gradus/framework/kernels/gemm.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iterator>
#include <thread>

#include "kernel_testing.h"

extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int threads);

namespace gradus::kernels {
namespace {

void multiply() {
  constexpr int64_t n = 300;
  const std::vector<float> a = random_values<float>(n * n, -1, 1, 1);
  std::vector<float> c(n * n);
  gemm<float>(false, false, n, n, n, 1, a.data(), n, a.data(), n, 0, c.data(), n);
}

TEST(OneDnnGemm, LeavesTheThreadsOfOpenMPAsTheyWere) {
  std::thread([] {  // whose setting nobody else sees
    omp_set_num_threads(5);
    multiply();
    EXPECT_EQ(omp_get_max_threads(), 5);
    omp_set_num_threads(1);
    multiply();
    EXPECT_EQ(omp_get_max_threads(), 1);
  })
      .join();
}

int64_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(OneDnnGemm, StaysOnTheCallingThread) {
  const ThreadsGuard guard;
  set_num_threads(1);
  std::thread([] {
    omp_set_num_threads(4);
    const int64_t before = threads_of_this_process();
    multiply();
    EXPECT_EQ(threads_of_this_process(), before);
  }).join();
}

}  // namespace
}  // namespace gradus::kernels
#endif
