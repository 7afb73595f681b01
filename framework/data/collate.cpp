#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/collate.h>

#include <algorithm>

namespace gradus {
namespace {

/// A member of all samples.
template <class Sample, class Member>
std::vector<Member> column(const std::vector<Sample>& samples, Member Sample::*member) {
  std::vector<Member> all;
  all.reserve(samples.size());
  for (const Sample& sample : samples) all.push_back(sample.*member);
  return all;
}

}  // namespace

PaddedSequences pad_sequences(std::span<const std::vector<std::int64_t>> sequences,
                              std::int64_t padding, std::int64_t max_length) {
  if (max_length < 0) {
    throw ValueError(
        fmt::format("pad_sequences: max_length is {}, it must not be negative", max_length));
  }
  const std::int64_t B = std::ssize(sequences);
  const Tensor lengths = empty({B}, DType::int64);
  const std::span<std::int64_t> length = lengths.mutable_span<std::int64_t>();
  std::int64_t T = 0;
  for (std::size_t b = 0; b < sequences.size(); ++b) {
    const std::int64_t all = std::ssize(sequences[b]);
    length[b] = max_length > 0 ? std::min(all, max_length) : all;
    T = std::max(T, length[b]);
  }
  const Tensor ids = full({B, T}, padding, DType::int64);
  auto* row = ids.mutable_data<std::int64_t>();
  for (std::size_t b = 0; b < sequences.size(); ++b, row += T) {
    std::copy_n(sequences[b].begin(), length[b], row);
  }
  return {ids, lengths};
}

FlatSequences flatten_sequences(std::span<const std::vector<std::int64_t>> sequences) {
  const Tensor offsets = empty({std::ssize(sequences)}, DType::int64);
  auto* offset = offsets.mutable_data<std::int64_t>();
  std::int64_t N = 0;
  for (const auto& sequence : sequences) {
    *offset++ = N;
    N += std::ssize(sequence);
  }
  const Tensor ids = empty({N}, DType::int64);
  auto* to = ids.mutable_data<std::int64_t>();
  for (const auto& sequence : sequences) to = std::copy(sequence.begin(), sequence.end(), to);
  return {ids, offsets};
}

FlatBatch CollateFlat::operator()(const std::vector<LabeledIds>& samples) const {
  return {flatten_sequences(column(samples, &LabeledIds::ids)),
          tensor(column(samples, &LabeledIds::label))};
}

PaddedBatch CollatePadded::operator()(const std::vector<LabeledIds>& samples) const {
  return {pad_sequences(column(samples, &LabeledIds::ids), padding, max_length),
          tensor(column(samples, &LabeledIds::label))};
}

PairBatch CollatePairs::operator()(const std::vector<IdPair>& samples) const {
  return {pad_sequences(column(samples, &IdPair::first), padding, max_length),
          pad_sequences(column(samples, &IdPair::second), second_padding, max_length)};
}

}  // namespace gradus
