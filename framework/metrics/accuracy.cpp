#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/accuracy.h>
#include <gradus/framework/metrics/detail/inputs.h>

#include <algorithm>
#include <vector>

namespace gradus {
namespace {

std::int64_t count_right(const std::vector<detail::Labelled>& found) {
  return std::count_if(found.begin(), found.end(),
                       [](const auto& pair) { return pair.predicted == pair.label; });
}

double share(std::int64_t part, std::int64_t all) {
  return static_cast<double>(part) / static_cast<double>(all);
}

}  // namespace

void Accuracy::add(const Tensor& predictions, const Tensor& labels) {
  const auto found = detail::labelled("Accuracy", predictions, labels, options_.ignore_index);
  right_ += count_right(found);
  count_ += static_cast<std::int64_t>(found.size());
}

void Accuracy::add(std::span<const std::int64_t> predictions,
                   std::span<const std::int64_t> labels) {
  const auto found = detail::labelled("Accuracy", predictions, labels, options_.ignore_index);
  right_ += count_right(found);
  count_ += static_cast<std::int64_t>(found.size());
}

void Accuracy::merge(const Accuracy& other) {
  detail::check_same_ignore_index("Accuracy", options_.ignore_index, other.options_.ignore_index);
  right_ += other.right_;
  count_ += other.count_;
}

double Accuracy::result() const {
  detail::check_added("Accuracy", count_);
  return share(right_, count_);
}

TopKAccuracy::TopKAccuracy(std::int64_t k, const LabelOptions& options) : k_(k), options_(options) {
  if (k < 1) throw ValueError(fmt::format("TopKAccuracy: k is {}: it must be above 0", k));
}

void TopKAccuracy::add(const Tensor& scores, const Tensor& labels) {
  std::int64_t right = 0, count = 0;
  detail::for_each_row("TopKAccuracy", scores, labels, options_.ignore_index,
                       [&](std::span<const double> row, std::int64_t label) {
                         right += detail::rank_of(row, label) < k_ ? 1 : 0;
                         ++count;
                       });
  if (scores.size(-1) < k_) {
    throw ValueError(
        fmt::format("TopKAccuracy: k is {}, but scores are {}: every label is among the first {}",
                    k_, scores.shape().str(), k_));
  }
  right_ += right;
  count_ += count;
}

void TopKAccuracy::merge(const TopKAccuracy& other) {
  if (k_ != other.k_) {
    throw ValueError(fmt::format("TopKAccuracy: merge: k is {} here and {} there", k_, other.k_));
  }
  detail::check_same_ignore_index("TopKAccuracy", options_.ignore_index,
                                  other.options_.ignore_index);
  right_ += other.right_;
  count_ += other.count_;
}

double TopKAccuracy::result() const {
  detail::check_added("TopKAccuracy", count_);
  return share(right_, count_);
}

}  // namespace gradus
