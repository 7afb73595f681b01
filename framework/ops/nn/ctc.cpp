#include <fmt/format.h>
#include <gradus/framework/base/detail/dispatch.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/nn/ctc.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/nn/ctc.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace gradus {
namespace {

using detail::data_or_null;

constexpr double infinity = std::numeric_limits<double>::infinity();

void check_logits(const char* operation, const Tensor& logits, const Tensor& lengths,
                  std::int64_t blank) {
  if (!is_floating(logits.dtype())) detail::throw_not_floating(operation, logits.dtype());
  if (logits.dim() != 3) {
    throw ShapeError(fmt::format(
        "{}: logits are {}, they must be 3-D [batch, time, classes]: transpose() swaps axes",
        operation, logits.shape().str()));
  }
  if (blank < 0 || blank >= logits.size(2)) {
    throw IndexError(fmt::format("{}: blank {} is outside [0, {}): logits are {}", operation, blank,
                                 logits.size(2), logits.shape().str()));
  }
  detail::check_lengths(operation, lengths, logits, "logits are");
}

/// The length of a sequence, all being `whole` if lengths are undefined.
std::int64_t length_of(const Tensor& lengths, std::int64_t b, std::int64_t whole) {
  return lengths.defined() ? lengths.data<std::int64_t>()[b] : whole;
}

void check_labels(const Tensor& targets, std::int64_t classes, const CtcOptions& options) {
  const std::int64_t size = targets.size(1);
  const auto* label = targets.data<std::int64_t>();
  for (std::int64_t b = 0; b < targets.size(0); ++b, label += size) {
    const std::int64_t length = length_of(options.target_lengths, b, size);
    for (std::int64_t s = 0; s < length; ++s) {
      if (label[s] < 0 || label[s] >= classes) {
        throw IndexError(fmt::format("ctc_loss: label {} at position [{}, {}] is outside [0, {})",
                                     label[s], b, s, classes));
      }
      if (label[s] == options.blank) {
        throw ValueError(
            fmt::format("ctc_loss: label {} at position [{}, {}] is the blank: give the length of "
                        "the target as target_lengths, or choose another blank",
                        label[s], b, s));
      }
    }
  }
}

void check_targets(const Tensor& logits, const Tensor& targets, const CtcOptions& options) {
  if (targets.dtype() != DType::int64) {
    throw DTypeError(
        fmt::format("ctc_loss: targets are {}, int64 is needed: convert them with to(DType::int64)",
                    name(targets.dtype())));
  }
  if (targets.dim() != 2 || targets.size(0) != logits.size(0)) {
    throw ShapeError(
        fmt::format("ctc_loss: targets are {}, logits are {}: they must be [B, S] and [B, T, C]",
                    targets.shape().str(), logits.shape().str()));
  }
  detail::check_lengths("ctc_loss: target_lengths", options.target_lengths, targets, "targets are");
  check_labels(targets, logits.size(2), options);
}

/// What the loss of each sequence is multiplied by.
std::vector<double> weights_of(const Tensor& targets, const CtcOptions& options) {
  const std::int64_t B = targets.size(0);
  std::vector<double> weights(static_cast<std::size_t>(B), 1.0);
  if (options.reduction != Reduction::mean) return weights;
  for (std::int64_t b = 0; b < B; ++b) {
    const auto labels =
        std::max<std::int64_t>(1, length_of(options.target_lengths, b, targets.size(1)));
    weights[static_cast<std::size_t>(b)] = 1 / static_cast<double>(labels * B);
  }
  return weights;
}

/// The losses, reduced as requested.
Tensor reduced(const Tensor& losses, const std::vector<double>& weights, Reduction reduction,
               DType dtype) {
  const bool none = reduction == Reduction::none;
  Tensor y = none ? empty(losses.shape(), dtype) : empty({}, dtype);
  const auto* from = losses.data<double>();
  visit_float("ctc_loss", y, [&]<class T>(T) {
    T* const to = y.mutable_data<T>();
    double sum = 0;
    for (std::size_t b = 0; b < weights.size(); ++b) {
      if (none) {
        to[b] = static_cast<T>(from[b]);
      } else {
        sum += weights[b] * from[b];
      }
    }
    if (!none) *to = static_cast<T>(sum);
  });
  return y;
}

/// d [B, T, C] with the values of sequence b times g_b weights[b]; g has one value, or one for
/// each.
Tensor scaled(const Tensor& d, const Tensor& g, const std::vector<double>& weights) {
  Tensor y = empty_like(d);
  if (y.numel() == 0) return y;
  const std::int64_t length = d.size(1) * d.size(2), stride = g.dim();
  visit_float("ctc_loss", d, [&]<class T>(T) {
    const T *factors = g.data<T>(), *from = d.data<T>();
    T* const to = y.mutable_data<T>();
    parallel_for_each(d.size(0), length, [&](std::int64_t b) {
      const T factor = static_cast<T>(static_cast<double>(factors[b * stride]) *
                                      weights[static_cast<std::size_t>(b)]);
      for (std::int64_t i = b * length; i < (b + 1) * length; ++i) {
        to[i] = factor == T{0} ? T{0} : factor * from[i];
      }
    });
  });
  return y;
}

}  // namespace

Tensor ctc_loss(const Tensor& logits, const Tensor& targets, const CtcOptions& options) {
  detail::check_defined("ctc_loss", {{"logits", logits}, {"targets", targets}});
  check_logits("ctc_loss", logits, options.lengths, options.blank);
  const std::int64_t B = logits.size(0);
  const Tensor losses = detail::empty_sized("ctc_loss", {B}, DType::float64);
  check_targets(logits, targets, options);
  // Computed along with the losses: a derivative of its own would repeat the forward pass.
  const bool needed = grad_enabled() && logits.requires_grad();
  const Tensor d = needed ? empty_like(logits) : Tensor();
  visit_float("ctc_loss", logits, [&]<class T>(T) {
    kernels::ctc_loss<T>({logits.data<T>(), data_or_null<std::int64_t>(options.lengths), B,
                          logits.size(1), logits.size(2), options.blank},
                         {targets.data<std::int64_t>(),
                          data_or_null<std::int64_t>(options.target_lengths), targets.size(1)},
                         losses.mutable_data<double>(), detail::mutable_data_or_null<T>(d));
  });
  if (options.zero_infinity) {
    const auto all = losses.mutable_span<double>();
    std::replace(all.begin(), all.end(), infinity, 0.0);
  }
  const std::vector<double> weights = weights_of(targets, options);
  return record(
      "ctc_loss", reduced(losses, weights, options.reduction, logits.dtype()),
      vjp(logits, [weights, d = Saved(d)](const Tensor& g) { return scaled(*d, g, weights); }));
}

namespace {

void check_decoding(const char* operation, const Tensor& logits, const CtcDecodeOptions& options) {
  detail::check_defined(operation, "logits", logits);
  check_logits(operation, logits, options.lengths, options.blank);
  visit_float(operation, logits, [&]<class T>(T) {
    const std::int64_t steps = logits.size(1), C = logits.size(2);
    const T* x = logits.data<T>();
    for (std::int64_t b = 0; b < logits.size(0) && steps > 0; ++b, x += steps * C) {
      const std::int64_t n = length_of(options.lengths, b, steps) * C;
      const T* const bad = std::find_if(
          x, x + n, [](T v) { return std::isnan(v) || v == std::numeric_limits<T>::infinity(); });
      if (bad == x + n) continue;
      throw ValueError(fmt::format("{}: logit [{}, {}, {}] is {}", operation, b, (bad - x) / C,
                                   (bad - x) % C, std::isnan(*bad) ? "NaN" : "infinity"));
    }
  });
}

}  // namespace

CtcPaths ctc_greedy_decode(const Tensor& logits, const CtcDecodeOptions& options) {
  check_decoding("ctc_greedy_decode", logits, options);
  const std::int64_t B = logits.size(0), T = logits.size(1);
  CtcPaths paths{empty({B, T}, DType::int64),
                 detail::empty_sized("ctc_greedy_decode", {B}, DType::int64),
                 empty({B}, logits.dtype())};
  visit_float("ctc_greedy_decode", logits, [&]<class E>(E) {
    kernels::ctc_greedy<E>({logits.data<E>(), data_or_null<std::int64_t>(options.lengths), B, T,
                            logits.size(2), options.blank},
                           paths.labels.mutable_data<std::int64_t>(),
                           paths.lengths.mutable_data<std::int64_t>(),
                           paths.scores.mutable_data<E>());
  });
  detail::note_op("ctc_greedy_decode");
  return paths;
}

CtcPaths ctc_beam_decode(const Tensor& logits, std::int64_t width, std::int64_t n,
                         const CtcDecodeOptions& options) {
  check_decoding("ctc_beam_decode", logits, options);
  if (n < 1 || n > width) {
    throw ValueError(fmt::format(
        "ctc_beam_decode: n is {}, width is {}: n must be at least 1 and at most width", n, width));
  }
  const std::int64_t B = logits.size(0), T = logits.size(1);
  CtcPaths paths{detail::empty_sized("ctc_beam_decode", {B, n, T}, DType::int64),
                 detail::empty_sized("ctc_beam_decode", {B, n}, DType::int64),
                 empty({B, n}, logits.dtype())};
  visit_float("ctc_beam_decode", logits, [&]<class E>(E) {
    kernels::ctc_beam<E>({logits.data<E>(), data_or_null<std::int64_t>(options.lengths), B, T,
                          logits.size(2), options.blank},
                         width, n, paths.labels.mutable_data<std::int64_t>(),
                         paths.lengths.mutable_data<std::int64_t>(),
                         paths.scores.mutable_data<E>());
  });
  detail::note_op("ctc_beam_decode");
  return paths;
}

}  // namespace gradus
