#include <fmt/format.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/kernels/blas_threads.h>

#include <algorithm>
#include <array>
#include <atomic>

// Only OpenBLAS has these functions; other libraries keep their own setting.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);
extern "C" __attribute__((weak)) char* openblas_get_corename();

namespace gradus::detail {

void use_one_blas_thread() {
  static const bool done = [] {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

std::string blas_core_warning(std::string_view core, bool has_avx512) {
  // An OpenBLAS that is older than the processor takes it for the newest of these that fits.
  constexpr std::array<std::string_view, 6> slow = {"Prescott", "Core2",       "Penryn",
                                                    "Nehalem",  "Sandybridge", "Generic"};
  if (std::find(slow.begin(), slow.end(), core) == slow.end()) return {};
  return fmt::format(
      "OpenBLAS: it took this processor for a {}, which makes products several times slower: run "
      "the program with OPENBLAS_CORETYPE={} in its environment",
      core, has_avx512 ? "SkylakeX" : "Haswell");
}

void warn_of_slow_blas_core() {
  static std::atomic<bool> said = false;
  if (said.load(std::memory_order_relaxed)) return;
  if (openblas_get_corename && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    const std::string message =
        blas_core_warning(openblas_get_corename(), __builtin_cpu_supports("avx512f") != 0);
    if (!message.empty() && !said.exchange(true)) warn(message);
  }
  said = true;
}

}  // namespace gradus::detail
