#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>
#include <span>
#include <vector>

namespace gradus {

// What generate() does to scores of the next token before it chooses one. Each takes float logits
// [V] or [B, V] and returns new ones, without a gradient. A token that is ruled out has the logit
// -infinity. Of equal logits, that of the lower id counts as the greater. Sums are in float64.
// Each throws ValueError for a logit that is NaN or +infinity, ShapeError, DTypeError.

/// Keeps the k greatest logits of each row: all, if V is not above k. Throws ValueError unless
/// k > 0. Source: Fan, Lewis, Dauphin, "Hierarchical Neural Story Generation", 2018.
GRADUS_API Tensor top_k_logits(const Tensor& logits, std::int64_t k);
/// Keeps the fewest greatest logits whose probabilities add up to p or more, at least one. Throws
/// ValueError unless 0 < p <= 1. Source: Holtzman et al., "The Curious Case of Neural Text
/// Degeneration", 2020.
GRADUS_API Tensor top_p_logits(const Tensor& logits, double p);
/// Keeps logits whose probability is at least p times that of the greatest. Throws ValueError
/// unless 0 <= p <= 1. Source: Nguyen et al., "Turning Up the Heat: Min-p Sampling for Creative and
/// Coherent LLM Outputs", 2024.
GRADUS_API Tensor min_p_logits(const Tensor& logits, double p);

/// The ids of each row so far.
using TokenIds = std::vector<std::vector<std::int64_t>>;

/// Makes what a row already has less likely: divides its positive logits by the penalty, and
/// multiplies its other ones. Throws ValueError unless penalty > 0, ShapeError unless there are as
/// many lists as rows, IndexError for an id outside [0, V). Source: Keskar et al., "CTRL: A
/// Conditional Transformer Language Model for Controllable Generation", 2019.
GRADUS_API Tensor repetition_penalty_logits(const Tensor& logits, const TokenIds& ids,
                                            double penalty);
/// Rules out what would repeat n ids in succession. Throws ValueError unless n > 0, and as above.
/// Source: Paulus, Xiong, Socher, "A Deep Reinforced Model for Abstractive Summarization", 2017.
GRADUS_API Tensor no_repeat_ngram_logits(const Tensor& logits, const TokenIds& ids, std::int64_t n);
/// Rules out the ids in each row. Throws IndexError for an id outside [0, V).
GRADUS_API Tensor suppress_logits(const Tensor& logits, std::span<const std::int64_t> ids);

}  // namespace gradus
