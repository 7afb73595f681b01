#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/ops/author/map.h>
#include <gradus/framework/ops/nn/detail/decoding_batch.h>
#include <gradus/framework/ops/shape.h>

#include <algorithm>
#include <limits>

namespace gradus::detail {
namespace {

constexpr const char* op = "generate";

/// The logits of the last step, [B, V].
Tensor last_of(const Tensor& logits, const Tensor& ids) {
  check_defined(op, "the logits of the model", logits);
  const std::int64_t B = ids.size(0), T = ids.size(1);
  const bool has_steps = logits.dim() == 3;
  if ((!has_steps && logits.dim() != 2) || logits.size(0) != B || logits.size(-1) == 0 ||
      (has_steps && logits.size(1) != T)) {
    throw ShapeError(
        fmt::format("{}: the model returns {} for ids {}: logits must be [{}, {}, V] or [{}, V]",
                    op, logits.shape().str(), ids.shape().str(), B, T, B));
  }
  if (!is_floating(logits.dtype())) throw_not_floating(op, logits.dtype());
  return has_steps ? select(logits, 1, T - 1) : logits;
}

void check_finite(const Tensor& logits, std::int64_t read) {
  const std::int64_t V = logits.size(1);
  const auto values = logits.span<double>();
  const auto is_bad = [](double x) { return !(x < std::numeric_limits<double>::infinity()); };
  const auto bad = std::ranges::find_if(values, is_bad);
  if (bad == values.end()) return;
  const std::int64_t at = bad - values.begin();
  throw ValueError(
      fmt::format("{}: the model returns the logit {} for id {}, of row {} after {} "
                  "ids: logits must be finite or -inf",
                  op, *bad, at % V, at / V, read));
}

}  // namespace

DecodingBatch::DecodingBatch(const GenerationModel& model, TokenIds ids)
    : model_(model), ids_(std::move(ids)) {}

/// [B, T]. A row that has ended, but could not be left out, goes on with its last id.
Tensor DecodingBatch::next_ids() const {
  std::int64_t end = std::numeric_limits<std::int64_t>::max();
  for (const std::vector<std::int64_t>& row : ids_) {
    const std::int64_t size = std::ssize(row);
    end = std::min(end, size > read_ ? size : read_ + 1);
  }
  std::vector<std::int64_t> next;
  for (const std::vector<std::int64_t>& row : ids_) {
    for (std::int64_t i = model_.takes_all ? 0 : read_; i < end; ++i) {
      next.push_back(row[static_cast<std::size_t>(std::min(i, std::ssize(row) - 1))]);
    }
  }
  return tensor(next, {size(), std::ssize(next) / size()});
}

void DecodingBatch::read() {
  const Tensor ids = next_ids();
  const Tensor logits = last_of(model_.step(ids), ids);
  if (vocabulary_ != 0 && logits.size(1) != vocabulary_) {
    throw ShapeError(fmt::format("{}: the model returns logits of {} tokens, and of {} before", op,
                                 logits.size(1), vocabulary_));
  }
  vocabulary_ = logits.size(1);
  read_ = model_.takes_all ? ids.size(1) : read_ + ids.size(1);
  logits_ = logits.detach().to(DType::float64);
  check_finite(logits_, read_);
}

std::vector<double> DecodingBatch::logits(std::size_t row) const {
  const double* const first = logits_.data<double>() + static_cast<std::int64_t>(row) * vocabulary_;
  return {first, first + vocabulary_};
}

void DecodingBatch::select(const std::vector<std::size_t>& rows) {
  TokenIds ids;
  for (const std::size_t row : rows) ids.push_back(ids_[row]);
  ids_ = std::move(ids);
  if (rows.empty()) return;
  const std::vector<std::int64_t> places(rows.begin(), rows.end());
  model_.select(tensor(places));
}

}  // namespace gradus::detail
