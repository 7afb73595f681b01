#pragma once
// The one file that includes BLAS. Never together with xtensor-blas, which brings a cblas.h of its
// own.
#include <cblas.h>
#include <gradus/framework/kernels/blas_threads.h>
