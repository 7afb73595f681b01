#include <gradus/framework/kernels/onednn_gemm.h>

#ifdef GRADUS_ONEDNN
#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <oneapi/dnnl/dnnl.h>

#include <new>

#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
// Of the OpenMP library that oneDNN uses; omp.h comes with a compiler, and only with some.
extern "C" int omp_get_max_threads();
extern "C" void omp_set_num_threads(int threads);
#elif DNNL_CPU_RUNTIME != DNNL_RUNTIME_SEQ
#error "gradus keeps a oneDNN on one thread that uses OpenMP or none: set GRADUS_ONEDNN to OFF"
#endif

namespace gradus::kernels {
namespace {

/// While one lives, oneDNN stays on the calling thread: the parallel loop is ours.
class OneThread {
 public:
  OneThread() {
    if (before_ != 1) set(1);
  }
  ~OneThread() {
    if (before_ != 1) set(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
#if DNNL_CPU_RUNTIME == DNNL_RUNTIME_OMP
  static int get() { return omp_get_max_threads(); }
  static void set(int threads) { omp_set_num_threads(threads); }
#else
  static int get() { return 1; }
  static void set(int) {}
#endif
  int before_ = get();
};

}  // namespace

void onednn_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc) {
  const OneThread one_thread;
  const dnnl_status_t status = dnnl_sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, alpha,
                                          a, lda, b, ldb, beta, c, ldc);
  if (status == dnnl_out_of_memory) throw std::bad_alloc();
  if (status != dnnl_success) {
    throw Error(fmt::format("matmul: oneDNN failed with status {} on [{}, {}] x [{}, {}]",
                            static_cast<int>(status), m, k, k, n));
  }
}

}  // namespace gradus::kernels
#endif
