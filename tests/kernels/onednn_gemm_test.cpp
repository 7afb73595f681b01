#include <dlfcn.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/onednn_gemm.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <thread>

#include "kernel_testing.h"

#if GRADUS_ONEDNN
namespace gradus::kernels {
namespace {

void multiply() {
  constexpr int64_t n = 300;
  const std::vector<float> a = random_values<float>(n * n, -1, 1, 1);
  std::vector<float> c(n * n);
  gemm<float>(false, false, n, n, n, 1, a.data(), n, a.data(), n, 0, c.data(), n);
}

/// A function of the OpenMP library that oneDNN has loaded.
template <class F>
F* openmp(const char* name) {
  void* const library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  return library == nullptr ? nullptr : reinterpret_cast<F*>(dlsym(library, name));
}

TEST(OneDnnGemm, IsThere) { EXPECT_TRUE(has_onednn()); }

TEST(OneDnnGemm, LeavesTheThreadsOfOpenMPAsTheyWere) {
  multiply();
  auto* const get = openmp<int()>("omp_get_max_threads");
  auto* const set = openmp<void(int)>("omp_set_num_threads");
  ASSERT_TRUE(get && set);
  std::thread([=] {  // whose setting nobody else sees
    set(5);
    multiply();
    EXPECT_EQ(get(), 5);
    set(1);
    multiply();
    EXPECT_EQ(get(), 1);
  })
      .join();
}

int64_t threads_of_this_process() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
}

TEST(OneDnnGemm, StaysOnTheCallingThread) {
  const ThreadsGuard guard;
  set_num_threads(1);
  ASSERT_TRUE(has_onednn());
  auto* const set = openmp<void(int)>("omp_set_num_threads");
  ASSERT_TRUE(set);
  std::thread([=] {
    set(4);
    const int64_t before = threads_of_this_process();
    multiply();
    EXPECT_EQ(threads_of_this_process(), before);
  }).join();
}

int processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 0;
}

// libgomp binds the thread that loads it to one processor if it is told to.
TEST(OneDnnGemm, LeavesTheProcessorsOfTheThreadAsTheyWere) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // a process of its own
  ASSERT_EQ(setenv("OMP_PROC_BIND", "true", 1), 0);
  ASSERT_EQ(setenv("OMP_PLACES", "cores", 1), 0);
  EXPECT_EXIT(
      {
        const int before = processors();
        multiply();
        std::_Exit(processors() == before ? 0 : 1);  // no search for leaks
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gradus::kernels
#endif
