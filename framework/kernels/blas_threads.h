#pragma once
#include <string>
#include <string_view>

namespace gradus::detail {

/// Keeps BLAS and LAPACK on the calling thread: the parallel loop is ours.
void use_one_blas_thread();

/// What to tell a user whose OpenBLAS chose the kernels of `core` on a processor that has AVX2, or
/// AVX-512 as well; empty if they are made for such a processor, or unknown.
std::string blas_core_warning(std::string_view core, bool has_avx512);

/// Warns once if OpenBLAS chose kernels that are much slower than the processor.
void warn_of_slow_blas_core();

}  // namespace gradus::detail
