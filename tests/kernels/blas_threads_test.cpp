#include <gradus/framework/kernels/blas_threads.h>
#include <gradus/framework/kernels/gemm.h>
#include <gtest/gtest.h>

#include <vector>

extern "C" int openblas_get_num_threads();

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

// Few results of long sums are left to BLAS whatever multiplies the others.
TEST(BlasThreads, AreOneForEveryProduct) {
  const std::vector<float> a(8 * 9000, 1);
  std::vector<float> c(64);
  kernels::gemm<float>(false, false, 8, 8, 9000, 1, a.data(), 9000, a.data(), 8, 0, c.data(), 8);
  EXPECT_EQ(c, std::vector<float>(64, 9000));
  EXPECT_EQ(openblas_get_num_threads(), 1);
}

}  // namespace
}  // namespace gradus::detail
