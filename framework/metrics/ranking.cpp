#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/defined.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/ranking.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <unordered_set>
#include <vector>

namespace gradus {
namespace {

constexpr std::int64_t none_ignored = std::numeric_limits<std::int64_t>::min();

/// For one query, how many items are before each one that is relevant, in increasing order, and how
/// many are relevant.
struct Query {
  std::vector<std::int64_t> ranks;
  std::size_t relevant = 0;
};

std::unordered_set<std::int64_t> distinct(const char* metric, const char* what,
                                          std::span<const std::int64_t> ids) {
  std::unordered_set<std::int64_t> set;
  for (const std::int64_t id : ids) {
    if (!set.insert(id).second) {
      throw ValueError(fmt::format("{}: id {} is twice among the {}", metric, id, what));
    }
  }
  return set;
}

Query query_of(const char* metric, std::span<const std::int64_t> found,
               std::span<const std::int64_t> relevant) {
  const auto wanted = distinct(metric, "relevant items", relevant);
  distinct(metric, "items found", found);
  if (wanted.empty()) throw ValueError(fmt::format("{}: nothing is relevant to the query", metric));
  Query query;
  query.relevant = wanted.size();
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (wanted.count(found[i]) > 0) query.ranks.push_back(static_cast<std::int64_t>(i));
  }
  return query;
}

Query query_of_flags(std::span<const double> scores, const bool* relevant) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  Query query;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (relevant[order[i]]) query.ranks.push_back(static_cast<std::int64_t>(i));
  }
  query.relevant = query.ranks.size();
  return query;
}

/// Rows of scores with flags of what is relevant.
std::vector<Query> queries_of_flags(const char* metric, const Tensor& scores,
                                    const Tensor& relevant) {
  if (scores.shape() != relevant.shape() || scores.dim() == 0) {
    throw ShapeError(
        fmt::format("{}: shapes do not fit: scores are {}, flags of what is relevant {}", metric,
                    scores.shape().str(), relevant.shape().str()));
  }
  const std::int64_t items = scores.size(-1);
  const Shape rows(scores.shape().sizes().first(static_cast<std::size_t>(scores.dim() - 1)));
  const bool* flag = relevant.data<bool>();
  for (std::int64_t i = 0; i < rows.numel(); ++i) {
    if (std::none_of(flag + i * items, flag + (i + 1) * items, [](bool b) { return b; })) {
      throw ValueError(fmt::format("{}: nothing is relevant to query {}", metric, i));
    }
  }
  std::vector<Query> queries;
  const Tensor any = zeros(rows, DType::int64);  // a label for each row
  detail::for_each_row(metric, scores, any, none_ignored,
                       [&](std::span<const double> row, std::int64_t) {
                         queries.push_back(query_of_flags(row, flag));
                         flag += items;
                       });
  return queries;
}

std::vector<Query> queries_of(const char* metric, const Tensor& scores, const Tensor& relevant) {
  detail::check_defined(metric, {{"scores", scores}, {"relevant", relevant}});
  if (relevant.dtype() == DType::boolean) return queries_of_flags(metric, scores, relevant);
  std::vector<Query> queries;
  detail::for_each_row(metric, scores, relevant, none_ignored,
                       [&](std::span<const double> row, std::int64_t item) {
                         queries.push_back({{detail::rank_of(row, item)}, 1});
                       });
  return queries;
}

double reciprocal_rank(const Query& query) {
  return query.ranks.empty() ? 0 : 1 / static_cast<double>(query.ranks.front() + 1);
}

double recall(const Query& query, std::int64_t k) {
  const auto found = std::count_if(query.ranks.begin(), query.ranks.end(),
                                   [&](std::int64_t rank) { return rank < k; });
  return static_cast<double>(found) / static_cast<double>(query.relevant);
}

}  // namespace

void MeanReciprocalRank::add(const Tensor& scores, const Tensor& relevant) {
  for (const Query& query : queries_of("MeanReciprocalRank", scores, relevant)) {
    sum_ += reciprocal_rank(query);
    ++queries_;
  }
}

void MeanReciprocalRank::add(std::span<const std::int64_t> found,
                             std::span<const std::int64_t> relevant) {
  sum_ += reciprocal_rank(query_of("MeanReciprocalRank", found, relevant));
  ++queries_;
}

void MeanReciprocalRank::merge(const MeanReciprocalRank& other) {
  sum_ += other.sum_;
  queries_ += other.queries_;
}

double MeanReciprocalRank::result() const {
  detail::check_added("MeanReciprocalRank", queries_);
  return sum_ / static_cast<double>(queries_);
}

RecallAtK::RecallAtK(std::int64_t k) : k_(k) {
  if (k < 1) throw ValueError(fmt::format("RecallAtK: k is {}: it must be above 0", k));
}

void RecallAtK::add(const Tensor& scores, const Tensor& relevant) {
  const std::vector<Query> queries = queries_of("RecallAtK", scores, relevant);
  if (scores.size(-1) < k_) {
    throw ValueError(
        fmt::format("RecallAtK: k is {}, but scores are {}: every item is among the "
                    "first {}",
                    k_, scores.shape().str(), k_));
  }
  for (const Query& query : queries) {
    sum_ += recall(query, k_);
    ++queries_;
  }
}

void RecallAtK::add(std::span<const std::int64_t> found, std::span<const std::int64_t> relevant) {
  sum_ += recall(query_of("RecallAtK", found, relevant), k_);
  ++queries_;
}

void RecallAtK::merge(const RecallAtK& other) {
  if (k_ != other.k_) {
    throw ValueError(fmt::format("RecallAtK: merge: k is {} here and {} there", k_, other.k_));
  }
  sum_ += other.sum_;
  queries_ += other.queries_;
}

double RecallAtK::result() const {
  detail::check_added("RecallAtK", queries_);
  return sum_ / static_cast<double>(queries_);
}

}  // namespace gradus
