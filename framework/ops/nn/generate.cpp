#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/kernels/nn/next_token.h>
#include <gradus/framework/ops/nn/detail/beam_search.h>
#include <gradus/framework/ops/nn/detail/decoding_batch.h>
#include <gradus/framework/ops/nn/detail/generate_options.h>
#include <gradus/framework/ops/nn/generate.h>

#include <limits>

namespace gradus {
namespace {

using detail::DecodingBatch, detail::DecodingRules;

/// The sequences of one token at a time: of the likeliest, or drawn.
class Sampling {
 public:
  Sampling(const detail::GenerationModel& model, const TokenIds& prompts,
           const DecodingRules& rules, Generator& generator)
      : rules_(rules), batch_(model, repeated(prompts, rules)) {
    const std::int64_t n = rules.options().num_return_sequences;
    for (std::int64_t i = 0; i < batch_.size(); ++i) {
      if (rules.samples()) generators_.emplace_back(generator.bits());
      made_.push_back({i / n, {}, 0, GenerationEnd::length});
      sequences_.push_back(static_cast<std::size_t>(i));
    }
    has_ended_.resize(made_.size());
  }

  std::vector<Generation> run() {
    for (std::size_t left = made_.size(); left > 0;) {
      batch_.read();
      rules_.check_ids(batch_.vocabulary());
      for (std::size_t row = 0; row < sequences_.size(); ++row) {
        if (has_ended_[sequences_[row]] || !batch_.is_open(row)) continue;
        choose(row);
        if (has_ended_[sequences_[row]]) --left;
      }
      if (batch_.can_select()) leave_out_ended();
    }
    return std::move(made_);
  }

 private:
  static TokenIds repeated(const TokenIds& prompts, const DecodingRules& rules) {
    TokenIds all;
    for (const std::vector<std::int64_t>& prompt : prompts) {
      all.insert(all.end(), static_cast<std::size_t>(rules.options().num_return_sequences), prompt);
    }
    return all;
  }

  void choose(std::size_t row) {
    const std::size_t sequence = sequences_[row];
    Generation& made = made_[sequence];
    std::vector<double> scores = batch_.logits(row);
    rules_.restrict(scores, batch_.ids(row), std::ssize(made.ids));
    if (rules_.samples()) rules_.warp(scores);
    const double total = kernels::log_sum_exp(scores);
    if (total == -std::numeric_limits<double>::infinity()) {
      throw ValueError(fmt::format(
          "generate: no token can follow {} ids of sequence {}: its logits, or what the options "
          "leave of them, are all -inf",
          batch_.ids(row).size(), sequence));
    }
    const std::int64_t id = rules_.samples()
                                ? kernels::draw_by_scores(scores, generators_[sequence].uniform())
                                : kernels::greatest_score(scores);
    add(row, id, scores[static_cast<std::size_t>(id)] - total);
  }

  void add(std::size_t row, std::int64_t id, double log_probability) {
    const std::size_t sequence = sequences_[row];
    Generation& made = made_[sequence];
    batch_.append(row, id);
    made.ids.push_back(id);
    made.score += log_probability;
    const auto end = rules_.end_of(batch_.ids(row), std::ssize(made.ids));
    if (end) made.end = *end;
    has_ended_[sequence] = end.has_value();
    const auto& on_token = rules_.options().on_token;
    const bool goes_on = !on_token || on_token({static_cast<std::int64_t>(sequence),
                                                std::ssize(made.ids) - 1, id, log_probability});
    if (goes_on || end) return;
    made.end = GenerationEnd::callback;
    has_ended_[sequence] = true;
  }

  void leave_out_ended() {
    std::vector<std::size_t> rows, sequences;
    for (std::size_t row = 0; row < sequences_.size(); ++row) {
      if (has_ended_[sequences_[row]]) continue;
      rows.push_back(row);
      sequences.push_back(sequences_[row]);
    }
    if (rows.size() == sequences_.size()) return;
    batch_.select(rows);
    sequences_ = std::move(sequences);
  }

  const DecodingRules& rules_;
  DecodingBatch batch_;
  std::vector<Generator> generators_;   // of each sequence
  std::vector<Generation> made_;        // of each sequence
  std::vector<bool> has_ended_;         // each sequence
  std::vector<std::size_t> sequences_;  // of each row of the batch
};

/// What there is if no token is wanted.
std::vector<Generation> empty_sequences(const TokenIds& prompts, std::int64_t of_each) {
  std::vector<Generation> all;
  for (std::int64_t i = 0; i < std::ssize(prompts) * of_each; ++i) {
    all.push_back({i / of_each, {}, 0, GenerationEnd::length});
  }
  return all;
}

}  // namespace

std::vector<Generation> detail::generate(const GenerationModel& model, const TokenIds& prompts,
                                         const GenerateOptions& options, Generator& generator) {
  const DecodingRules rules(options, prompts);
  if (options.num_beams > 1 && !model.select) {
    throw ValueError(
        fmt::format("generate: num_beams is {}, and the cache has no select(rows): beams need it",
                    options.num_beams));
  }
  const NoGradGuard no_grad;
  note_op("generate");
  if (options.max_new_tokens == 0) return empty_sequences(prompts, options.num_return_sequences);
  if (options.num_beams > 1) return BeamSearch(model, prompts, rules).run();
  return Sampling(model, prompts, rules, generator).run();
}

}  // namespace gradus
