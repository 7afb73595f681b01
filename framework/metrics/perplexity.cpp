#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/perplexity.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>

namespace gradus {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

void check(const char* metric, double nll, const char* what, std::int64_t count) {
  if (std::isnan(nll)) throw ValueError(fmt::format("{}: nll is NaN", metric));
  if (nll == -infinity) {
    throw ValueError(fmt::format("{}: nll is -inf: no likelihood is above 1", metric));
  }
  if (count < 0) throw ValueError(fmt::format("{}: {} is {}: it is below 0", metric, what, count));
  if (count == 0 && nll != 0) {
    throw ValueError(fmt::format("{}: nll is {} over no {}", metric, nll, what));
  }
}

std::int64_t sum_of(const char* metric, const char* what, std::int64_t a, std::int64_t b) {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  throw ValueError(
      fmt::format("{}: {} {} and {} are more than can be counted", metric, a, what, b));
}

/// -log softmax(scores)[label], as cross_entropy has it; where that is NaN, an error.
double negative_log_likelihood(std::span<const double> scores, std::int64_t label) {
  const double most = *std::max_element(scores.begin(), scores.end());
  const double own = scores[static_cast<std::size_t>(label)];
  if (most == infinity) {
    throw ValueError("Perplexity: a score is inf: its softmax is NaN");
  }
  if (own == -infinity) return infinity;
  double sum = 0;
  for (const double score : scores) sum += std::exp(score - most);
  return std::log(sum) + (most - own);
}

}  // namespace

void Perplexity::add(double nll, std::int64_t tokens) {
  check("Perplexity", nll, "tokens", tokens);
  tokens_ = sum_of("Perplexity", "tokens", tokens_, tokens);
  nll_ += nll;
}

void Perplexity::add(const Tensor& scores, const Tensor& labels) {
  double nll = 0;
  std::int64_t tokens = 0;
  detail::for_each_row("Perplexity", scores, labels, options_.ignore_index,
                       [&](std::span<const double> row, std::int64_t label) {
                         nll += negative_log_likelihood(row, label);
                         ++tokens;
                       });
  add(nll, tokens);
}

void Perplexity::merge(const Perplexity& other) {
  detail::check_same_ignore_index("Perplexity", options_.ignore_index, other.options_.ignore_index);
  tokens_ = sum_of("Perplexity", "tokens", tokens_, other.tokens_);
  nll_ += other.nll_;
}

double Perplexity::result() const {
  detail::check_added("Perplexity", tokens_);
  return std::exp(nll_ / static_cast<double>(tokens_));
}

void BitsPerCharacter::add(double nll, std::int64_t characters) {
  check("BitsPerCharacter", nll, "characters", characters);
  characters_ = sum_of("BitsPerCharacter", "characters", characters_, characters);
  nll_ += nll;
}

void BitsPerCharacter::merge(const BitsPerCharacter& other) {
  characters_ = sum_of("BitsPerCharacter", "characters", characters_, other.characters_);
  nll_ += other.nll_;
}

double BitsPerCharacter::result() const {
  detail::check_added("BitsPerCharacter", characters_);
  return nll_ / std::numbers::ln2 / static_cast<double>(characters_);
}

}  // namespace gradus
