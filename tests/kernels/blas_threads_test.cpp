#include <gradus/framework/kernels/blas_threads.h>
#include <gtest/gtest.h>

namespace gradus::detail {
namespace {

TEST(BlasCore, OfAnOlderProcessorIsWarnedOf) {
  EXPECT_EQ(blas_core_warning("Prescott", true),
            "OpenBLAS: it took this processor for a Prescott, which makes products several times "
            "slower: run the program with OPENBLAS_CORETYPE=SkylakeX in its environment");
  EXPECT_EQ(
      blas_core_warning("Sandybridge", false),
      "OpenBLAS: it took this processor for a Sandybridge, which makes products several times "
      "slower: run the program with OPENBLAS_CORETYPE=Haswell in its environment");
}

TEST(BlasCore, ThatFitsOrIsUnknownIsNot) {
  for (const char* core : {"Haswell", "Zen", "SkylakeX", "Cooperlake", "SapphireRapids", ""}) {
    EXPECT_EQ(blas_core_warning(core, true), "") << core;
  }
}

}  // namespace
}  // namespace gradus::detail
