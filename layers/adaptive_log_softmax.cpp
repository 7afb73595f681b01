#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/module/init.h>
#include <gradus/framework/ops/author/rows.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/index.h>
#include <gradus/framework/ops/nn/loss.h>
#include <gradus/framework/ops/nn/softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/scatter.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/layers/adaptive_log_softmax.h>
#include <gradus/layers/detail/classified_rows.h>

#include <cmath>

namespace gradus {
namespace {

constexpr const char* layer = "AdaptiveLogSoftmaxWithLoss";

/// in_features // div_value^k as Python divides, which is not always the floor of the quotient in
/// double: 64 // 1.6 is 39. The result may be beyond int64.
double cluster_features(std::int64_t in_features, double div_value, std::size_t k) {
  const double x = static_cast<double>(in_features);
  const double divisor = std::pow(div_value, static_cast<double>(k));
  const double quotient = (x - std::fmod(x, divisor)) / divisor, whole = std::floor(quotient);
  return quotient - whole > 0.5 ? whole + 1 : whole;
}

void check_features(std::int64_t in_features, std::size_t clusters, double div_value) {
  if (in_features < 1) {
    throw ValueError(
        fmt::format("{}: in_features is {}, it must be at least 1", layer, in_features));
  }
  if (!(div_value > 0) || std::isinf(div_value)) {
    throw ValueError(
        fmt::format("{}: div_value is {}, it must be finite and above 0", layer, div_value));
  }
  for (std::size_t k = 0; k < clusters; ++k) {
    const double features = cluster_features(in_features, div_value, k + 1);
    if (features >= 1 && features < 0x1p63) continue;
    const bool none = features < 1;
    throw ValueError(fmt::format("{}: cluster {} has {}: in_features is {}, div_value {}: use a {}",
                                 layer, k, none ? "no feature" : "more features than int64 counts",
                                 in_features, div_value,
                                 none ? "smaller div_value or fewer cutoffs" : "larger div_value"));
  }
}

std::vector<std::int64_t> checked_ends(std::int64_t in_features, std::int64_t n_classes,
                                       std::vector<std::int64_t> ends, double div_value) {
  std::int64_t last = 0;
  for (const std::int64_t cutoff : ends) {
    if (cutoff <= last || cutoff >= n_classes || ends.empty()) {
      throw ValueError(
          fmt::format("{}: cutoffs are [{}]: they must rise and be in [1, {}], as there are {} "
                      "classes",
                      layer, fmt::join(ends, ", "), n_classes - 1, n_classes));
    }
    last = cutoff;
  }
  if (ends.empty()) throw ValueError(fmt::format("{}: there are no cutoffs: use a Linear", layer));
  check_features(in_features, ends.size(), div_value);
  ends.push_back(n_classes);
  return ends;
}

/// The positions of labels in [begin, end), and these less `begin`.
struct Members {
  Members(const Tensor& labels, std::int64_t begin, std::int64_t end) {
    const auto all = labels.span<std::int64_t>();
    std::vector<std::int64_t> found, relative;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] < begin || all[i] >= end) continue;
      found.push_back(static_cast<std::int64_t>(i));
      relative.push_back(all[i] - begin);
    }
    rows = tensor(found);
    labels_within = tensor(relative);
  }
  Tensor rows, labels_within;
};

}  // namespace

AdaptiveLogSoftmaxWithLoss::AdaptiveLogSoftmaxWithLoss(std::int64_t in_features,
                                                       std::int64_t n_classes,
                                                       const std::vector<std::int64_t>& cutoffs,
                                                       const AdaptiveLogSoftmaxOptions& options,
                                                       Generator& generator)
    : in_features_(in_features),
      ends_(std::make_shared<std::vector<std::int64_t>>(
          checked_ends(in_features, n_classes, cutoffs, options.div_value))),
      head(add("head", make_head(options, generator))),
      tail(add("tail", ModuleList(static_cast<std::int64_t>(cutoffs.size()), [&](std::int64_t k) {
                 return make_cluster(k, options, generator);
               }))) {
  set_description([in_features, ends = ends_, cutoffs, options] {
    return fmt::format("{}({}, {}, cutoffs=[{}], div_value={}, head_bias={})", layer, in_features,
                       ends->back(), fmt::join(cutoffs, ", "), options.div_value,
                       options.head_bias);
  });
}

Linear AdaptiveLogSoftmaxWithLoss::make_head(const AdaptiveLogSoftmaxOptions& options,
                                             Generator& generator) const {
  const auto clusters = static_cast<std::int64_t>(ends_->size()) - 1;
  return {in_features_,
          (*ends_)[0] + clusters,
          {.bias = options.head_bias, .dtype = options.dtype},
          generator};
}

Sequential AdaptiveLogSoftmaxWithLoss::make_cluster(std::int64_t k,
                                                    const AdaptiveLogSoftmaxOptions& options,
                                                    Generator& generator) const {
  const auto i = static_cast<std::size_t>(k);
  const auto features =
      static_cast<std::int64_t>(cluster_features(in_features_, options.div_value, i + 1));
  const LinearOptions linear{.bias = false, .dtype = options.dtype};
  const Linear project(in_features_, features, linear, generator);
  return Sequential(project, Linear(features, (*ends_)[i + 1] - (*ends_)[i], linear, generator));
}

/// Minus the logarithm of the probability of each label: x [N, in_features], labels [N].
Tensor AdaptiveLogSoftmaxWithLoss::losses(const Tensor& x, const Tensor& labels) const {
  const std::vector<std::int64_t>& ends = *ends_;
  Tensor in_head = labels.clone();
  auto* head_label = in_head.mutable_data<std::int64_t>();
  for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
    for (std::int64_t i = 0; i < labels.numel(); ++i) {
      const std::int64_t label = labels.data<std::int64_t>()[i];
      if (label < ends[k] || label >= ends[k + 1]) continue;
      head_label[i] = ends[0] + static_cast<std::int64_t>(k);
    }
  }
  Tensor total = cross_entropy(head(x), in_head, {.reduction = Reduction::none});
  for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
    const Members members(labels, ends[k], ends[k + 1]);
    if (members.rows.numel() == 0) continue;
    const Tensor scores = tail[static_cast<std::int64_t>(k)](index_select(x, 0, members.rows));
    total = index_add(total, 0, members.rows,
                      cross_entropy(scores, members.labels_within, {.reduction = Reduction::none}));
  }
  return total;
}

AdaptiveLogSoftmaxResult AdaptiveLogSoftmaxWithLoss::operator()(const Tensor& x,
                                                                const Tensor& labels) const {
  detail::check_features(layer, x, in_features_, str());
  detail::check_label_shape(layer, x, labels);
  detail::check_ids("AdaptiveLogSoftmaxWithLoss: labels", labels, n_classes());
  const Tensor total =
      losses(reshape(x, {labels.numel(), in_features_}), reshape(labels, {labels.numel()}));
  return {reshape(-total, labels.shape()), total.numel() == 0 ? sum(total) : mean(total)};
}

Tensor AdaptiveLogSoftmaxWithLoss::log_prob(const Tensor& x) const {
  detail::check_features(layer, x, in_features_, str());
  const std::vector<std::int64_t>& ends = *ends_;
  const Tensor of_head = log_softmax(head(x), -1);
  std::vector<Tensor> parts{slice(of_head, -1, 0, ends[0])};
  for (std::size_t k = 0; k + 1 < ends.size(); ++k) {
    const auto i = static_cast<std::int64_t>(k);
    const Tensor of_cluster = slice(of_head, -1, ends[0] + i, ends[0] + i + 1);
    parts.push_back(log_softmax(tail[i](x), -1) + of_cluster);
  }
  return cat(parts, -1);
}

void AdaptiveLogSoftmaxWithLoss::resize(std::int64_t n_classes,
                                        const ResizeOptions& options) const {
  const std::int64_t begin = *(ends_->end() - 2);
  if (n_classes <= begin) {
    throw ValueError(fmt::format("{}: resize to {} classes, but the last cluster begins at {}",
                                 layer, n_classes, begin));
  }
  ResizeOptions with_init = options;
  if (!with_init.init) {
    with_init.init = [](const Tensor& rows) {
      const double bound = 1 / std::sqrt(static_cast<double>(rows.size(1)));
      uniform_(rows, -bound, bound);
    };
  }
  const auto last = static_cast<std::int64_t>(tail.size()) - 1;
  resize_rows(tail[last].parameters().back().parameter, n_classes - begin, with_init);
  ends_->back() = n_classes;
}

Tensor AdaptiveLogSoftmaxWithLoss::predict(const Tensor& x) const {
  const NoGradGuard no_grad;
  return argmax(log_prob(x), -1);
}

}  // namespace gradus
