#include <dlfcn.h>
#include <fcntl.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/onednn_gemm.h>
#include <gradus/framework/kernels/packed_gemm.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string_view>
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
std::atomic<int> handled{0}, far_away{0};
char* stack_top = nullptr;

void note_stack(int) {
  const auto distance = stack_top - static_cast<char*>(__builtin_frame_address(0));
  if (distance < 0 || distance > (64 << 20)) ++far_away;
  ++handled;
}

// oneDNN's own code has the stack pointer in its buffers, over which a handler would write.
TEST(OneDnnGemm, LetsSignalsWait) {
  ASSERT_TRUE(has_onednn());
  stack_top = static_cast<char*>(__builtin_frame_address(0));
  struct sigaction action {
  }, before{};
  action.sa_handler = note_stack;
  sigaction(SIGUSR1, &action, &before);
  std::atomic<bool> ended{false};
  std::thread sender([&ended, to = pthread_self()] {  // the next one once the last was handled
    for (int sent = 0; !ended; ++sent) {
      pthread_kill(to, SIGUSR1);
      while (handled <= sent && !ended) std::this_thread::yield();
    }
  });
  for (int i = 0; i < 30 && far_away == 0; ++i) multiply();
  ended = true;
  sender.join();
  sigaction(SIGUSR1, &before, nullptr);
  EXPECT_GT(handled, 0);
  EXPECT_EQ(far_away, 0);
  sigset_t blocked;
  pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
  EXPECT_EQ(sigismember(&blocked, SIGUSR1), 0);
}

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

/// Whether oneDNN is mapped. A signal's handler may ask, so that it allocates nothing.
bool is_loaded() {
  static std::array<char, 1 << 20> maps;
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  std::size_t size = 0;
  for (ssize_t got = 1; got > 0 && size < maps.size(); size += static_cast<std::size_t>(got))
    got = std::max<ssize_t>(read(file, maps.data() + size, maps.size() - size), 0);
  close(file);
  return std::string_view(maps.data(), size).find("libdnnl.so") != std::string_view::npos;
}

constexpr int64_t m = 16385, n = 64, k = 1024;  // packed, but for the last block

/// Ends the process at the first write, with 0 if oneDNN is there by then.
[[noreturn]] void multiply_into_memory_that_cannot_be_written() {
  const std::vector<float> a(m * k, 1), b(k * n, 1);
  void* const c =
      mmap(nullptr, m * n * sizeof(float), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::signal(SIGSEGV, [](int) { std::_Exit(is_loaded() ? 0 : 1); });
  gemm<float>(true, false, m, n, k, 1, a.data(), m, b.data(), n, 0, static_cast<float*>(c), n);
  std::_Exit(2);
}

// The weight gradient of many tokens is packed, but its last block, 17 rows, is not. That must not
// be the first to look for oneDNN, on whatever thread it runs.
TEST(OneDnnGemm, IsLoadedBeforeAnythingOfALargePackedProductIsWritten) {
  if (!packed_gemm_is_faster<float>(true, false, m, n, k)) GTEST_SKIP() << "not packed here";
  testing::FLAGS_gtest_death_test_style = "threadsafe";  // a process of its own
  EXPECT_EXIT(multiply_into_memory_that_cannot_be_written(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gradus::kernels
#endif
