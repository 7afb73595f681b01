#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/kernels/nn/next_token.h>
#include <gradus/framework/ops/nn/detail/beam_search.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::detail {

/// Of equal sums, that of the lower row, then of the lower id, is the greater.
bool BeamSearch::Candidate::operator<(const Candidate& other) const {
  if (sum != other.sum) return sum < other.sum;
  return row != other.row ? row > other.row : id > other.id;
}

BeamSearch::BeamSearch(const GenerationModel& model, const TokenIds& prompts,
                       const DecodingRules& rules)
    : prompts_(prompts), rules_(rules), batch_(model, prompts), finished_(prompts.size()) {
  for (std::size_t i = 0; i < prompts.size(); ++i) beams_.push_back({i});
}

std::int64_t BeamSearch::count_of(std::size_t row) const {
  return std::ssize(batch_.ids(row)) - std::ssize(prompts_[beams_[row].prompt]);
}

double BeamSearch::score(double sum, std::int64_t count) const {
  return sum / std::pow(static_cast<double>(count), rules_.options().length_penalty);
}

/// All that may follow the beams of a prompt, as a heap.
std::vector<BeamSearch::Candidate> BeamSearch::candidates(std::size_t first,
                                                          std::size_t last) const {
  std::vector<Candidate> all;
  for (std::size_t row = first; row < last; ++row) {
    std::vector<double> scores = batch_.logits(row);
    const double total = kernels::log_sum_exp(scores);
    for (double& score : scores) score -= total;
    rules_.restrict(scores, batch_.ids(row), count_of(row));
    for (std::size_t id = 0; id < scores.size(); ++id) {
      const double sum = beams_[row].sum + scores[id];
      if (std::isfinite(sum)) all.push_back({sum, row, static_cast<std::int64_t>(id)});
    }
  }
  std::make_heap(all.begin(), all.end());
  return all;
}

void BeamSearch::finish(const Candidate& candidate, std::size_t prompt, GenerationEnd end) {
  const std::vector<std::int64_t>& ids = batch_.ids(candidate.row);
  Generation made{static_cast<std::int64_t>(prompt),
                  {ids.begin() + std::ssize(prompts_[prompt]), ids.end()},
                  score(candidate.sum, count_of(candidate.row) + 1),
                  end};
  made.ids.push_back(candidate.id);
  std::vector<Generation>& all = finished_[prompt];
  const auto is_better = [](const Generation& a, const Generation& b) { return a.score > b.score; };
  all.insert(std::upper_bound(all.begin(), all.end(), made, is_better), made);
  if (std::ssize(all) > rules_.options().num_beams) all.pop_back();
}

/// The best candidates that go on. Those that end a sequence are finished if they are among the
/// num_beams best.
std::vector<BeamSearch::Candidate> BeamSearch::best(std::vector<Candidate> heap,
                                                    std::size_t prompt) {
  const std::int64_t beams = rules_.options().num_beams;
  std::vector<Candidate> going_on;
  for (std::int64_t rank = 0; !heap.empty() && std::ssize(going_on) < beams; ++rank) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate candidate = heap.back();
    heap.pop_back();
    std::vector<std::int64_t> ids = batch_.ids(candidate.row);
    ids.push_back(candidate.id);
    const auto end = rules_.end_of(ids, count_of(candidate.row) + 1);
    if (!end) going_on.push_back(candidate);
    if (end && rank < beams) finish(candidate, prompt, *end);
    if (end == GenerationEnd::length && rank >= beams) break;  // so do all others end
  }
  return going_on;
}

/// Whether no beam can become one of the best sequences.
bool BeamSearch::is_done(std::size_t prompt, double best_sum, std::int64_t count) const {
  const GenerateOptions& options = rules_.options();
  const std::vector<Generation>& all = finished_[prompt];
  if (std::ssize(all) < options.num_beams) return false;
  if (options.early_stopping) return true;
  const std::int64_t most = rules_.most_new(prompts_[prompt].size());
  return score(best_sum, options.length_penalty > 0 ? most : count + 1) <= all.back().score;
}

/// Chooses the next beams of all prompts.
void BeamSearch::advance() {
  std::vector<Candidate> next;
  std::vector<Beam> beams;
  for (std::size_t first = 0, last = 0; first < beams_.size(); first = last) {
    const std::size_t prompt = beams_[first].prompt;
    while (last < beams_.size() && beams_[last].prompt == prompt) ++last;
    if (!batch_.is_open(first)) {  // its prompt goes on
      next.push_back({0, first, -1});
      beams.push_back({prompt});
      continue;
    }
    const std::vector<Candidate> best_ones = best(candidates(first, last), prompt);
    if (best_ones.empty() && finished_[prompt].empty()) {
      throw ValueError(
          fmt::format("generate: the options rule out all tokens after prompt {}", prompt));
    }
    if (best_ones.empty() || is_done(prompt, best_ones[0].sum, count_of(first) + 1)) continue;
    for (const Candidate& candidate : best_ones) {
      next.push_back(candidate);
      beams.push_back({prompt, candidate.sum});
    }
  }
  std::vector<std::size_t> rows;
  rows.reserve(next.size());
  for (const Candidate& candidate : next) rows.push_back(candidate.row);
  batch_.select(rows);
  for (std::size_t row = 0; row < next.size(); ++row) {
    if (next[row].id >= 0) batch_.append(row, next[row].id);
  }
  beams_ = std::move(beams);
}

std::vector<Generation> BeamSearch::run() {
  while (batch_.size() > 0) {
    batch_.read();
    rules_.check_ids(batch_.vocabulary());
    advance();
  }
  std::vector<Generation> result;
  for (const std::vector<Generation>& all : finished_) {
    const auto n = std::min(std::ssize(all), std::ptrdiff_t{rules_.options().num_return_sequences});
    result.insert(result.end(), all.begin(), all.begin() + n);
  }
  return result;
}

}  // namespace gradus::detail
