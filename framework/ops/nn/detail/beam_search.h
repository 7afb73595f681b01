#pragma once
#include <gradus/framework/ops/nn/detail/decoding_batch.h>
#include <gradus/framework/ops/nn/detail/generate_options.h>

#include <cstdint>
#include <vector>

namespace gradus::detail {

/// Beam search over all prompts side by side. The rows of the batch are the beams of the first
/// prompt, then those of the next.
class BeamSearch {
 public:
  BeamSearch(const GenerationModel& model, const TokenIds& prompts, const DecodingRules& rules);

  /// The best sequences of each prompt.
  std::vector<Generation> run();

 private:
  /// A row of the batch.
  struct Beam {
    std::size_t prompt;
    double sum = 0;  // of the logarithms of probabilities
  };
  /// What may become a beam: a row and the next id.
  struct Candidate {
    double sum;
    std::size_t row;
    std::int64_t id;
    bool operator<(const Candidate& other) const;
  };

  std::int64_t count_of(std::size_t row) const;
  std::vector<Candidate> candidates(std::size_t first, std::size_t last) const;
  std::vector<Candidate> best(std::vector<Candidate> heap, std::size_t prompt);
  void finish(const Candidate& candidate, std::size_t prompt, GenerationEnd end);
  bool is_done(std::size_t prompt, double best_sum, std::int64_t count) const;
  double score(double sum, std::int64_t count) const;
  void advance();

  const TokenIds& prompts_;
  const DecodingRules& rules_;
  DecodingBatch batch_;
  std::vector<Beam> beams_;
  std::vector<std::vector<Generation>> finished_;  // of each prompt, the best first
};

}  // namespace gradus::detail
