#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/nn/detail/sequence_lengths.h>

#include <algorithm>

namespace gradus::detail {

void check_at_least(const char* operation, const char* option, std::int64_t value,
                    std::int64_t least) {
  if (value >= least && value <= largest_size) return;
  throw ValueError(fmt::format("{}: {} is {}, it must be at {} {}", operation, option, value,
                               value < least ? "least" : "most",
                               value < least ? least : largest_size));
}

void check_sequences(const char* operation, const Tensor& x) {
  if (x.dim() != 3) {
    throw ShapeError(fmt::format(
        "{}: x is {}, it must be 3-D [batch, time, channels]: unsqueeze() adds an axis of size 1",
        operation, x.shape().str()));
  }
  if (x.size(2) > 0) return;
  throw ShapeError(fmt::format("{}: x is {}, which has no channels", operation, x.shape().str()));
}

void SequenceLengths::set(const char* operation, const Tensor& lengths,
                          const std::function<std::int64_t(std::int64_t)>& length_of_result,
                          kernels::Sequences& from, kernels::Sequences& to) {
  if (!lengths.defined() && from.T > 0) return;
  from_ = empty_sized(operation, {from.B}, DType::int64);
  to_ = empty_sized(operation, {from.B}, DType::int64);
  lengths.defined() ? from_.copy_(lengths) : from_.zero_();
  const auto* before = from_.data<std::int64_t>();
  std::transform(before, before + from.B, to_.mutable_data<std::int64_t>(), length_of_result);
  from.lengths = before;
  to.lengths = to_.data<std::int64_t>();
}

}  // namespace gradus::detail
