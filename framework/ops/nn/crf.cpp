#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/nn/crf.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/nn/crf.h>
#include <gradus/framework/ops/nn/detail/loss_reduction.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/text/detail/tags.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace gradus {

using detail::data_or_null;
using detail::mutable_data_or_null;

CrfConstraints crf_constraints(std::span<const std::string> tags, TagScheme scheme) {
  if (tags.empty()) throw ValueError("crf_constraints: there are no tags");
  std::vector<detail::Tag> parsed;
  for (const std::string& tag : tags) {
    parsed.push_back(detail::parse_tag("crf_constraints", tag, scheme, parsed.size()));
  }
  const auto C = static_cast<std::int64_t>(parsed.size());
  CrfConstraints allowed{empty({C, C}, DType::boolean), empty({C}, DType::boolean),
                         empty({C}, DType::boolean)};
  bool* pair = allowed.transitions.mutable_data<bool>();
  bool* start = allowed.start.mutable_data<bool>();
  bool* end = allowed.end.mutable_data<bool>();
  for (const detail::Tag& tag : parsed) {
    *start++ = detail::TagPair{{}, tag}.valid(scheme);
    *end++ = detail::TagPair{tag, {}}.valid(scheme);
    for (const detail::Tag& next : parsed) *pair++ = detail::TagPair{tag, next}.valid(scheme);
  }
  return allowed;
}

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_scores(const char* operation, const char* name, const Tensor& scores, const Shape& shape,
                  const Tensor& emissions) {
  if (!scores.defined()) return;
  detail::check_dtypes(operation, "emissions", emissions, name, scores);
  if (scores.shape() == shape) return;
  throw ShapeError(fmt::format("{}: {} is {}, it must be {}, as emissions are {}", operation, name,
                               scores.shape().str(), shape.str(), emissions.shape().str()));
}

void check_allowed(const char* operation, const char* name, const Tensor& allowed,
                   const Shape& shape, const Tensor& emissions) {
  if (!allowed.defined()) return;
  detail::check_boolean(operation, name, allowed);
  if (allowed.shape() == shape) return;
  throw ShapeError(fmt::format("{}: {} is {}, it must be {}, as emissions are {}", operation, name,
                               allowed.shape().str(), shape.str(), emissions.shape().str()));
}

void check_chain(const char* operation, const Tensor& emissions, const CrfScores& scores,
                 const CrfOptions& options) {
  detail::check_defined(operation, "emissions", emissions);
  if (!is_floating(emissions.dtype())) detail::throw_not_floating(operation, emissions.dtype());
  if (emissions.dim() != 3 || emissions.size(2) == 0) {
    throw ShapeError(fmt::format(
        "{}: emissions are {}, they must be 3-D [batch, time, labels] with a label: unsqueeze() "
        "adds an axis of size 1",
        operation, emissions.shape().str()));
  }
  const std::int64_t C = emissions.size(2);
  check_scores(operation, "transitions", scores.transitions, {C, C}, emissions);
  check_scores(operation, "start", scores.start, {C}, emissions);
  check_scores(operation, "end", scores.end, {C}, emissions);
  const CrfConstraints& allowed = options.constraints;
  check_allowed(operation, "constraints.transitions", allowed.transitions, {C, C}, emissions);
  check_allowed(operation, "constraints.start", allowed.start, {C}, emissions);
  check_allowed(operation, "constraints.end", allowed.end, {C}, emissions);
  detail::check_lengths(operation, options.lengths, emissions, "emissions are");
}

/// The arguments of a function after they were checked.
struct Chains {
  Chains(const char* operation, const Tensor& x, const CrfScores& scores, const CrfOptions& options)
      : B(x.size(0)),
        T(x.size(1)),
        C(x.size(2)),
        lengths(options.lengths.defined() ? options.lengths.clone() : Tensor()) {
    const CrfConstraints& allowed = options.constraints;
    visit_float(operation, x, [&]<class E>(E) {
      chain = std::make_shared<const kernels::CrfChain>(kernels::CrfScores<E>{
          C, data_or_null<E>(scores.transitions), data_or_null<E>(scores.start),
          data_or_null<E>(scores.end), data_or_null<bool>(allowed.transitions),
          data_or_null<bool>(allowed.start), data_or_null<bool>(allowed.end)});
    });
  }

  template <class E>
  kernels::CrfSequences<E> sequences(const Tensor& x) const {
    return {x.data<E>(), data_or_null<std::int64_t>(lengths), B, T};
  }
  std::int64_t length(std::int64_t b) const {
    return lengths.defined() ? lengths.data<std::int64_t>()[b] : T;
  }

  std::int64_t B, T, C;
  Tensor lengths;  // a copy: the caller may reuse theirs before backward
  std::shared_ptr<const kernels::CrfChain> chain;
};

/// What the constraints say of labels; undefined masks allow everything.
struct Allowed {
  explicit Allowed(const CrfConstraints& constraints)
      : transitions(data_or_null<bool>(constraints.transitions)),
        start(data_or_null<bool>(constraints.start)),
        end(data_or_null<bool>(constraints.end)) {}
  const bool *transitions, *start, *end;
};

constexpr const char* cure = "mend the labels, or use the constraints only to decode";

[[noreturn]] void refuse_label(const char* where, std::int64_t label, std::int64_t b,
                               std::int64_t t) {
  throw ValueError(
      fmt::format("crf_log_likelihood: the constraints do not allow label {} at position [{}, {}], "
                  "which {} its "
                  "sequence: {}",
                  label, b, t, where, cure));
}

/// Of the labels of one sequence.
void check_allowed_labels(const Allowed& allowed, std::int64_t C, const std::int64_t* label,
                          std::int64_t b, std::int64_t length) {
  if (length == 0) return;
  if (allowed.start != nullptr && !allowed.start[label[0]]) refuse_label("begins", label[0], b, 0);
  for (std::int64_t t = 1; t < length && allowed.transitions != nullptr; ++t) {
    if (allowed.transitions[label[t - 1] * C + label[t]]) continue;
    throw ValueError(fmt::format(
        "crf_log_likelihood: the constraints do not allow label {} after {} at position [{}, {}]: "
        "{}",
        label[t], label[t - 1], b, t, cure));
  }
  const std::int64_t last = length - 1;
  if (allowed.end != nullptr && !allowed.end[label[last]])
    refuse_label("ends", label[last], b, last);
}

void check_labels(const Chains& chains, const Tensor& labels, const CrfOptions& options) {
  const auto* label = labels.data<std::int64_t>();
  const Allowed allowed(options.constraints);
  for (std::int64_t b = 0; b < chains.B; ++b, label += chains.T) {
    const std::int64_t length = chains.length(b);
    for (std::int64_t t = 0; t < length; ++t) {
      if (label[t] >= 0 && label[t] < chains.C) continue;
      throw IndexError(
          fmt::format("crf_log_likelihood: label {} at position [{}, {}] is outside [0, {})",
                      label[t], b, t, chains.C));
    }
    check_allowed_labels(allowed, chains.C, label, b, length);
  }
}

/// Throws ValueError for a NaN among n elements, called operation: what.
template <class E>
void check_no_nan(const char* operation, const std::string& what, const E* x, std::int64_t n) {
  const E* const nan = std::find_if(x, x + n, [](E v) { return std::isnan(v); });
  if (nan == x + n) return;
  throw ValueError(fmt::format("{}: {} have a NaN at element {}", operation, what, nan - x));
}

void check_no_nan(const char* operation, const Chains& chains, const Tensor& emissions,
                  const CrfScores& scores) {
  visit_float(operation, emissions, [&]<class E>(E) {
    for (std::int64_t b = 0; b < chains.B; ++b) {
      check_no_nan(operation, fmt::format("the emissions of sequence {}", b),
                   emissions.data<E>() + b * chains.T * chains.C, chains.length(b) * chains.C);
    }
    for (const detail::Argument& values :
         std::initializer_list<detail::Argument>{{"the transitions", scores.transitions},
                                                 {"the start scores", scores.start},
                                                 {"the end scores", scores.end}}) {
      if (!values.tensor.defined()) continue;
      const Tensor& x = values.tensor;
      check_no_nan(operation, values.name, x.data<E>(), x.numel());
    }
  });
}

/// The derivative of both recorded ops: of the log-likelihood if there are labels, else of log Z.
struct CrfBackward {
  Chains chains;
  Saved emissions, forward, labels;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const std::int64_t B = chains.B, T = chains.T, C = chains.C;
    const DType dtype = emissions.dtype();
    const Tensor x = *emissions, rows = *forward, y = *labels;
    const Tensor d_emissions = needs[0] ? empty({B, T, C}, dtype) : Tensor();
    const Tensor d_transitions = needs[1] ? empty({C, C}, dtype) : Tensor();
    const Tensor d_start = needs[2] ? empty({C}, dtype) : Tensor();
    const Tensor d_end = needs[3] ? empty({C}, dtype) : Tensor();
    visit_float("crf", dtype, [&]<class E>(E) {
      kernels::crf_vjp<E>(*chains.chain, chains.sequences<E>(x),
                          {.forward = rows.data<double>(),
                           .labels = data_or_null<std::int64_t>(y),
                           .g = g[0].data<E>(),
                           .d_emissions = mutable_data_or_null<E>(d_emissions),
                           .d_transitions = mutable_data_or_null<E>(d_transitions),
                           .d_start = mutable_data_or_null<E>(d_start),
                           .d_end = mutable_data_or_null<E>(d_end)});
    });
    return {Gradient(d_emissions), Gradient(d_transitions), Gradient(d_start), Gradient(d_end)};
  }
};

bool recorded(const Tensor& emissions, const CrfScores& scores) {
  const Tensor inputs[] = {emissions, scores.transitions, scores.start, scores.end};
  return grad_enabled() && detail::any_requires_grad(inputs);
}

/// log Z of each sequence, and what the derivative needs of it; that is undefined if there is none.
struct Partition {
  Partition(const char* operation, const Chains& chains, const Tensor& emissions, bool keep)
      : log_z(static_cast<std::size_t>(chains.B)),
        forward(keep ? detail::empty_sized(operation, {chains.B, chains.T, chains.chain->stride},
                                           DType::float64)
                     : Tensor()) {
    visit_float(operation, emissions, [&]<class E>(E) {
      kernels::crf_log_partition<E>(*chains.chain, chains.sequences<E>(emissions), log_z.data(),
                                    mutable_data_or_null<double>(forward));
    });
  }
  std::vector<double> log_z;
  Tensor forward;
};

}  // namespace

Tensor crf_log_likelihood(const Tensor& emissions, const Tensor& labels, const CrfScores& scores,
                          const CrfOptions& options) {
  detail::check_defined("crf_log_likelihood", {{"emissions", emissions}, {"labels", labels}});
  check_chain("crf_log_likelihood", emissions, scores, options);
  if (labels.dtype() != DType::int64) {
    throw DTypeError(fmt::format(
        "crf_log_likelihood: labels are {}, int64 is needed: convert them with to(DType::int64)",
        name(labels.dtype())));
  }
  if (labels.shape() != Shape{emissions.size(0), emissions.size(1)}) {
    throw ShapeError(fmt::format(
        "crf_log_likelihood: labels are {}, emissions are {}: they must be [B, T] and [B, T, C]",
        labels.shape().str(), emissions.shape().str()));
  }
  Tensor y = detail::empty_sized("crf_log_likelihood", {emissions.size(0)}, emissions.dtype());
  const Chains chains("crf_log_likelihood", emissions, scores, options);
  check_labels(chains, labels, options);
  const Partition partition("crf_log_likelihood", chains, emissions, recorded(emissions, scores));
  visit_float("crf_log_likelihood", y, [&]<class E>(E) {
    std::vector<double> score(static_cast<std::size_t>(chains.B));
    kernels::crf_score<E>(*chains.chain, chains.sequences<E>(emissions),
                          labels.data<std::int64_t>(), score.data());
    E* to = y.mutable_data<E>();
    for (std::size_t b = 0; b < score.size(); ++b) {
      const double log_z = partition.log_z[b];
      // Rounding may put the only labeling of a chain above 1.
      to[b] = static_cast<E>(log_z == -infinity ? -infinity : std::min(score[b] - log_z, 0.0));
    }
  });
  record_joint("crf_log_likelihood", {y}, {emissions, scores.transitions, scores.start, scores.end},
               CrfBackward{chains, Saved(emissions), Saved(partition.forward), Saved(labels)});
  return y;
}

Tensor crf_log_partition(const Tensor& emissions, const CrfScores& scores,
                         const CrfOptions& options) {
  check_chain("crf_log_partition", emissions, scores, options);
  Tensor y = detail::empty_sized("crf_log_partition", {emissions.size(0)}, emissions.dtype());
  const Chains chains("crf_log_partition", emissions, scores, options);
  const Partition partition("crf_log_partition", chains, emissions, recorded(emissions, scores));
  visit_float("crf_log_partition", y, [&]<class E>(E) {
    std::transform(partition.log_z.begin(), partition.log_z.end(), y.mutable_data<E>(),
                   [](double v) { return static_cast<E>(v); });
  });
  record_joint("crf_log_partition", {y}, {emissions, scores.transitions, scores.start, scores.end},
               CrfBackward{chains, Saved(emissions), Saved(partition.forward), Saved(Tensor())});
  return y;
}

Tensor crf_marginals(const Tensor& emissions, const CrfScores& scores, const CrfOptions& options) {
  check_chain("crf_marginals", emissions, scores, options);
  if (recorded(emissions, scores)) {
    throw AutogradError(
        "crf_marginals: no derivative, and an argument requires a gradient: detach() it or use a "
        "NoGradGuard");
  }
  Tensor y = empty_like(emissions);
  const Chains chains("crf_marginals", emissions, scores, options);
  visit_float("crf_marginals", y, [&]<class E>(E) {
    kernels::crf_marginals<E>(*chains.chain, chains.sequences<E>(emissions), y.mutable_data<E>());
  });
  detail::note_op("crf_marginals");
  return y;
}

namespace {

/// The n best: labels [B, n, T], scores [B, n].
CrfPaths best(const char* operation, const Tensor& emissions, std::int64_t n,
              const CrfScores& scores, const CrfOptions& options) {
  const std::int64_t B = emissions.size(0), T = emissions.size(1);
  CrfPaths paths{detail::empty_sized(operation, {B, n, T}, DType::int64),
                 detail::empty_sized(operation, {B, n}, emissions.dtype())};
  const Chains chains(operation, emissions, scores, options);
  check_no_nan(operation, chains, emissions, scores);
  visit_float(operation, emissions, [&]<class E>(E) {
    kernels::crf_best<E>(*chains.chain, chains.sequences<E>(emissions), n,
                         paths.labels.mutable_data<std::int64_t>(), paths.scores.mutable_data<E>());
  });
  return paths;
}

}  // namespace

CrfPaths crf_decode(const Tensor& emissions, const CrfScores& scores, const CrfOptions& options) {
  check_chain("crf_decode", emissions, scores, options);
  const CrfPaths paths = best("crf_decode", emissions, 1, scores, options);
  detail::note_op("crf_decode");
  return {squeeze(paths.labels, 1), squeeze(paths.scores, 1)};
}

CrfPaths crf_n_best(const Tensor& emissions, std::int64_t n, const CrfScores& scores,
                    const CrfOptions& options) {
  check_chain("crf_n_best", emissions, scores, options);
  if (n < 1) throw ValueError(fmt::format("crf_n_best: n is {}, it must be at least 1", n));
  CrfPaths paths = best("crf_n_best", emissions, n, scores, options);
  detail::note_op("crf_n_best");
  return paths;
}

}  // namespace gradus
