#pragma once
// The only file that includes BLAS. Never include it together with xtensor-blas, which has its own
// cblas.h.
#include <cblas.h>
#include <gradus/framework/kernels/blas_threads.h>
