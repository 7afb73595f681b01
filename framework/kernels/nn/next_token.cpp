#include <gradus/framework/kernels/nn/next_token.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

namespace gradus::kernels {
namespace {

constexpr double ruled_out = -std::numeric_limits<double>::infinity();

/// The places of scores that are not ruled out as a heap, from which the greatest is taken first.
class ByScore {
  struct Less {
    std::span<const double> scores;
    bool operator()(std::size_t a, std::size_t b) const {
      return scores[a] != scores[b] ? scores[a] < scores[b] : a > b;
    }
  };

 public:
  explicit ByScore(std::span<const double> scores) : scores_(scores) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      if (scores[i] != ruled_out) heap_.push_back(i);
    }
    std::make_heap(heap_.begin(), heap_.end(), Less{scores_});
  }

  bool empty() const { return heap_.empty(); }
  std::size_t pop() {
    std::pop_heap(heap_.begin(), heap_.end(), Less{scores_});
    const std::size_t place = heap_.back();
    heap_.pop_back();
    return place;
  }
  /// What was not taken.
  const std::vector<std::size_t>& rest() const { return heap_; }

 private:
  std::span<const double> scores_;
  std::vector<std::size_t> heap_;
};

double greatest(std::span<const double> scores) {
  return scores.empty() ? ruled_out : *std::ranges::max_element(scores);
}

/// The sum of exp(score - greatest).
double mass_of(std::span<const double> scores, double max) {
  double sum = 0;
  for (const double score : scores) sum += std::exp(score - max);
  return sum;
}

}  // namespace

void keep_top_k(std::span<double> scores, std::int64_t k) {
  if (k >= std::ssize(scores)) return;
  ByScore order(scores);
  while (k-- > 0 && !order.empty()) order.pop();
  for (const std::size_t place : order.rest()) scores[place] = ruled_out;
}

void keep_top_p(std::span<double> scores, double p) {
  const double max = greatest(scores);
  if (p >= 1 || max == ruled_out) return;
  const double least = p * mass_of(scores, max);
  ByScore order(scores);
  double mass = 0;
  do {
    mass += std::exp(scores[order.pop()] - max);
  } while (mass < least && !order.empty());
  for (const std::size_t place : order.rest()) scores[place] = ruled_out;
}

void keep_min_p(std::span<double> scores, double p) {
  const double max = greatest(scores);
  if (max == ruled_out) return;
  for (double& score : scores) {
    if (std::exp(score - max) < p) score = ruled_out;
  }
}

void penalize_repetition(std::span<double> scores, std::span<const std::int64_t> ids,
                         double penalty) {
  for (const std::int64_t id : std::set<std::int64_t>(ids.begin(), ids.end())) {
    double& score = scores[static_cast<std::size_t>(id)];
    score = score > 0 ? score / penalty : score * penalty;
  }
}

void forbid_repeated_ngrams(std::span<double> scores, std::span<const std::int64_t> ids,
                            std::int64_t n) {
  const auto context = static_cast<std::size_t>(n - 1);
  if (ids.size() <= context) return;
  const auto last = ids.last(context);
  for (std::size_t i = 0; i + context < ids.size(); ++i) {
    if (std::ranges::equal(ids.subspan(i, context), last)) {
      scores[static_cast<std::size_t>(ids[i + context])] = ruled_out;
    }
  }
}

void apply_temperature(std::span<double> scores, double temperature) {
  const double max = greatest(scores);
  if (temperature == 1 || max == ruled_out) return;
  for (double& score : scores) score = (score - max) / temperature;  // 0 stays 0: no overflow
}

std::int64_t greatest_score(std::span<const double> scores) {
  return std::ranges::max_element(scores) - scores.begin();  // the first one
}

double log_sum_exp(std::span<const double> scores) {
  const double max = greatest(scores);
  return max == ruled_out ? max : max + std::log(mass_of(scores, max));
}

std::int64_t draw_by_scores(std::span<const double> scores, double u) {
  const double max = greatest(scores);
  const double end = u * mass_of(scores, max);
  double mass = 0;
  std::int64_t last = 0;  // rounding may leave the sum at `end`
  for (std::int64_t i = 0; i < std::ssize(scores); ++i) {
    const double weight = std::exp(scores[static_cast<std::size_t>(i)] - max);
    if (weight == 0) continue;
    mass += weight;
    last = i;
    if (mass > end) return i;
  }
  return last;
}

}  // namespace gradus::kernels
