#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/ops/nn/next_token.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace gradus {

/// A token that generate() has chosen.
struct GeneratedToken {
  std::int64_t sequence;  ///< its place in the result
  std::int64_t index;     ///< 0 for the first one after the prompt
  std::int64_t id;
  double log_probability;  ///< by the distribution from which it was chosen
};

/// How to choose. The names are those of Hugging Face's GenerationConfig. Options that would have
/// no effect are errors. The next token is chosen by its logits after, in this order,
/// repetition_penalty, no_repeat_ngram_size, min_new_tokens, suppress_tokens and, if do_sample,
/// temperature, top_k, top_p, min_p.
struct GenerateOptions {
  std::int64_t max_new_tokens = 20;
  std::optional<std::int64_t> max_length = std::nullopt;  ///< with the prompt
  /// Before so many tokens no eos is chosen, and no stop sequence ends a sequence.
  std::int64_t min_new_tokens = 0;

  bool do_sample = false;  ///< draw; otherwise take the likeliest
  double temperature = 1;  ///< divides logits; 0: the likeliest
  std::int64_t top_k = 0;  ///< draw from the k likeliest; 0: from all. See top_k_logits()
  double top_p = 1;        ///< see top_p_logits()
  double min_p = 0;        ///< see min_p_logits()

  double repetition_penalty = 1;          ///< of the prompt, too: see repetition_penalty_logits()
  std::int64_t no_repeat_ngram_size = 0;  ///< 0: none. The prompt counts: no_repeat_ngram_logits()
  std::vector<std::int64_t> suppress_tokens = {};  ///< are never chosen

  std::vector<std::int64_t> eos_token_ids = {};  ///< each ends a sequence, and is its last token
  /// A sequence that ends in one of them, which may begin in the prompt, is at its end.
  TokenIds stop_sequences = {};

  /// More than 1: beam search, which keeps so many beginnings of each sequence.
  std::int64_t num_beams = 1;
  /// Finished sequences of a beam search are compared by log p / length^length_penalty, where log p
  /// and length are those of the new tokens: the greater it is, the longer they get.
  double length_penalty = 1;
  /// Whether a beam search ends as soon as num_beams sequences are finished; otherwise when no
  /// unfinished one can become better than those.
  bool early_stopping = false;
  /// For each prompt: so many samples, or the best of a beam search.
  std::int64_t num_return_sequences = 1;

  /// Called for each token; false ends its sequence. Not with beams.
  std::function<bool(const GeneratedToken&)> on_token = nullptr;
};

enum class GenerationEnd : std::uint8_t { length, eos, stop_sequence, callback };

/// A sequence that generate() has made.
struct Generation {
  std::int64_t prompt;            ///< which prompt it goes on with
  std::vector<std::int64_t> ids;  ///< the new tokens, with what ended them
  /// The sum of log_probability of the tokens; of a beam search, by length^length_penalty.
  double score;
  GenerationEnd end;
};

namespace detail {

/// A model as generate() sees it.
struct GenerationModel {
  /// Logits [B, T, V] or [B, V] of what follows ids [B, T]: the new ones, or all.
  std::function<Tensor(const Tensor& ids)> step;
  /// Replaces the cache by that of the rows [n] of its batch; null if it cannot.
  std::function<void(const Tensor& rows)> select = nullptr;
  bool takes_all = false;
};

GRADUS_API std::vector<Generation> generate(const GenerationModel& model, const TokenIds& prompts,
                                            const GenerateOptions& options, Generator& generator);

template <class Cache>
concept SelectsRows = requires(const Cache& cache, const Tensor& rows) {
  { cache.select(rows) } -> std::convertible_to<Cache>;
};

template <SelectsRows Cache>
void select_rows(Cache& cache, const Tensor& rows) {
  cache = cache.select(rows);
}
template <SelectsRows Cache>
void select_rows(std::vector<Cache>& caches, const Tensor& rows) {
  for (Cache& cache : caches) cache = cache.select(rows);
}

}  // namespace detail

/// Goes on with each prompt, a list of ids, by a model with a cache: a function step(ids, cache)
/// that takes the ids [B, T] that come next, changes the cache and returns the logits of what
/// follows them, [B, T, V], or [B, V] of what follows the last.
///
///   const auto step = [&](const Tensor& ids, TransformerCache& cache) { return gpt(ids, cache); };
///   const auto texts = generate(step, {{3, 1, 4}, {1, 5}}, TransformerCache(), {.do_sample =
///   true});
///
/// A cache is a value that can be copied, empty at the start. A TransformerCache, a KeyValueCache,
/// an LstmState and vectors of these have a member select(rows), which gives the cache of these
/// rows of the batch (int64 [n], in any order, repeated or left out). One without it does not serve
/// beam search, and sequences that have ended are read on in vain. The shortest prompt is read at
/// once, the rest of longer ones along with what the others generate; so the model needs no
/// padding, mask or lengths, and each prompt goes on as if it were alone. Call eval() first.
/// Nothing is recorded.
///
/// The generations of a prompt follow each other, those of a beam search from the best to the
/// worst; there are fewer than num_return_sequences if there are no more sequences. Each sequence
/// draws from a generator of its own, whose seed comes from `generator`.
///
/// Throws ValueError for options outside their range and for an empty prompt; ShapeError,
/// DTypeError for logits of another kind; ValueError if they are NaN or +infinity, or leave no
/// token to choose; IndexError for ids of options that are not below V.
template <class Step, class Cache>
requires std::is_invocable_r_v<Tensor, Step&, const Tensor&, Cache&> std::vector<Generation>
generate(Step&& step, const TokenIds& prompts, Cache cache, const GenerateOptions& options = {},
         Generator& generator = default_generator()) {
  detail::GenerationModel model{[&](const Tensor& ids) -> Tensor { return step(ids, cache); }};
  if constexpr (requires(const Tensor& rows) { detail::select_rows(cache, rows); }) {
    model.select = [&](const Tensor& rows) { detail::select_rows(cache, rows); };
  }
  return detail::generate(model, prompts, options, generator);
}

/// The same by a model without a cache: step(ids) takes all ids [B, T] each time.
template <class Step>
requires std::is_invocable_r_v<Tensor, Step&, const Tensor&> std::vector<Generation> generate(
    Step&& step, const TokenIds& prompts, const GenerateOptions& options = {},
    Generator& generator = default_generator()) {
  return detail::generate({.step = [&](const Tensor& ids) -> Tensor { return step(ids); },
                           .select = [](const Tensor&) {},
                           .takes_all = true},
                          prompts, options, generator);
}

}  // namespace gradus
