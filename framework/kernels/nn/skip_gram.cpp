#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/elementwise.h>
#include <gradus/framework/kernels/nn/skip_gram.h>
#include <gradus/framework/kernels/simd/loop.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace gradus::kernels {
namespace {

using detail::Batch;
using detail::batch_size;
using detail::load_partial;
using detail::store_partial;

constexpr int64_t kBlock = 16;     // pairs whose rows are read, then read again from the cache
constexpr int64_t kMissCost = 24;  // a row's cache misses, in additions
constexpr int64_t kLine = 64;      // bytes of a cache line

template <class T>
T dot(const T* a, const T* b, int64_t n) {
  constexpr int64_t step = batch_size<T>;
  Batch<T> even(T{0}), odd(T{0});
  int64_t i = 0;
  for (; i + 2 * step <= n; i += 2 * step) {
    even = detail::fma(Batch<T>::load_unaligned(a + i), Batch<T>::load_unaligned(b + i), even);
    odd = detail::fma(Batch<T>::load_unaligned(a + i + step),
                      Batch<T>::load_unaligned(b + i + step), odd);
  }
  if (i + step <= n) {
    even = detail::fma(Batch<T>::load_unaligned(a + i), Batch<T>::load_unaligned(b + i), even);
    i += step;
  }
  if (i < n) odd = detail::fma(load_partial(a + i, n - i), load_partial(b + i, n - i), odd);
  return detail::reduce_add(even + odd);
}

/// y = c v. The rows of `y` are contiguous, most not aligned to a cache line: full stores are
/// aligned, which matters when many rows are written and few read.
template <class T>
void scale_row(T c, const T* v, T* y, int64_t n) {
  constexpr int64_t step = batch_size<T>;
  const auto past_line = static_cast<int64_t>(reinterpret_cast<uintptr_t>(y) / sizeof(T)) % step;
  const Batch<T> factor(c);
  int64_t i = std::min(n, (step - past_line) % step);
  if (i > 0) store_partial(y, i, load_partial(v, i) * factor);
  for (; i + step <= n; i += step) (Batch<T>::load_unaligned(v + i) * factor).store_aligned(y + i);
  if (i < n) store_partial(y + i, n - i, load_partial(v + i, n - i) * factor);
}

/// x -> softplus(x) = log(1 + exp(x)) and its derivative, the sigmoid; neither overflows, and small
/// results keep their digits. `scratch` is as long as x.
template <class T>
void softplus_and_sigmoid(const T* x, T* softplus, T* sigmoid, T* scratch, int64_t n) {
  const auto apply = [n](const UnaryKernel& kernel, const T* in, T* out) {
    function_of<T>(kernel)(in, out, n);
  };
  T* t = sigmoid;
  for (int64_t i = 0; i < n; ++i) t[i] = -std::abs(x[i]);
  apply(exp, t, t);
  for (int64_t i = 0; i < n; ++i) scratch[i] = T{1} + t[i];
  apply(log, scratch, softplus);
  for (int64_t i = 0; i < n; ++i) {
    const T u = scratch[i];
    // log(1 + t) = log(u) t / (u - 1), u = 1 + t rounded: Goldberg 1991, theorem 4
    const T log1p = u == T{1} ? t[i] : softplus[i] * (t[i] / (u - T{1}));
    softplus[i] = (x[i] > T{0} ? x[i] : T{0}) + log1p;
    sigmoid[i] = (x[i] >= T{0} ? T{1} : t[i]) / u;
  }
}

template <class T>
class SkipGram {
 public:
  SkipGram(const SkipGramBatch<T>& batch, T scale, T* losses, T* input_grad, T* output_grad)
      : batch_(batch),
        scale_(scale),
        losses_(losses),
        input_grad_(input_grad),
        output_grad_(output_grad),
        ahead_(std::max<int64_t>(1, 16 / (batch.M + 1))) {}

  /// Processes the pairs [begin, end).
  void run(int64_t begin, int64_t end) const {
    const auto most = static_cast<size_t>(std::min(kBlock, end - begin) * batch_.M);
    std::vector<T> buffer(4 * most);
    T* x = buffer.data();  // [kBlock, M]: the scores v u_m, the first of each pair negated
    T* softplus = x + most;
    T* sigmoid = softplus + most;
    T* scratch = sigmoid + most;
    for (int64_t b = begin; b < end; b += kBlock) {
      const int64_t pairs = std::min(kBlock, end - b);
      for (int64_t k = 0; k < pairs; ++k) score(b + k, x + k * batch_.M);
      softplus_and_sigmoid(x, softplus, sigmoid, scratch, pairs * batch_.M);
      for (int64_t k = 0; k < pairs; ++k) {
        const T* terms = softplus + k * batch_.M;
        T loss = 0;
        for (int64_t m = 0; m < batch_.M; ++m) loss += terms[m];
        losses_[b + k] = loss;
        differentiate(b + k, sigmoid + k * batch_.M);
      }
    }
  }

 private:
  const T* center(int64_t b) const { return batch_.input + batch_.centers[b] * batch_.D; }
  const int64_t* targets(int64_t b) const { return batch_.targets + b * batch_.M; }
  const T* target(int64_t id) const { return batch_.output + id * batch_.D; }

  void prefetch(const T* row) const {
    const char* bytes = reinterpret_cast<const char*>(row);
    for (int64_t i = 0; i < batch_.D * int64_t{sizeof(T)}; i += kLine) {
      __builtin_prefetch(bytes + i, 0);
    }
  }

  void score(int64_t b, T* x) const {
    if (b + ahead_ < batch_.B) {
      prefetch(center(b + ahead_));
      for (int64_t m = 0; m < batch_.M; ++m) prefetch(target(targets(b + ahead_)[m]));
    }
    const T* v = center(b);
    for (int64_t m = 0; m < batch_.M; ++m) x[m] = dot(v, target(targets(b)[m]), batch_.D);
    x[0] = -x[0];
  }

  // d/dv = sum of c_m u_m, d/du_m = c_m v, where c_m = scale * sigmoid(x_m), negated for m = 0.
  // `c` holds the sigmoids.
  void differentiate(int64_t b, T* c) const {
    const int64_t M = batch_.M, D = batch_.D;
    for (int64_t m = 0; m < M; ++m) c[m] *= m == 0 ? -scale_ : scale_;
    if (output_grad_ != nullptr) {
      for (int64_t m = 0; m < M; ++m) {
        scale_row(c[m], center(b), output_grad_ + (b * M + m) * D, D);
      }
    }
    if (input_grad_ != nullptr) add_targets(b, c, input_grad_ + b * D);
  }

  // y = sum of c_m u_m
  void add_targets(int64_t b, const T* c, T* y) const {
    constexpr int64_t step = batch_size<T>;
    const auto sum = [&](auto load) {
      Batch<T> total(T{0});
      for (int64_t m = 0; m < batch_.M; ++m) {
        total = detail::fma(Batch<T>(c[m]), load(target(targets(b)[m])), total);
      }
      return total;
    };
    int64_t i = 0;
    for (; i + step <= batch_.D; i += step) {
      sum([i](const T* u) { return Batch<T>::load_unaligned(u + i); }).store_unaligned(y + i);
    }
    if (const int64_t rest = batch_.D - i; rest > 0) {
      store_partial(y + i, rest, sum([=](const T* u) { return load_partial(u + i, rest); }));
    }
  }

  const SkipGramBatch<T>& batch_;
  T scale_;
  T* losses_;
  T* input_grad_;
  T* output_grad_;
  int64_t ahead_;  // pairs between prefetching rows and using them
};

}  // namespace

template <class T>
void skip_gram(const SkipGramBatch<T>& batch, T scale, T* losses, T* input_grad, T* output_grad) {
  const SkipGram<T> body(batch, scale, losses, input_grad, output_grad);
  const int64_t cost = (batch.M + 1) * (3 * batch.D / 8 + kMissCost) + 16 * batch.M;
  parallel_for(batch.B, cost, [&](int64_t begin, int64_t end) { body.run(begin, end); });
}

GRADUS_INSTANTIATE_FLOATS(skip_gram)

}  // namespace gradus::kernels
