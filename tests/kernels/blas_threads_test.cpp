#include <gradus/framework/kernels/blas_threads.h>
#include <gtest/gtest.h>

namespace gradus::detail {
namespace {

TEST(BlasCore, OfAnOlderProcessorIsWarnedOf) {
  EXPECT_EQ(blas_core_warning("Prescott", true),
            "OpenBLAS: it takes this processor for a Prescott and is several times slower than it "
            "could be: set OPENBLAS_CORETYPE=SkylakeX in the environment of the program");
  EXPECT_EQ(blas_core_warning("Sandybridge", false),
            "OpenBLAS: it takes this processor for a Sandybridge and is several times slower than "
            "it could be: set OPENBLAS_CORETYPE=Haswell in the environment of the program");
}

TEST(BlasCore, ThatFitsOrIsUnknownIsNot) {
  for (const char* core : {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", ""}) {
    EXPECT_EQ(blas_core_warning(core, true), "") << core;
  }
}

}  // namespace
}  // namespace gradus::detail
