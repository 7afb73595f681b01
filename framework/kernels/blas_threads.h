#pragma once

// Only OpenBLAS has this function; other libraries keep their own setting.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int threads);

namespace gradus::detail {

/// Keeps BLAS and LAPACK on the calling thread: the parallel loop is ours.
inline void use_one_blas_thread() {
  static const bool done = [] {
    if (openblas_set_num_threads) openblas_set_num_threads(1);
    return true;
  }();
  static_cast<void>(done);
}

}  // namespace gradus::detail
