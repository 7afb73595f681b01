#include <dlfcn.h>
#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/kernels/onednn_gemm.h>
#include <sched.h>

#include <csignal>
#include <new>

namespace gradus::kernels {
namespace {

/// What is used of oneDNN, and of the OpenMP library from which it takes its number of threads. The
/// signatures are those of oneDNN 1 to 3 and of OpenMP.
struct OneDnn {
  int (*sgemm)(char trans_a, char trans_b, int64_t m, int64_t n, int64_t k, float alpha,
               const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
               int64_t ldc) = nullptr;
  int (*get_max_threads)() = nullptr;
  void (*set_num_threads)(int threads) = nullptr;

  bool complete() const { return sgemm && get_max_threads && set_num_threads; }
};

/// While one lives, loading a library leaves the processors of this thread as they are: libgomp
/// would bind the thread to one if OMP_PROC_BIND or OMP_PLACES is set, and TBB would count one.
class KeepAffinity {
 public:
  KeepAffinity() : known_(sched_getaffinity(0, sizeof(set_), &set_) == 0) {}
  ~KeepAffinity() {
    if (known_) sched_setaffinity(0, sizeof(set_), &set_);
  }
  KeepAffinity(const KeepAffinity&) = delete;
  KeepAffinity& operator=(const KeepAffinity&) = delete;

 private:
  cpu_set_t set_{};
  bool known_;
};

template <class F>
void look_up(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(dlsym(library, name));
}

OneDnn load() {
  const KeepAffinity keep;
  OneDnn found;
  for (const char* name : {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"}) {
    void* const library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) continue;
    look_up(library, "dnnl_sgemm", found.sgemm);
    look_up(library, "omp_get_max_threads", found.get_max_threads);
    look_up(library, "omp_set_num_threads", found.set_num_threads);
    if (found.complete()) return found;
  }
  gradus::detail::warn(
      "oneDNN: libdnnl.so with OpenMP is not installed, so that products of float32 go to BLAS: "
      "install it (Debian's package is libdnnl2), or build gradus with -DGRADUS_ONEDNN=OFF");
  return {};
}

const OneDnn& onednn() {
  static const OneDnn loaded = load();
  return loaded;
}

/// While one lives, oneDNN stays on the calling thread: the parallel loop is ours.
class OneThread {
 public:
  OneThread() : before_(onednn().get_max_threads()) {
    if (before_ != 1) onednn().set_num_threads(1);
  }
  ~OneThread() {
    if (before_ != 1) onednn().set_num_threads(before_);
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// While one lives, signals of this thread wait. The code that oneDNN generates (2.6 at least) uses
/// the stack pointer for other things: a handler, of Ctrl-C or of a profiler's timer, would write
/// its frame over the heap. Signals that the thread itself causes cannot wait.
class SignalsWait {
 public:
  SignalsWait() {
    sigset_t set;
    sigfillset(&set);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
      sigdelset(&set, signal);
    }
    pthread_sigmask(SIG_BLOCK, &set, &before_);  // fails for no valid arguments
  }
  ~SignalsWait() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsWait(const SignalsWait&) = delete;
  SignalsWait& operator=(const SignalsWait&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

bool has_onednn() {
  if constexpr (!GRADUS_ONEDNN) return false;
  return onednn().complete();
}

void onednn_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha,
                 const float* a, int64_t lda, const float* b, int64_t ldb, float beta, float* c,
                 int64_t ldc) {
  constexpr int success = 0, out_of_memory = 1;  // of dnnl_status_t
  const OneThread one_thread;
  const SignalsWait signals_wait;
  const int status = onednn().sgemm(trans_a ? 'T' : 'N', trans_b ? 'T' : 'N', m, n, k, alpha, a,
                                    lda, b, ldb, beta, c, ldc);
  if (status == out_of_memory) throw std::bad_alloc();
  if (status != success) {
    throw Error(fmt::format("matmul: oneDNN failed with status {} on [{}, {}] x [{}, {}]", status,
                            m, k, k, n));
  }
}

}  // namespace gradus::kernels
