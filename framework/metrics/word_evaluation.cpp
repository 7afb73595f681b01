#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/metrics/detail/analogies.h>
#include <gradus/framework/metrics/spearman.h>
#include <gradus/framework/metrics/word_evaluation.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/framework/text/unicode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string_view>

namespace gradus {
namespace {

/// The first words of an index, by their possibly folded form.
class Lookup {
 public:
  Lookup(const char* operation, const WordIndex& index, const WordTestOptions& options)
      : fold_(options.fold_case) {
    if (options.most_words < 1) {
      throw ValueError(
          fmt::format("{}: most_words is {}: it must be above 0", operation, options.most_words));
    }
    rows_ = std::min(options.most_words, index.size());
    for (std::int64_t row = 0; row < rows_; ++row) {
      const auto form = static_cast<std::size_t>(
          forms_.add(folded(index.words()[static_cast<std::size_t>(row)])));
      form_.push_back(form);
      if (form == rows_of_form_.size()) rows_of_form_.emplace_back();
      rows_of_form_[form].push_back(row);
    }
  }

  std::int64_t rows() const { return rows_; }
  /// The first row of a word, or -1.
  std::int64_t row(std::string_view word) const {
    const std::int64_t form = forms_.find(folded(word));
    return form < 0 ? -1 : rows_of_form_[static_cast<std::size_t>(form)].front();
  }
  /// All rows that have the form of a row.
  const std::vector<std::int64_t>& same(std::int64_t row) const {
    return rows_of_form_[form_[static_cast<std::size_t>(row)]];
  }
  bool is_same(std::int64_t a, std::int64_t b) const {
    return form_[static_cast<std::size_t>(a)] == form_[static_cast<std::size_t>(b)];
  }

 private:
  std::string folded(std::string_view word) const {
    return fold_ ? case_fold(word) : std::string(word);
  }

  bool fold_;
  std::int64_t rows_ = 0;
  detail::TextIndex forms_;
  std::vector<std::size_t> form_;  // of each row
  std::vector<std::vector<std::int64_t>> rows_of_form_;
};

double pearson(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = x[i] - mean_x, b = y[i] - mean_y;
    xx += a * a;
    yy += b * b;
    xy += a * b;
  }
  return std::clamp(xy / (std::sqrt(xx) * std::sqrt(yy)), -1.0, 1.0);
}

/// Analogies all of whose words are there, with the row of d.
struct Questions {
  std::vector<detail::AnalogyRows> rows;
  std::vector<std::int64_t> answers;
};

Questions questions_of(const Lookup& lookup, const AnalogySection& section) {
  Questions questions;
  for (const auto& words : section.analogies) {
    std::array<std::int64_t, 4> rows{};
    std::transform(words.begin(), words.end(), rows.begin(),
                   [&](const std::string& word) { return lookup.row(word); });
    if (*std::min_element(rows.begin(), rows.end()) < 0) continue;
    questions.rows.push_back({rows[0], rows[1], rows[2]});
    questions.answers.push_back(rows[3]);
  }
  return questions;
}

/// For each analogy, all rows of its words in any case.
Tensor excluded_rows(const Lookup& lookup, const std::vector<detail::AnalogyRows>& analogies) {
  std::vector<std::vector<std::int64_t>> rows;
  std::size_t most = 0;
  for (const auto& analogy : analogies) {
    auto& own = rows.emplace_back();
    for (const std::int64_t row : analogy) {
      own.insert(own.end(), lookup.same(row).begin(), lookup.same(row).end());
    }
    most = std::max(most, own.size());
  }
  std::vector<std::int64_t> all;
  for (auto& own : rows) {
    own.resize(most, -1);
    all.insert(all.end(), own.begin(), own.end());
  }
  return reshape(tensor(all),
                 {static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(most)});
}

std::int64_t count_correct(const NeighborIndex& index, const Lookup& lookup,
                           const Questions& questions, AnalogyRule rule) {
  if (questions.rows.empty()) return 0;
  const Neighbors found = detail::solve_analogies(index, questions.rows, 1, rule,
                                                  excluded_rows(lookup, questions.rows));
  const auto ids = found.ids.span<std::int64_t>();
  std::int64_t correct = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= 0 && lookup.is_same(ids[i], questions.answers[i])) ++correct;
  }
  return correct;
}

}  // namespace

WordPairScores evaluate_word_pairs(const WordIndex& index, std::span<const WordPair> pairs,
                                   const WordTestOptions& options) {
  const Lookup lookup("evaluate_word_pairs", index, options);
  std::vector<double> cosines, scores;
  std::int64_t missing = 0;
  for (const WordPair& pair : pairs) {
    const std::int64_t a = lookup.row(pair.first), b = lookup.row(pair.second);
    const bool lacks = a < 0 || b < 0;
    if (lacks) ++missing;
    if (lacks && !options.count_missing) continue;
    cosines.push_back(lacks ? 0 : detail::cosine(index.neighbors().matrix(), a, b));
    scores.push_back(pair.score);
  }
  if (cosines.empty()) {
    throw ValueError(fmt::format(
        "evaluate_word_pairs: none of the {} pairs has both of its words among the first {} words",
        pairs.size(), lookup.rows()));
  }
  Spearman spearman;
  spearman.add(cosines, scores);
  return {spearman.result(), pearson(cosines, scores), static_cast<std::int64_t>(cosines.size()),
          missing};
}

AnalogyScores evaluate_analogies(const WordIndex& index, std::span<const AnalogySection> sections,
                                 AnalogyRule rule, const WordTestOptions& options) {
  const Lookup lookup("evaluate_analogies", index, options);
  const NeighborIndex rows(slice(index.neighbors().matrix(), 0, 0, lookup.rows()));
  AnalogyScores scores{{}, {"total", 0, 0, 0}};
  for (const AnalogySection& section : sections) {
    const Questions questions = questions_of(lookup, section);
    const auto all = static_cast<std::int64_t>(section.analogies.size());
    const auto known = static_cast<std::int64_t>(questions.rows.size());
    const std::int64_t correct = count_correct(rows, lookup, questions, rule);
    scores.sections.push_back(
        {section.name, correct, options.count_missing ? all : known, all - known});
    scores.total.correct += correct;
    scores.total.total += scores.sections.back().total;
    scores.total.missing += all - known;
  }
  return scores;
}

}  // namespace gradus
