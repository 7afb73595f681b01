#pragma once
#include <gradus/framework/ops/nn/generate.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gradus::detail {

/// GenerateOptions that were checked, and what they say about one sequence.
class DecodingRules {
 public:
  /// Throws ValueError for options and prompts that make no sense.
  DecodingRules(const GenerateOptions& options, const TokenIds& prompts);

  const GenerateOptions& options() const { return options_; }
  bool samples() const { return options_.do_sample && options_.temperature > 0; }

  /// Throws IndexError for ids outside [0, V).
  void check_ids(std::int64_t V) const;
  /// How many tokens a prompt of so many ids may get.
  std::int64_t most_new(std::size_t prompt_size) const;
  /// What the options make of the scores of the next token, save for sampling. `ids` has the
  /// prompt, and `count` tokens after it.
  void restrict(std::span<double> scores, std::span<const std::int64_t> ids,
                std::int64_t count) const;
  /// What sampling makes of them.
  void warp(std::span<double> scores) const;
  /// Whether the last of `count` tokens ends a sequence.
  std::optional<GenerationEnd> end_of(std::span<const std::int64_t> ids, std::int64_t count) const;

 private:
  void check_numbers() const;
  void check_use() const;
  void check_prompts(const TokenIds& prompts) const;

  const GenerateOptions& options_;
};

}  // namespace gradus::detail
