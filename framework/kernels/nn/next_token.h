#pragma once
#include <cstdint>
#include <span>

// What turns one row of scores of the next token, logits or their log-softmax, into a choice. A
// score of -infinity rules a token out; none is NaN or +infinity. Of equal scores, that of the
// lower id counts as the greater.
namespace gradus::kernels {

/// Rules out all but the k greatest scores.
void keep_top_k(std::span<double> scores, std::int64_t k);
/// Rules out all but the fewest greatest scores whose probabilities add up to p or more.
void keep_top_p(std::span<double> scores, double p);
/// Rules out scores whose probability is below p times the greatest.
void keep_min_p(std::span<double> scores, double p);
/// Divides positive scores of `ids` by the penalty and multiplies others by it, once for each id.
void penalize_repetition(std::span<double> scores, std::span<const std::int64_t> ids,
                         double penalty);
/// Rules out what would complete a sequence of n ids that `ids` already has.
void forbid_repeated_ngrams(std::span<double> scores, std::span<const std::int64_t> ids,
                            std::int64_t n);
/// Divides differences from the greatest score by the temperature, which is above 0.
void apply_temperature(std::span<double> scores, double temperature);

/// The place of the greatest score.
std::int64_t greatest_score(std::span<const double> scores);
/// log(sum(exp(scores))).
double log_sum_exp(std::span<const double> scores);
/// The place that a number u from [0, 1) chooses by the probabilities; never one that is ruled out.
std::int64_t draw_by_scores(std::span<const double> scores, double u);

}  // namespace gradus::kernels
