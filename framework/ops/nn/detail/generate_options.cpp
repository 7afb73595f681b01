#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/kernels/nn/next_token.h>
#include <gradus/framework/ops/nn/detail/generate_options.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::detail {
namespace {

constexpr const char* op = "generate";
constexpr double ruled_out = -std::numeric_limits<double>::infinity();

void check(const char* name, auto value, bool ok, const char* range) {
  if (!ok) throw ValueError(fmt::format("{}: {} is {}, it must be {}", op, name, value, range));
}

[[noreturn]] void throw_no_effect(const char* name, const char* why) {
  throw ValueError(fmt::format("{}: {} has no effect {}", op, name, why));
}

bool ends_in(std::span<const std::int64_t> ids, const std::vector<std::int64_t>& end) {
  return ids.size() >= end.size() && std::ranges::equal(ids.last(end.size()), end);
}

bool contains(const std::vector<std::int64_t>& ids, std::int64_t id) {
  return std::ranges::find(ids, id) != ids.end();
}

}  // namespace

DecodingRules::DecodingRules(const GenerateOptions& options, const TokenIds& prompts)
    : options_(options) {
  check_numbers();
  check_use();
  check_prompts(prompts);
}

void DecodingRules::check_numbers() const {
  const GenerateOptions& o = options_;
  check("max_new_tokens", o.max_new_tokens, o.max_new_tokens >= 0, "at least 0");
  check("min_new_tokens", o.min_new_tokens,
        o.min_new_tokens >= 0 && o.min_new_tokens <= o.max_new_tokens,
        "between 0 and max_new_tokens");
  check("temperature", o.temperature, o.temperature >= 0 && std::isfinite(o.temperature),
        "finite and at least 0");
  check("top_k", o.top_k, o.top_k >= 0, "at least 0");
  check("top_p", o.top_p, o.top_p > 0 && o.top_p <= 1, "above 0 and at most 1");
  check("min_p", o.min_p, o.min_p >= 0 && o.min_p <= 1, "between 0 and 1");
  check("repetition_penalty", o.repetition_penalty,
        o.repetition_penalty > 0 && std::isfinite(o.repetition_penalty), "positive and finite");
  check("no_repeat_ngram_size", o.no_repeat_ngram_size, o.no_repeat_ngram_size >= 0, "at least 0");
  check("num_beams", o.num_beams, o.num_beams >= 1, "at least 1");
  check("num_return_sequences", o.num_return_sequences, o.num_return_sequences >= 1, "at least 1");
  check("length_penalty", o.length_penalty, std::isfinite(o.length_penalty), "finite");
  for (const std::vector<std::int64_t>& stop : o.stop_sequences) {
    if (stop.empty()) throw ValueError(fmt::format("{}: a stop sequence is empty", op));
  }
}

/// Refuses options that would have no effect.
void DecodingRules::check_use() const {
  const GenerateOptions& o = options_;
  if (!o.do_sample) {
    const char* const why = "without do_sample";
    if (o.temperature != 0 && o.temperature != 1) throw_no_effect("temperature", why);
    if (o.top_k != 0) throw_no_effect("top_k", why);
    if (o.top_p != 1) throw_no_effect("top_p", why);
    if (o.min_p != 0) throw_no_effect("min_p", why);
  }
  if (o.num_beams == 1) {
    if (o.length_penalty != 1) throw_no_effect("length_penalty", "without num_beams");
    if (o.early_stopping) throw_no_effect("early_stopping", "without num_beams");
    if (samples() || o.num_return_sequences == 1) return;
    throw ValueError(
        fmt::format("{}: num_return_sequences is {}, and there is one likeliest token: set "
                    "do_sample and a temperature above 0, or num_beams",
                    op, o.num_return_sequences));
  }
  if (o.do_sample) throw_no_effect("do_sample", "with num_beams");
  if (o.on_token) throw_no_effect("on_token", "with num_beams");
  check("num_return_sequences", o.num_return_sequences, o.num_return_sequences <= o.num_beams,
        "at most num_beams");
}

void DecodingRules::check_prompts(const TokenIds& prompts) const {
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (prompts[i].empty()) {
      throw ValueError(fmt::format(
          "{}: prompt {} is empty: let it begin with a token for the start of a text", op, i));
    }
    if (!options_.max_length || *options_.max_length > std::ssize(prompts[i])) continue;
    throw ValueError(fmt::format("{}: prompt {} has {} ids, max_length is {}: it must be greater",
                                 op, i, prompts[i].size(), *options_.max_length));
  }
}

void DecodingRules::check_ids(std::int64_t V) const {
  const auto check_one = [V](const char* name, std::int64_t id) {
    if (id >= 0 && id < V) return;
    throw IndexError(fmt::format("{}: {} has {}, the model has ids in [0, {})", op, name, id, V));
  };
  for (const std::int64_t id : options_.eos_token_ids) check_one("eos_token_ids", id);
  for (const std::int64_t id : options_.suppress_tokens) check_one("suppress_tokens", id);
  for (const std::vector<std::int64_t>& stop : options_.stop_sequences) {
    for (const std::int64_t id : stop) check_one("stop_sequences", id);
  }
}

std::int64_t DecodingRules::most_new(std::size_t prompt_size) const {
  if (!options_.max_length) return options_.max_new_tokens;
  return std::min(options_.max_new_tokens,
                  *options_.max_length - static_cast<std::int64_t>(prompt_size));
}

void DecodingRules::restrict(std::span<double> scores, std::span<const std::int64_t> ids,
                             std::int64_t count) const {
  const auto rule_out = [&](const std::vector<std::int64_t>& list) {
    for (const std::int64_t id : list) scores[static_cast<std::size_t>(id)] = ruled_out;
  };
  if (options_.repetition_penalty != 1) {
    kernels::penalize_repetition(scores, ids, options_.repetition_penalty);
  }
  if (options_.no_repeat_ngram_size > 0) {
    kernels::forbid_repeated_ngrams(scores, ids, options_.no_repeat_ngram_size);
  }
  if (count < options_.min_new_tokens) rule_out(options_.eos_token_ids);
  rule_out(options_.suppress_tokens);
}

void DecodingRules::warp(std::span<double> scores) const {
  kernels::apply_temperature(scores, options_.temperature);
  if (options_.top_k > 0) kernels::keep_top_k(scores, options_.top_k);
  if (options_.top_p < 1) kernels::keep_top_p(scores, options_.top_p);
  if (options_.min_p > 0) kernels::keep_min_p(scores, options_.min_p);
}

std::optional<GenerationEnd> DecodingRules::end_of(std::span<const std::int64_t> ids,
                                                   std::int64_t count) const {
  if (contains(options_.eos_token_ids, ids.back())) return GenerationEnd::eos;
  if (count >= options_.min_new_tokens) {
    for (const std::vector<std::int64_t>& stop : options_.stop_sequences) {
      if (ends_in(ids, stop)) return GenerationEnd::stop_sequence;
    }
  }
  if (count >= most_new(ids.size() - static_cast<std::size_t>(count))) {
    return GenerationEnd::length;
  }
  return std::nullopt;
}

}  // namespace gradus::detail
