#include <gradus/framework/base/detail/instantiate.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/kernels/gemm.h>
#include <gradus/framework/kernels/nn/linear_cross_entropy.h>
#include <gradus/framework/kernels/reduce.h>
#include <gradus/framework/kernels/scratch.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

/// Rows of one chunk: chunks of about equal size, in which the products with the weight take far
/// longer than reading it and adding to its gradient.
template <class T>
int64_t chunk_rows(int64_t n, int64_t C) {
  constexpr int64_t bytes = int64_t{100} << 20, least = 128;
  const int64_t most = std::max(least, bytes / (std::max<int64_t>(C, 1) * int64_t{sizeof(T)}));
  const int64_t chunks = (n + most - 1) / most;
  return chunks == 0 ? 0 : (n + chunks - 1) / chunks;
}

template <class T>
class Chunks {
 public:
  Chunks(const LinearClasses<T>& classes, const LinearGradients<T>& gradients, int64_t rows)
      : in_(classes),
        out_(gradients),
        scores_(rows * classes.C),
        x_(rows * classes.D),
        scale_(rows),
        loss_(rows),
        labels_(rows),
        bias_sums_(gradients.bias ? classes.C : 0) {
    if (out_.weight) std::fill_n(out_.weight, in_.C * in_.D, T{0});
    std::fill_n(bias_sums_.data(), gradients.bias ? classes.C : 0, 0.0);
  }

  /// One chunk: `rows` of x.
  void run(const int64_t* rows, int64_t n, const T* row_scale, int64_t scale_stride, T* loss) {
    const int64_t C = in_.C, D = in_.D;
    for (int64_t i = 0; i < n; ++i) {
      labels_[i] = in_.labels.labels[rows[i]];
      scale_[i] = row_scale[rows[i] * scale_stride];
      std::copy_n(in_.x + rows[i] * D, D, x_.data() + i * D);
    }
    gemm(false, true, n, C, D, T{1}, x_.data(), D, in_.weight, D, T{0}, scores_.data(), C);
    ClassLabels<T> labels = in_.labels;
    labels.labels = labels_.data();
    const bool derive = out_.x || out_.weight || out_.bias;
    cross_entropy_in_place(scores_.data(), in_.bias, labels, derive ? scale_.data() : nullptr,
                           loss_.data(), n, C);
    if (derive) differentiate(rows, n);
    if (!loss) return;
    for (int64_t i = 0; i < n; ++i) loss[rows[i]] = loss_[i];
  }

  void finish() {
    if (!out_.bias) return;
    for (int64_t c = 0; c < in_.C; ++c) out_.bias[c] = static_cast<T>(bias_sums_[c]);
  }

 private:
  /// The scores now hold their derivative.
  void differentiate(const int64_t* rows, int64_t n) {
    const int64_t C = in_.C, D = in_.D;
    if (out_.weight) {
      gemm(true, false, C, D, n, T{1}, scores_.data(), C, x_.data(), D, T{1}, out_.weight, D);
    }
    if (out_.bias) {
      const Scratch<T> sums(C);
      sum(scores_.data(), sums.data(), 1, n, C);
      for (int64_t c = 0; c < C; ++c) bias_sums_[c] += static_cast<double>(sums[c]);
    }
    if (!out_.x) return;
    multiply_by_weight(n);
    for (int64_t i = 0; i < n; ++i) std::copy_n(x_.data() + i * D, D, out_.x + rows[i] * D);
  }

  /// x = scores weight, a small matrix summed over many classes: in parts of the classes, so that
  /// several threads have work.
  void multiply_by_weight(int64_t n) {
    const int64_t C = in_.C, D = in_.D, size = n * D;
    const int64_t parts = std::clamp<int64_t>(C / 8192, 1, 8), part = C / parts;
    const Scratch<T> sums(parts * size);
    gemm_batched<T>(false, false, parts, 1, n, D, part, T{1}, {scores_.data(), C, part, 0},
                    {in_.weight, D, part * D, 0}, T{0}, {sums.data(), D, size, 0});
    if (const int64_t done = parts * part; done < C) {
      gemm(false, false, n, D, C - done, T{1}, scores_.data() + done, C, in_.weight + done * D, D,
           T{1}, sums.data(), D);
    }
    sum(sums.data(), x_.data(), 1, parts, size);
  }

  const LinearClasses<T>& in_;
  const LinearGradients<T>& out_;
  Scratch<T> scores_, x_, scale_, loss_;
  Scratch<int64_t> labels_;
  Scratch<double> bias_sums_;
};

}  // namespace

template <class T>
void linear_cross_entropy(const LinearClasses<T>& classes, const int64_t* rows, int64_t n,
                          const T* row_scale, int64_t scale_stride, T* loss,
                          const LinearGradients<T>& gradients) {
  const int64_t most = chunk_rows<T>(n, classes.C);
  Chunks<T> chunks(classes, gradients, most);
  for (int64_t i = 0; i < n; i += most) {
    chunks.run(rows + i, std::min(most, n - i), row_scale, scale_stride, loss);
  }
  chunks.finish();
}

GRADUS_INSTANTIATE_FLOATS(linear_cross_entropy)

}  // namespace gradus::kernels
