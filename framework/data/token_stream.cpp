#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/token_stream.h>

#include <algorithm>
#include <utility>

namespace gradus {

TokenStream::TokenStream(std::vector<std::int64_t> ids, std::int64_t batch_size, std::int64_t steps)
    : ids_(std::move(ids)), batch_size_(batch_size), steps_(steps) {
  if (batch_size <= 0 || steps <= 0) {
    throw ValueError(fmt::format("TokenStream: batch_size is {}, steps {}: both must be above 0",
                                 batch_size, steps));
  }
  length_ = std::ssize(ids_) / batch_size;
  if (length_ < 2) {
    throw ValueError(
        fmt::format("TokenStream: {} tokens are too few for {} streams: each needs two",
                    ids_.size(), batch_size));
  }
}

std::int64_t TokenStream::size() const { return (length_ - 2) / steps_ + 1; }

StreamBatch TokenStream::operator[](std::int64_t k) const {
  if (k < 0 || k >= size()) {
    throw IndexError(fmt::format("TokenStream: there is no batch {}, there are {}", k, size()));
  }
  const std::int64_t begin = k * steps_, T = std::min(steps_, length_ - 1 - begin);
  StreamBatch batch{empty({batch_size_, T}, DType::int64), empty({batch_size_, T}, DType::int64)};
  auto* inputs = batch.inputs.mutable_data<std::int64_t>();
  auto* targets = batch.targets.mutable_data<std::int64_t>();
  for (std::int64_t b = 0; b < batch_size_; ++b) {
    const auto from = ids_.begin() + b * length_ + begin;
    inputs = std::copy_n(from, T, inputs);
    targets = std::copy_n(from + 1, T, targets);
  }
  return batch;
}

}  // namespace gradus
