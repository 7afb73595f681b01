#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/alias.h>
#include <gradus/framework/kernels/random.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/compare.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/matmul.h>
#include <gradus/framework/ops/nn/activation.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/nn/embedding.h>
#include <gradus/framework/ops/nn/sampled_loss.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/ops/where.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace gradus {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double checked_sum(std::span<const double> weights) {
  double sum = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    if (!(weights[k] >= 0) || std::isinf(weights[k])) {
      throw ValueError(
          fmt::format("ClassSampler: the weight {} of class {} must be finite and not negative",
                      weights[k], k));
    }
    sum += weights[k];
  }
  if (sum > 0 && std::isfinite(sum)) return sum;
  throw ValueError(
      fmt::format("ClassSampler: the sum of {} weights is {}, it must be finite and above 0",
                  weights.size(), sum));
}

}  // namespace

ClassSampler::ClassSampler(std::span<const double> weights) {
  const double sum = checked_sum(weights);
  log_probabilities_.reserve(weights.size());
  for (const double weight : weights) {
    const double probability = weight / sum;  // log(0) would raise a floating-point exception
    log_probabilities_.push_back(probability == 0 ? -infinity : std::log(probability));
  }
  table_ = std::make_shared<const kernels::AliasTable>(weights);
}

ClassSampler ClassSampler::log_uniform(std::int64_t classes) {
  if (classes < 1) {
    throw ValueError(fmt::format("ClassSampler: classes is {}, it must be at least 1", classes));
  }
  std::vector<double> weights;
  weights.reserve(static_cast<std::size_t>(classes));
  for (std::int64_t k = 0; k < classes; ++k) {
    weights.push_back(std::log1p(1 / static_cast<double>(k + 1)));
  }
  return ClassSampler(weights);
}

ClassSampler ClassSampler::from_counts(std::span<const std::int64_t> counts, double power) {
  std::vector<double> weights;
  weights.reserve(counts.size());
  for (std::size_t k = 0; k < counts.size(); ++k) {
    if (counts[k] < 0) {
      throw ValueError(
          fmt::format("ClassSampler: the count {} of class {} is negative", counts[k], k));
    }
    weights.push_back(counts[k] == 0 ? 0 : std::pow(static_cast<double>(counts[k]), power));
  }
  return ClassSampler(weights);
}

Tensor ClassSampler::operator()(std::int64_t n, Generator& generator) const {
  if (!table_) detail::throw_moved_from("ClassSampler");
  if (n < 0) throw ValueError(fmt::format("ClassSampler: n is {}, it cannot be negative", n));
  Tensor classes =
      detail::empty_sized("ClassSampler", fmt::format("n is {}", n), {n}, DType::int64);
  auto* out = classes.mutable_data<std::int64_t>();
  const std::uint64_t seed = generator.seed(), offset = generator.advance(1);
  for (std::int64_t i = 0; i < n; ++i) {
    out[i] = table_->draw(kernels::random_bits(seed, offset, static_cast<std::uint64_t>(i)));
  }
  return classes;
}

Tensor ClassSampler::log_probabilities(const Tensor& classes, DType dtype) const {
  if (!table_) detail::throw_moved_from("ClassSampler");
  detail::check_ids("ClassSampler", classes, size());
  Tensor y = empty(classes.shape(), dtype);
  visit_float("ClassSampler", dtype, [&]<class T>(T) {
    T* out = y.mutable_data<T>();
    for (const std::int64_t k : classes.span<std::int64_t>()) {
      *out++ = static_cast<T>(log_probability(k));
    }
  });
  return y;
}

namespace {

/// The arguments of a loss, which were checked.
struct Call {
  Call(const char* op, const Tensor& x_, const Tensor& weight_, const Tensor& labels_,
       const Tensor& samples_, const SampledLossOptions& options_)
      : operation(op),
        x(x_),
        weight(weight_),
        labels(labels_),
        samples(samples_),
        options(options_) {
    detail::check_defined(op,
                          {{"x", x}, {"weight", weight}, {"labels", labels}, {"samples", samples}});
    if (!is_floating(x.dtype())) detail::throw_not_floating(op, x.dtype());
    detail::check_dtypes(op, "x", x, "weight", weight);
    if (options.bias.defined()) detail::check_dtypes(op, "x", x, "bias", options.bias);
    check_shapes();
    detail::check_ids((std::string(op) + ": labels").c_str(), labels, weight.size(0));
    detail::check_ids((std::string(op) + ": samples").c_str(), samples, weight.size(0));
  }

  void check_shapes() const {
    if (x.dim() != 2 || weight.dim() != 2 || x.size(1) != weight.size(1)) {
      throw ShapeError(
          fmt::format("{}: x is {}, weight is {}: they must be [N, D] and [classes, D]", operation,
                      x.shape().str(), weight.shape().str()));
    }
    if (labels.shape() != Shape{x.size(0)} || samples.dim() != 1) {
      throw ShapeError(
          fmt::format("{}: x is {}, labels are {}, samples {}: labels must be [N], samples [S]",
                      operation, x.shape().str(), labels.shape().str(), samples.shape().str()));
    }
    if (options.bias.defined() && options.bias.shape() != Shape{weight.size(0)}) {
      throw ShapeError(fmt::format("{}: bias is {}, it must be [{}], as weight is {}", operation,
                                   options.bias.shape().str(), weight.size(0),
                                   weight.shape().str()));
    }
  }

  void check_sampler(const ClassSampler& sampler) const {
    if (sampler.size() == weight.size(0)) return;
    throw ValueError(fmt::format("{}: the sampler has {} classes, weight is {}", operation,
                                 sampler.size(), weight.shape().str()));
  }

  /// The scores of the labels, [N].
  Tensor label_scores() const {
    const Tensor scores = sum(x * embedding(weight, labels, {.sparse = options.sparse}), 1);
    return options.bias.defined() ? scores + index_select(options.bias, 0, labels) : scores;
  }
  /// Those of the samples, [N, S].
  Tensor sample_scores() const {
    return linear(x, embedding(weight, samples, {.sparse = options.sparse}),
                  options.bias.defined() ? index_select(options.bias, 0, samples) : Tensor());
  }
  /// The logarithm of how often each of these classes is expected among the samples.
  Tensor log_expected(const ClassSampler& sampler, const Tensor& classes) const {
    for (const std::int64_t k : classes.span<std::int64_t>()) {
      if (sampler.log_probability(k) != -infinity) continue;
      throw ValueError(
          fmt::format("{}: the sampler never draws class {}, so there is no correction "
                      "for it: give it a weight above 0",
                      operation, k));
    }
    const auto S = static_cast<double>(std::max<std::int64_t>(1, samples.numel()));
    return sampler.log_probabilities(classes, x.dtype()) + std::log(S);
  }
  /// Scores [N, S], but -infinity for samples that are the label of their row.
  Tensor without_hits(const Tensor& scores) const {
    return masked_fill(scores, equal(unsqueeze(labels, 1), unsqueeze(samples, 0)), -infinity);
  }
  /// The logistic loss, reduced.
  Tensor logistic(const Tensor& label, const Tensor& sample) const {
    // Not softplus(), which leaves out the logarithm above a threshold.
    return detail::recorded_reduction(-logsigmoid(label) - sum(logsigmoid(-sample), 1),
                                      options.reduction);
  }

  const char* operation;
  const Tensor &x, &weight, &labels, &samples;
  const SampledLossOptions& options;
};

}  // namespace

Tensor sampled_softmax_loss(const Tensor& x, const Tensor& weight, const Tensor& labels,
                            const Tensor& samples, const ClassSampler& sampler,
                            const SampledLossOptions& options) {
  const Call call("sampled_softmax_loss", x, weight, labels, samples, options);
  call.check_sampler(sampler);
  const Tensor corrected = call.sample_scores() - unsqueeze(call.log_expected(sampler, samples), 0);
  const Tensor scores = cat({unsqueeze(call.label_scores(), 1), call.without_hits(corrected)}, 1);
  return cross_entropy(scores, zeros({x.size(0)}, DType::int64), {.reduction = options.reduction});
}

Tensor nce_loss(const Tensor& x, const Tensor& weight, const Tensor& labels, const Tensor& samples,
                const ClassSampler& sampler, const SampledLossOptions& options) {
  const Call call("nce_loss", x, weight, labels, samples, options);
  call.check_sampler(sampler);
  if (samples.numel() == 0) {
    throw ValueError("nce_loss: there are no samples, from which to tell the labels");
  }
  return call.logistic(call.label_scores() - call.log_expected(sampler, labels),
                       call.sample_scores() - unsqueeze(call.log_expected(sampler, samples), 0));
}

Tensor negative_sampling_loss(const Tensor& x, const Tensor& weight, const Tensor& labels,
                              const Tensor& samples, const SampledLossOptions& options) {
  const Call call("negative_sampling_loss", x, weight, labels, samples, options);
  return call.logistic(call.label_scores(), call.without_hits(call.sample_scores()));
}

}  // namespace gradus
