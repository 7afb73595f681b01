#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/piece_lattice.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gradus::detail {
namespace {

constexpr double minus_infinity = -std::numeric_limits<double>::infinity();

}  // namespace

PieceLattice::PieceLattice(std::span<const ScoredPiece> pieces) {
  double least = 0;
  scores_.reserve(pieces.size());
  for (const ScoredPiece& piece : pieces) {
    trie_.add(piece.text, static_cast<std::int32_t>(scores_.size()));
    scores_.push_back(piece.score);
    least = std::min(least, piece.score);
  }
  unknown_score_ = least - 10;  // as Unigram has it
}

// The edges from each character on, in their order.
void PieceLattice::set_edges(std::string_view word, Scratch& scratch) const {
  scratch.edges.clear();
  scratch.begins.clear();
  scratch.first.clear();
  for (std::size_t i = 0; i < word.size();) {
    const std::size_t length = decode_utf8(word, i).length;
    scratch.begins.push_back(i);
    scratch.first.push_back(scratch.edges.size());
    bool known = false;
    trie_.prefixes(word.substr(i), [&](std::size_t size, std::int32_t piece) {
      scratch.edges.push_back({i + size, piece, scores_[static_cast<std::size_t>(piece)]});
      known = known || size == length;
    });
    if (!known) scratch.edges.push_back({i + length, -1, unknown_score_});
    i += length;
  }
  scratch.begins.push_back(word.size());
  scratch.first.push_back(scratch.edges.size());
}

// Backward: the log-probability of the rest of the word from each character on, and with it those
// of the edges there. Forward: the probability that a way comes by each character.
double PieceLattice::expect(const CountedWord& word, std::span<double> expected,
                            Scratch& scratch) const {
  set_edges(word.text, scratch);
  std::vector<double>& values = scratch.values;
  values.assign(word.text.size() + 1, 0);
  const std::size_t characters = scratch.begins.size() - 1;
  for (std::size_t k = characters; k-- > 0;) {
    const auto edges =
        std::span(scratch.edges).subspan(scratch.first[k], scratch.first[k + 1] - scratch.first[k]);
    double most = minus_infinity, sum = 0;
    for (auto& edge : edges) most = std::max(most, edge.score += values[edge.end]);
    for (auto& edge : edges) sum += edge.score = std::exp(edge.score - most);
    for (auto& edge : edges) edge.score /= sum;
    values[scratch.begins[k]] = most + std::log(sum);
  }
  const double result = values[0];
  std::fill(values.begin(), values.end(), 0.0);
  values[0] = static_cast<double>(word.count);
  for (std::size_t k = 0; k < characters; ++k) {
    for (std::size_t e = scratch.first[k]; e < scratch.first[k + 1]; ++e) {
      const auto& edge = scratch.edges[e];
      const double share = values[scratch.begins[k]] * edge.score;
      values[edge.end] += share;
      if (edge.piece >= 0) expected[static_cast<std::size_t>(edge.piece)] += share;
    }
  }
  return result;
}

// Viterbi's algorithm from the end of the word.
double PieceLattice::best(std::string_view word, bool whole, std::vector<std::int32_t>& way,
                          Scratch& scratch) const {
  set_edges(word, scratch);
  std::vector<double>& values = scratch.values;
  values.assign(word.size() + 1, minus_infinity);
  values[word.size()] = 0;
  const std::size_t characters = scratch.begins.size() - 1;
  const auto is_whole = [&](std::size_t k, const Scratch::Edge& edge) {
    return k == 0 && edge.end == word.size();
  };
  const auto for_each_edge = [&](std::size_t k, auto&& f) {
    for (std::size_t e = scratch.first[k]; e < scratch.first[k + 1]; ++e) {
      const Scratch::Edge& edge = scratch.edges[e];
      if (whole || !is_whole(k, edge)) f(edge, edge.score + values[edge.end]);
    }
  };
  for (std::size_t k = characters; k-- > 0;) {
    double& value = values[scratch.begins[k]];
    for_each_edge(k, [&](const Scratch::Edge&, double score) { value = std::max(value, score); });
  }
  way.clear();
  if (values[0] == minus_infinity) return minus_infinity;
  for (std::size_t k = 0; k < characters;) {
    const double value = values[scratch.begins[k]];
    const Scratch::Edge* taken = nullptr;
    for_each_edge(k, [&](const Scratch::Edge& edge, double score) {
      if (taken == nullptr && score == value) taken = &edge;
    });
    way.push_back(taken->piece);
    while (scratch.begins[k] < taken->end) ++k;
  }
  return values[0];
}

}  // namespace gradus::detail
