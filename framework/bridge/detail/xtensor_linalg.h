#pragma once

// The one file that includes xtensor-blas. It bundles a cblas.h of its own, so no file may include
// both this and kernels/blas.h.
#include <gradus/framework/bridge/detail/xtensor_shim.h>

#include <xtensor-blas/xlinalg.hpp>
