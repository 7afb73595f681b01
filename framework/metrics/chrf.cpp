#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/metrics/chrf.h>
#include <gradus/framework/metrics/detail/inputs.h>
#include <gradus/framework/metrics/detail/ngram_counts.h>
#include <gradus/framework/metrics/detail/words.h>

namespace gradus {
namespace {

bool is_punctuation(std::string_view character) {
  constexpr std::string_view marks = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  return character.size() == 1 && marks.find(character[0]) != std::string_view::npos;
}

/// The words of a text, with one mark of punctuation split off: the last character, or else the
/// first.
std::string chrf_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : detail::split_words(text)) {
    const std::vector<std::string_view> characters = detail::split_characters(word);
    const bool several = characters.size() > 1;
    if (several && is_punctuation(characters.back())) {
      words.push_back(word.substr(0, word.size() - 1));
      words.push_back(characters.back());
    } else if (several && is_punctuation(characters.front())) {
      words.push_back(characters.front());
      words.push_back(word.substr(1));
    } else {
      words.push_back(word);
    }
  }
  return detail::join_words(words);
}

std::string without_space(std::string_view text) {
  std::string result;
  for (const std::string_view word : detail::split_words(text)) result += word;
  return result;
}

/// The n-grams of a text, of all orders. The keys are views into its members.
class Ngrams {
 public:
  Ngrams(std::string_view text, const ChrfOptions& options)
      : line_(options.lowercase ? detail::lower_case(text) : std::string(text)),
        words_(chrf_words(line_)) {
    if (!options.whitespace) line_ = without_space(line_);
    count(detail::split_characters(line_), options.char_order);
    count(detail::split_words(words_), options.word_order);
  }
  Ngrams(const Ngrams&) = delete;
  Ngrams& operator=(const Ngrams&) = delete;

  const detail::NgramCounts& operator[](std::size_t order) const { return counts_[order]; }

 private:
  void count(const std::vector<std::string_view>& units, std::int64_t orders) {
    for (std::int64_t n = 1; n <= orders; ++n) {
      counts_.push_back(detail::count_ngrams(units, static_cast<std::size_t>(n)));
    }
  }

  std::string line_, words_;
  std::vector<detail::NgramCounts> counts_;
};

}  // namespace

Chrf::Chrf(const ChrfOptions& options) : options_(options) {
  if (options.char_order < 1 || options.word_order < 0 || options.beta < 1) {
    throw ValueError(
        fmt::format("Chrf: char_order is {}, word_order {}, beta {}: the orders must be "
                    "at least 1 and 0, beta at least 1",
                    options.char_order, options.word_order, options.beta));
  }
  orders_.resize(static_cast<std::size_t>(options.char_order + options.word_order));
}

void Chrf::add(std::string_view hypothesis, std::string_view reference) {
  add_all(hypothesis, {&reference, 1});
}

void Chrf::add(std::string_view hypothesis, std::span<const std::string> references) {
  const std::vector<std::string_view> views(references.begin(), references.end());
  add_all(hypothesis, views);
}

void Chrf::add(std::string_view hypothesis, std::initializer_list<std::string_view> references) {
  add_all(hypothesis, {references.begin(), references.size()});
}

void Chrf::add_all(std::string_view hypothesis, std::span<const std::string_view> references) {
  moved_.check("Chrf");
  if (references.empty()) throw ValueError("Chrf: a hypothesis has no reference");
  detail::check_utf8("Chrf", "the hypothesis", hypothesis);
  for (const std::string_view text : references) detail::check_utf8("Chrf", "a reference", text);

  const Ngrams found(hypothesis, options_);
  std::vector<Counts> best;
  double best_score = -1;
  for (const std::string_view text : references) {
    const Ngrams wanted(text, options_);
    std::vector<Counts> orders(orders_.size());
    for (std::size_t i = 0; i < orders.size(); ++i) {
      orders[i].reference = detail::total(wanted[i]);
      // An order that the reference has no n-gram of does not count against the hypothesis.
      orders[i].hypothesis = orders[i].reference > 0 ? detail::total(found[i]) : 0;
      orders[i].matches = detail::matches(found[i], wanted[i]);
    }
    if (const double s = score(orders); s > best_score) {
      best_score = s;
      best = orders;
    }
  }
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    orders_[i].hypothesis += best[i].hypothesis;
    orders_[i].reference += best[i].reference;
    orders_[i].matches += best[i].matches;
  }
  const auto number = static_cast<std::int64_t>(references.size());
  references_ = segments_ == 0 || references_ == number ? number : -1;
  ++segments_;
}

void Chrf::merge(const Chrf& other) {
  moved_.check("Chrf");
  other.moved_.check("Chrf");
  const auto same = [&](auto member) { return options_.*member == other.options_.*member; };
  if (!same(&ChrfOptions::char_order) || !same(&ChrfOptions::word_order) ||
      !same(&ChrfOptions::beta) || !same(&ChrfOptions::lowercase) ||
      !same(&ChrfOptions::whitespace) || !same(&ChrfOptions::eps_smoothing)) {
    throw ValueError("Chrf: merge: the options here are not those there");
  }
  if (other.segments_ == 0) return;
  references_ = segments_ == 0 || references_ == other.references_ ? other.references_ : -1;
  segments_ += other.segments_;
  for (std::size_t i = 0; i < orders_.size(); ++i) {
    orders_[i].hypothesis += other.orders_[i].hypothesis;
    orders_[i].reference += other.orders_[i].reference;
    orders_[i].matches += other.orders_[i].matches;
  }
}

double Chrf::score(const std::vector<Counts>& orders) const {
  constexpr double eps = 1e-16;
  const auto factor = static_cast<double>(options_.beta * options_.beta);
  const auto f_beta = [&](double precision, double recall) {
    return (1 + factor) * precision * recall / (factor * precision + recall);
  };
  double sum = 0, precisions = 0, recalls = 0, effective = 0;
  for (const Counts& counts : orders) {
    const auto matches = static_cast<double>(counts.matches);
    const bool any_found = counts.hypothesis > 0, any_wanted = counts.reference > 0;
    const double precision = any_found ? matches / static_cast<double>(counts.hypothesis) : eps;
    const double recall = any_wanted ? matches / static_cast<double>(counts.reference) : eps;
    sum += factor * precision + recall > 0 ? f_beta(precision, recall) : eps;
    if (any_found && any_wanted) {
      precisions += precision;
      recalls += recall;
      ++effective;
    }
  }
  if (options_.eps_smoothing) return 100 * sum / static_cast<double>(orders.size());
  if (precisions + recalls == 0) return 0;
  return 100 * f_beta(precisions / effective, recalls / effective);
}

double Chrf::result() const {
  moved_.check("Chrf");
  detail::check_added("Chrf", segments_);
  return score(orders_);
}

std::string Chrf::signature() const {
  moved_.check("Chrf");
  detail::check_added("Chrf", segments_);
  return fmt::format("nrefs:{}|case:{}|eff:{}|nc:{}|nw:{}|space:{}|version:gradus-{}",
                     references_ < 0 ? "var" : std::to_string(references_),
                     options_.lowercase ? "lc" : "mixed", options_.eps_smoothing ? "no" : "yes",
                     options_.char_order, options_.word_order, options_.whitespace ? "yes" : "no",
                     GRADUS_VERSION);
}

}  // namespace gradus
