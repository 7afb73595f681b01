#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/loss.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace gradus {

namespace kernels {
class AliasTable;
}

// Losses over many classes that look at the label of each row and at a few drawn classes, which all
// rows share.

/// Draws classes from a fixed distribution, each independently of the others.
/// Source: Walker 1977, "An efficient method for generating discrete random variables with general
/// distributions".
class GRADUS_API ClassSampler {
 public:
  /// Class k with a probability proportional to weights[k]. Throws ValueError for a weight that is
  /// negative or not finite, and if all are 0.
  explicit ClassSampler(std::span<const double> weights);
  /// P(k) = log((k + 2) / (k + 1)) / log(classes + 1): about the frequencies of words, for classes
  /// sorted by falling frequency. Throws ValueError unless classes > 0.
  static ClassSampler log_uniform(std::int64_t classes);
  /// P(k) proportional to counts[k]^power. Throws ValueError for a negative count, and if all are
  /// 0.
  static ClassSampler from_counts(std::span<const std::int64_t> counts, double power = 0.75);

  /// n classes, int64 [n]. Throws ValueError if n < 0.
  Tensor operator()(std::int64_t n, Generator& generator = default_generator()) const;
  /// The logarithms of the probabilities of classes, int64 of any shape; -infinity for one that is
  /// never drawn. Throws IndexError, DTypeError.
  Tensor log_probabilities(const Tensor& classes, DType dtype = DType::float32) const;
  /// That of one class, which must exist.
  double log_probability(std::int64_t k) const {
    return log_probabilities_[static_cast<std::size_t>(k)];
  }
  /// The number of classes.
  std::int64_t size() const { return static_cast<std::int64_t>(log_probabilities_.size()); }

 private:
  std::vector<double> log_probabilities_;
  std::shared_ptr<const kernels::AliasTable> table_;
};

/// What the losses below take beside their tensors.
struct SampledLossOptions {
  Tensor bias = {};  ///< [classes]; undefined for none. Its gradient is dense
  Reduction reduction = Reduction::mean;
  bool sparse = false;  ///< whether the gradient of the weight is a SparseGrad, of the rows used
};

// Each takes x [N, D], weight [classes, D] and bias, of one float dtype, labels int64 [N] and
// samples int64 [S], which `sampler` drew. The score of class k is s_k = weight[k] x + bias[k].
// Returns [], or [N] without reduction; the mean over nothing is 0. Throws ShapeError, DTypeError,
// IndexError for a label or a sample outside the classes, ValueError for a sampler of another
// number of classes.

/// The cross-entropy of a softmax over the label y and the samples:
///   -s_y + log(exp(s_y) + sum over samples c other than y of exp(s_c - log(S P(c))))
/// The sum is an unbiased estimate of that over all classes: each sample is corrected by the number
/// of times that it is expected among them; those that hit the label are removed, as the label is
/// there once, uncorrected. With more samples the loss approaches cross_entropy() of all scores.
/// Source: Bengio, Senécal 2008, "Adaptive importance sampling to accelerate training of a neural
/// probabilistic language model"; Jean et al. 2015, "On using very large target vocabulary for
/// neural machine translation".
GRADUS_API Tensor sampled_softmax_loss(const Tensor& x, const Tensor& weight, const Tensor& labels,
                                       const Tensor& samples, const ClassSampler& sampler,
                                       const SampledLossOptions& options = {});

/// Noise-contrastive estimation: the logistic loss of telling the label y from the samples,
///   -log s(d_y) - sum over samples c of log s(-d_c),   d_k = s_k - log(S P(k)),
/// with s(x) = 1 / (1 + exp(-x)). Scores learn to be logarithms of probabilities. Throws ValueError
/// if there are no samples.
/// Source: Gutmann, Hyvärinen 2010, "Noise-contrastive estimation: a new estimation principle for
/// unnormalized statistical models"; Mnih, Teh 2012.
GRADUS_API Tensor nce_loss(const Tensor& x, const Tensor& weight, const Tensor& labels,
                           const Tensor& samples, const ClassSampler& sampler,
                           const SampledLossOptions& options = {});

/// Negative sampling: -log s(s_y) - sum over samples c other than y of log s(-s_c). See also
/// skip_gram_loss(), where each pair has samples of its own.
/// Source: Mikolov et al. 2013, "Distributed representations of words and phrases and their
/// compositionality", equation 4.
GRADUS_API Tensor negative_sampling_loss(const Tensor& x, const Tensor& weight,
                                         const Tensor& labels, const Tensor& samples,
                                         const SampledLossOptions& options = {});

}  // namespace gradus
