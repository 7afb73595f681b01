#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/kernels/nn/next_token.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/nn/next_token.h>

#include <cmath>
#include <limits>

namespace gradus {
namespace {

void check(const char* op, const Tensor& logits) {
  detail::check_defined(op, "logits", logits);
  if (!is_floating(logits.dtype())) detail::throw_not_floating(op, logits.dtype());
  if (logits.dim() != 1 && logits.dim() != 2) {
    throw ShapeError(
        fmt::format("{}: logits are {}, they must be [V] or [B, V]", op, logits.shape().str()));
  }
}

void check_finite(const char* op, std::span<const double> row, std::int64_t r) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i] < std::numeric_limits<double>::infinity()) continue;
    throw ValueError(
        fmt::format("{}: logit {} of row {} is {}, it must be finite or -inf", op, i, r, row[i]));
  }
}

/// change(row, r) of each row of the logits, in float64.
template <class Change>
Tensor change_rows(const char* op, const Tensor& logits, Change&& change) {
  check(op, logits);
  const std::int64_t V = logits.size(-1), rows = logits.dim() == 1 ? 1 : logits.size(0);
  const Tensor wide = logits.detach().to(DType::float64).clone();
  double* const values = wide.mutable_data<double>();
  const auto row = [&](std::int64_t r) {
    return std::span(values + r * V, static_cast<std::size_t>(V));
  };
  for (std::int64_t r = 0; r < rows; ++r) check_finite(op, row(r), r);
  for (std::int64_t r = 0; r < rows; ++r) change(row(r), static_cast<std::size_t>(r));
  detail::note_op(op);
  return wide.to(logits.dtype());
}

void check_ids(const char* op, std::span<const std::int64_t> ids, std::int64_t V) {
  for (const std::int64_t id : ids) {
    if (id >= 0 && id < V) continue;
    throw IndexError(fmt::format("{}: id {} is outside [0, {})", op, id, V));
  }
}

void check_ids(const char* op, const Tensor& logits, const TokenIds& ids) {
  check(op, logits);
  const std::int64_t rows = logits.dim() == 1 ? 1 : logits.size(0);
  if (std::ssize(ids) != rows) {
    throw ShapeError(fmt::format("{}: {} lists of ids for logits {}: each row needs one", op,
                                 ids.size(), logits.shape().str()));
  }
  for (const std::vector<std::int64_t>& row : ids) check_ids(op, row, logits.size(-1));
}

[[noreturn]] void refuse(const char* op, const char* name, double value, const char* range) {
  throw ValueError(fmt::format("{}: {} is {}, it must be {}", op, name, value, range));
}

}  // namespace

Tensor top_k_logits(const Tensor& logits, std::int64_t k) {
  constexpr const char* op = "top_k_logits";
  if (k < 1) throw ValueError(fmt::format("{}: k is {}, it must be at least 1", op, k));
  return change_rows(op, logits, [&](auto row, std::size_t) { kernels::keep_top_k(row, k); });
}

Tensor top_p_logits(const Tensor& logits, double p) {
  constexpr const char* op = "top_p_logits";
  if (!(p > 0 && p <= 1)) refuse(op, "p", p, "above 0 and at most 1");
  return change_rows(op, logits, [&](auto row, std::size_t) { kernels::keep_top_p(row, p); });
}

Tensor min_p_logits(const Tensor& logits, double p) {
  constexpr const char* op = "min_p_logits";
  if (!(p >= 0 && p <= 1)) refuse(op, "p", p, "between 0 and 1");
  return change_rows(op, logits, [&](auto row, std::size_t) { kernels::keep_min_p(row, p); });
}

Tensor repetition_penalty_logits(const Tensor& logits, const TokenIds& ids, double penalty) {
  constexpr const char* op = "repetition_penalty_logits";
  if (!(penalty > 0) || std::isinf(penalty)) refuse(op, "penalty", penalty, "positive and finite");
  check_ids(op, logits, ids);
  return change_rows(op, logits, [&](auto row, std::size_t r) {
    kernels::penalize_repetition(row, ids[r], penalty);
  });
}

Tensor no_repeat_ngram_logits(const Tensor& logits, const TokenIds& ids, std::int64_t n) {
  constexpr const char* op = "no_repeat_ngram_logits";
  if (n < 1) throw ValueError(fmt::format("{}: n is {}, it must be at least 1", op, n));
  check_ids(op, logits, ids);
  return change_rows(op, logits, [&](auto row, std::size_t r) {
    kernels::forbid_repeated_ngrams(row, ids[r], n);
  });
}

Tensor suppress_logits(const Tensor& logits, std::span<const std::int64_t> ids) {
  constexpr const char* op = "suppress_logits";
  check(op, logits);
  check_ids(op, ids, logits.size(-1));
  return change_rows(op, logits, [&](auto row, std::size_t) {
    for (const std::int64_t id : ids) {
      row[static_cast<std::size_t>(id)] = -std::numeric_limits<double>::infinity();
    }
  });
}

}  // namespace gradus
