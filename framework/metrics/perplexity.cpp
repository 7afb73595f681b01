#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/perplexity.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

namespace gradus {
namespace {

void check(const char* metric, double nll, const char* what, std::int64_t count) {
  if (std::isnan(nll)) throw ValueError(fmt::format("{}: nll is NaN", metric));
  if (count < 0) throw ValueError(fmt::format("{}: {} is {}: it is below 0", metric, what, count));
  if (count == 0 && nll != 0) {
    throw ValueError(fmt::format("{}: nll is {} over no {}", metric, nll, what));
  }
}

/// -log softmax(scores)[label]
double negative_log_likelihood(std::span<const double> scores, std::int64_t label) {
  const double most = *std::max_element(scores.begin(), scores.end());
  const double own = scores[static_cast<std::size_t>(label)];
  if (std::isinf(most)) return own == most ? 0 : most - own;
  double sum = 0;
  for (const double score : scores) sum += std::exp(score - most);
  return std::log(sum) + (most - own);
}

}  // namespace

void Perplexity::add(double nll, std::int64_t tokens) {
  check("Perplexity", nll, "tokens", tokens);
  nll_ += nll;
  tokens_ += tokens;
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
  nll_ += other.nll_;
  tokens_ += other.tokens_;
}

double Perplexity::result() const {
  detail::check_added("Perplexity", tokens_);
  return std::exp(nll_ / static_cast<double>(tokens_));
}

void BitsPerCharacter::add(double nll, std::int64_t characters) {
  check("BitsPerCharacter", nll, "characters", characters);
  nll_ += nll;
  characters_ += characters;
}

void BitsPerCharacter::merge(const BitsPerCharacter& other) {
  nll_ += other.nll_;
  characters_ += other.characters_;
}

double BitsPerCharacter::result() const {
  detail::check_added("BitsPerCharacter", characters_);
  return nll_ / std::numbers::ln2 / static_cast<double>(characters_);
}

}  // namespace gradus
